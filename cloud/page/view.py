"""The page in one browser: strip, communes, map, legend, panel; and a message while there is nothing to show."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import background_tasks
from nicegui.events import GenericEventArguments

from cloud.page.elements import Text, box, mark
from cloud.page.kinds import LAYERS, TRADES
from cloud.page.legend import Legend
from cloud.page.map import AssetMap
from cloud.page.panel import Panel
from cloud.page.sidebar import Communes, Reports
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


class View:
    """Built when a browser opens the page. `show` is called after each poll with what changed.

    Args:
        tell: reads what is known of one asset, off the event loop.
    """

    def __init__(self, snapshot: Snapshot, *, tell: Callable[[str], Awaitable[Story | None]]) -> None:
        self._tell = tell
        self._snapshot = snapshot
        self._layers = frozenset(LAYERS)
        self._opened: _Open | None = None
        self._polls = 0
        with box("div", "page"):
            self._strip = Strip(self._switch)
            with box("div", "body"):
                with box("div", "side"):
                    self._communes = Communes(self._show_commune)
                    self._reports = Reports(self._choose)
                with box("main", "centre", aria_label="Carte"):
                    with box("div", "message", role="status") as self._message:
                        self._words = Text("strong")
                        self._why = Text("span")
                    self._map = AssetMap()
                    self._map.on("asset", self._on_asset).on("commune", self._on_commune)
                    self._legend = Legend()
                self._panel = Panel(self._close)
        self._say(snapshot)

    def show(self, snapshot: Snapshot, changes: Changes) -> None:
        """Say what is new; the map is told only which assets changed."""
        self._say(snapshot)
        if changes.revision != changes.base:
            self._map.apply(changes)
        self._polls += 1
        if self._opened is not None:
            seen = snapshot.seen.get(self._opened.asset)
            if seen is None or seen.at_ms != self._opened.at_ms or self._polls % PANEL_EVERY == 0:
                background_tasks.create(self._fill(self._opened.asset), name="panel")

    def _say(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._strip.show(snapshot)
        self._communes.show(snapshot)
        self._reports.show(snapshot, self._layers)
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
        self._opened = _Open(asset, story.seen.at_ms)
        self._panel.show(story)
