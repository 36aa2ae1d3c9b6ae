"""The page in one browser: strip, communes, map, legend, panel; and a message while there is nothing to show."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import background_tasks
from nicegui.events import GenericEventArguments

from cloud.page.elements import Text, box, mark
from cloud.page.map import LampMap
from cloud.page.panel import Panel
from cloud.page.reader import Story
from cloud.page.sidebar import Communes, Legend, Reports
from cloud.page.state import Changes, Snapshot, StoreState
from cloud.page.strip import Strip
from core.errors import LinkError, StorageError

PANEL_EVERY = 10  # polls after which an open panel is read again although its lamp said nothing new
_MESSAGES = {
    StoreState.ABSENT: (
        "En attente des premières données…",
        "Le magasin de données n’existe pas encore : le service cloud n’a rien reçu.",
    ),
    StoreState.EMPTY: (
        "En attente des premières données…",
        "Aucun lampadaire n’a encore transmis de mesure.",
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


class View:
    """Built when a browser opens the page. `show` is called after each poll with what changed.

    Args:
        tell: reads what is known of one lamp, off the event loop.
    """

    def __init__(self, snapshot: Snapshot, *, tell: Callable[[str], Awaitable[Story | None]]) -> None:
        self._tell = tell
        self._opened: _Open | None = None
        self._polls = 0
        with box("div", "page"):
            self._strip = Strip()
            with box("div", "body"):
                with box("div", "side"):
                    self._communes = Communes(self._show_commune)
                    self._reports = Reports(self._choose)
                with box("main", "centre", aria_label="Carte"):
                    with box("div", "message", role="status") as self._message:
                        self._words = Text("strong")
                        self._why = Text("span")
                    self._map = LampMap()
                    self._map.on("lamp", self._on_lamp).on("commune", self._on_commune)
                    self._legend = Legend()
                self._panel = Panel(self._close)
        self._say(snapshot)

    def show(self, snapshot: Snapshot, changes: Changes) -> None:
        """Say what is new; the map is told only which lamps changed."""
        self._say(snapshot)
        if changes.revision != changes.base:
            self._map.apply(changes)
        self._polls += 1
        if self._opened is not None:
            seen = snapshot.lamps.get(self._opened.asset)
            if seen is None or seen.at_ms != self._opened.at_ms or self._polls % PANEL_EVERY == 0:
                background_tasks.create(self._fill(self._opened.asset), name="panel")

    def _say(self, snapshot: Snapshot) -> None:
        for part in (self._strip, self._communes, self._reports, self._legend):
            part.show(snapshot)
        words, why = _MESSAGES.get(snapshot.store, ("", ""))
        self._words.text, self._why.text = words, why
        mark(self._message, "data-look", "shown" if words else "hidden")

    def _on_lamp(self, event: GenericEventArguments) -> None:
        self._choose(str(event.args))

    def _on_commune(self, event: GenericEventArguments) -> None:
        self._show_commune(str(event.args))

    def _show_commune(self, insee: str) -> None:
        self._map.show_commune(insee)

    def _choose(self, asset: str) -> None:
        self._opened = _Open(asset, None)
        self._map.choose(asset)
        background_tasks.create(self._fill(asset), name="panel")

    def _close(self) -> None:
        self._opened = None
        self._panel.hide()
        self._map.choose(None)

    async def _fill(self, asset: str) -> None:
        """Read what is known of the lamp and say it, unless another one was chosen meanwhile."""
        try:
            story = await self._tell(asset)
        except (LinkError, StorageError) as error:
            self._panel.refuse(asset, f"Lecture impossible : {error.message}")
            return
        if self._opened is None or self._opened.asset != asset:
            return
        if story is None:
            self._panel.refuse(asset, "Cet équipement n’est plus déclaré.")
            return
        self._opened = _Open(asset, story.seen.at_ms)
        self._panel.show(story)
