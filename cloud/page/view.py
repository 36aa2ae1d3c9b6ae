"""The page in one browser: strip, communes, map, legend, panel; and a message while there is nothing to show."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from nicegui import background_tasks
from nicegui.events import GenericEventArguments

from cloud.page.ack_form import AckForm, Acknowledge
from cloud.page.alarm_list import AlarmList
from cloud.page.alarms import Alarm
from cloud.page.elements import Text, box, mark
from cloud.page.kinds import LAYERS, TRADES
from cloud.page.legend import Legend
from cloud.page.map import AssetMap
from cloud.page.panel import Panel
from cloud.page.sidebar import Communes, Reports, Strangers
from cloud.page.state import Changes, Snapshot, StoreState
from cloud.page.story import Story
from cloud.page.strip import Strip
from core.errors import LinkError, StorageError
from core.model import Domain

PANEL_EVERY = 10  # polls after which an open panel is read again although its asset said nothing new
_MESSAGES = {
    StoreState.ABSENT: (
        "En attente des premières données…",
        "Le magasin de données n’existe pas encore : le service cloud n’a rien reçu.",
    ),
    StoreState.EMPTY: (
        "En attente des premières données…",
        "Aucun équipement n’a encore transmis de mesure.",
    ),
    StoreState.FAILING: (
        "Le magasin de données ne répond pas.",
        "La carte montre le dernier état connu ; elle reprendra d’elle-même.",
    ),
}


@dataclass(frozen=True, slots=True)
class _Open:
    asset: str
    at_ms: int | None
    alarms: Sequence[Alarm] = ()


class View:
    """Built when a browser opens the page. `show` is called after each poll with what changed.

    Args:
        tell: reads what is known of one asset, off the event loop.
        remember: reads the alarms that ended in the last days, off the event loop.
        acknowledge: tells the service who takes care of an alarm; None where nobody may.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        tell: Callable[[str], Awaitable[Story | None]],
        remember: Callable[[], Awaitable[Sequence[Alarm]]],
        acknowledge: Acknowledge | None = None,
    ) -> None:
        self._tell = tell
        self._snapshot = snapshot
        self._layers = frozenset(LAYERS)
        self._opened: _Open | None = None
        self._polls = 0
        self._form = None if acknowledge is None else AckForm(acknowledge)
        ack = None if self._form is None else self._acknowledge
        with box("div", "page"):
            self._strip = Strip(self._switch, self._show_alarms)
            with box("div", "body"):
                with box("div", "side"):
                    self._alarms = AlarmList(
                        self._choose_alarm, self._show_commune, remember=remember, on_acknowledge=ack
                    )
                    self._communes = Communes(self._show_commune)
                    with box("div", "reports"):
                        self._reports = Reports(self._choose)
                        self._strangers = Strangers()
                with box("main", "centre", aria_label="Carte"):
                    with box("div", "message", role="status") as self._message:
                        self._words = Text("strong")
                        self._why = Text("span")
                    self._map = AssetMap()
                    self._map.on("asset", self._on_asset).on("commune", self._on_commune)
                    self._legend = Legend()
                self._panel = Panel(self._close, on_acknowledge=ack)
        self._say(snapshot)

    def show(self, snapshot: Snapshot, changes: Changes) -> None:
        """Say what is new; the map is told only which assets changed."""
        self._say(snapshot)
        if changes.revision != changes.base:
            self._map.apply(changes)
        self._polls += 1
        if self._opened is not None:
            opened, seen = self._opened, snapshot.seen.get(self._opened.asset)
            said_more = seen is None or seen.at_ms != opened.at_ms or snapshot.alarms_of(opened.asset) != opened.alarms
            if said_more or self._polls % PANEL_EVERY == 0:
                background_tasks.create(self._fill(opened.asset), name="panel")

    def _say(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._strip.show(snapshot)
        self._alarms.show(snapshot)
        self._communes.show(snapshot)
        self._reports.show(snapshot, self._layers)
        self._strangers.show(snapshot)
        self._legend.show(snapshot, self._layers)
        words, why = _MESSAGES.get(snapshot.store, ("", ""))
        self._words.text, self._why.text = words, why
        mark(self._message, "data-look", "shown" if words else "hidden")

    def _switch(self, domain: Domain) -> None:
        """Show or hide a layer: on the map, in the legend and in what there is to report."""
        self._layers ^= {domain}
        self._strip.tiles.press(domain, shown=domain in self._layers)
        self._map.show_layers(self._layers)
        self._reports.show(self._snapshot, self._layers)
        self._legend.show(self._snapshot, self._layers)

    def _on_asset(self, event: GenericEventArguments) -> None:
        self._choose(str(event.args))

    def _on_commune(self, event: GenericEventArguments) -> None:
        self._show_commune(str(event.args))

    def _show_commune(self, insee: str) -> None:
        self._map.show_commune(insee)

    def _show_alarms(self) -> None:
        """Bring the list of alarms into view: on a phone it is elsewhere on the page."""
        here = f"document.getElementById('{self._alarms.root.html_id}')"
        self._alarms.root.client.run_javascript(
            f"{here}.scrollIntoView({{block: 'start'}}); {here}.focus({{preventScroll: true}})"
        )

    def _choose_alarm(self, alarm: Alarm) -> None:
        """Open what an alarm is about, or show its commune."""
        if alarm.asset in self._snapshot.ground.places:
            self._choose(alarm.asset)
        elif alarm.commune in self._snapshot.ground.communes:
            self._show_commune(alarm.commune)

    def _acknowledge(self, alarm: Alarm) -> None:
        if self._form is not None:
            self._form.ask(alarm, self._snapshot.ground)

    def _choose(self, asset: str) -> None:
        self._opened = _Open(asset, None)
        place = self._snapshot.ground.places.get(asset)
        if place is not None and TRADES[place.kind].domain not in self._layers:
            self._switch(TRADES[place.kind].domain)
        self._map.choose(asset)
        background_tasks.create(self._fill(asset), name="panel")

    def _close(self) -> None:
        self._opened = None
        self._panel.hide()
        self._map.choose(None)

    async def _fill(self, asset: str) -> None:
        """Read what is known of the asset and say it, unless another one was chosen meanwhile."""
        try:
            story = await self._tell(asset)
        except (LinkError, StorageError) as error:
            self._panel.refuse(asset, f"Lecture impossible pour l’instant ({error.code}).")
            return
        if self._opened is None or self._opened.asset != asset:
            return
        if story is None:
            self._panel.refuse(asset, "Cet équipement n’est plus déclaré.")
            return
        self._opened = _Open(asset, story.seen.at_ms, story.alarms)
        self._panel.show(story)
