"""The list of alarms: the gravest first, what has just ended faded below, and the last days on demand."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from nicegui import background_tasks
from nicegui.element import Element

from cloud.page import alarm_words
from cloud.page.alarms import Alarm, grouped
from cloud.page.elements import Text, box, button, mark, markup
from cloud.page.state import Snapshot
from cloud.watch.alarms.alarm import AlarmState
from core.errors import LinkError, StorageError

MOST_SHOWN, MOST_ON_A_PHONE = 5, 3  # until all are asked for
MOST_LISTED = 100  # a longer list is no list: the map shows them all
HISTORY_DAYS = 7
Choose = Callable[[Alarm], None]


class AlarmList:
    """Built once for a browser; its rows anew when an alarm is another, their ages at every `show`.

    Args:
        remember: the alarms that ended in the last days, the last first.
        on_acknowledge: None where nobody may.
    """

    def __init__(
        self,
        on_choose: Choose,
        on_commune: Callable[[str], None],
        *,
        remember: Callable[[], Awaitable[Sequence[Alarm]]],
        on_acknowledge: Choose | None = None,
    ) -> None:
        self._on_choose = on_choose
        self._on_commune = on_commune
        self._on_acknowledge = on_acknowledge
        self._remember = remember
        self._shown: object = None
        self._ages: list[tuple[Text, Sequence[Alarm]]] = []
        self._snapshot: Snapshot | None = None
        self._is_long = False
        self._past: Sequence[Alarm] | None = None  # None: not asked for
        with box("section", "alarms", aria_label="Alarmes", tabindex="-1") as self.root:
            self._title = Text("h2", "Alarmes")
            with box("p", "watch-note", role="status") as self._note:
                self._words = Text("span")
            self._list = box("div")
            self._more = button("alarm-more", self._lengthen)
            with self._more:
                self._more_words = Text("span")
            self._switch = button("alarm-more", self._toggle_history, aria_expanded="false")
            with self._switch:
                self._switch_words = Text("span")
            self._history = box("div", "history")

    def show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        alarms, now_ms = snapshot.beside.alarms, snapshot.now_ms
        held = [one for one in alarms if one.is_open]
        self._title.text = alarm_words.heading(len(held))
        self._words.text = alarm_words.watch_note(snapshot)
        mark(self._note, "data-look", alarm_words.watch_look(snapshot))
        what = (alarms, snapshot.ground.digest, self._is_long)
        if what != self._shown:
            self._shown = what
            self._build(alarms, snapshot)
        for text, group in self._ages:
            text.text = alarm_words.since_last(group, now_ms)

    def _build(self, alarms: Sequence[Alarm], snapshot: Snapshot) -> None:
        self._ages.clear()
        self._list.clear()
        groups = [(one,) for one in alarms[:MOST_LISTED]] if self._is_long else grouped(alarms)
        with self._list, box("ul", "alarm-list is-long" if self._is_long else "alarm-list"):
            for group in groups if self._is_long else groups[:MOST_SHOWN]:
                self._row(group, snapshot)
            if self._is_long and len(alarms) > MOST_LISTED:
                Text("li", alarm_words.others(len(alarms) - MOST_LISTED), "note")
        self._more_words.text = alarm_words.more(len(alarms), is_long=self._is_long)
        is_whole = len(groups) == len(alarms)
        number = (
            "many" if not is_whole or len(groups) > MOST_SHOWN else "some" if len(groups) > MOST_ON_A_PHONE else "few"
        )
        mark(self._more, "data-number", "many" if self._is_long else number)
        self._switch_words.text = alarm_words.history_switch(HISTORY_DAYS, is_open=self._past is not None)

    def _row(self, group: Sequence[Alarm], snapshot: Snapshot) -> None:
        first = group[0]
        choose = partial(self._on_choose, first) if len(group) == 1 else partial(self._on_commune, first.commune)
        with box("li", f"alarm is-{first.severity} is-{first.state}"):
            with button("alarm-what", choose):
                markup(alarm_words.sign(first.severity), "alarm-sign")
                Text("span", alarm_words.gravity(first.severity), "only-read")
                Text("span", alarm_words.names(group), "name")
                where = self._where(group, snapshot)
                with box("span", "what"):
                    Text("span", f"{where}\u00a0· " if where else "")
                    self._ages.append((Text("span", css="since"), group))
                seen = alarm_words.seen_by(first) if len(group) == 1 else ""
                if seen:
                    Text("span", seen, "what seen-by")
            if self._on_acknowledge is not None and len(group) == 1 and first.state is AlarmState.RAISED:
                with button("alarm-ack", partial(self._on_acknowledge, first)):
                    Text("span", "Acquitter")

    def _lengthen(self) -> None:
        self._is_long = not self._is_long
        if self._snapshot is not None:
            self.show(self._snapshot)

    def _toggle_history(self) -> None:
        if self._past is not None:
            self._tell_history(None)
        else:
            background_tasks.create(self._read_history(), name="history")

    async def _read_history(self) -> None:
        try:
            self._tell_history(await self._remember())
        except (LinkError, StorageError) as error:
            self._tell_history((), fault=f"Lecture impossible pour l’instant ({error.code}).")

    def _tell_history(self, past: Sequence[Alarm] | None, *, fault: str = "") -> None:
        self._past = past
        mark(self._switch, "aria-expanded", "false" if past is None else "true")
        self._switch_words.text = alarm_words.history_switch(HISTORY_DAYS, is_open=past is not None)
        self._history.clear()
        if past is None or self._snapshot is None:
            return
        with self._history:
            if not past:
                Text("p", fault or f"Aucune alarme terminée depuis {HISTORY_DAYS} jours.", "note")
            with box("ul"):
                for alarm in past[:MOST_LISTED]:
                    with box("li", f"alarm is-{alarm.severity} is-cleared"):
                        self._remembered(alarm, self._snapshot)
            if len(past) > MOST_LISTED:
                Text("p", alarm_words.others(len(past) - MOST_LISTED), "note")

    def _remembered(self, alarm: Alarm, snapshot: Snapshot) -> Element:
        with button("alarm-what", partial(self._on_choose, alarm)) as row:
            markup(alarm_words.sign(alarm.severity), "alarm-sign")
            Text("span", alarm_words.name(alarm), "name")
            Text("span", self._where((alarm,), snapshot), "what")
            Text("span", alarm_words.span(alarm), "what")
        return row

    def _where(self, group: Sequence[Alarm], snapshot: Snapshot) -> str:
        if len(group) > 1:
            commune = snapshot.ground.communes.get(group[0].commune)
            return "" if commune is None else commune.name
        return alarm_words.where(group[0], snapshot.ground, for_operator=self._on_acknowledge is not None)
