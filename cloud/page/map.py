"""The map in the browser: the element that `asset_map.js` draws."""

from collections.abc import Iterable
from pathlib import Path

from nicegui import ui
from nicegui.elements import leaflet  # registers the wheel's own Leaflet with the browser

from cloud.page import symbols
from cloud.page.state import Changes
from core.model import Domain

_LEAFLET = Path(leaflet.__file__).parent / "dist"


class AssetMap(ui.element, component="asset_map.js", dependencies=["point_layer.js", "sprites.js", "geometry.js"]):
    """Outlines, all assets as points of one layer, an overview per zone. Emits `asset` (its id) and `commune` (INSEE
    code).

    It loads `/api/outlines` and `/api/assets` by itself and is then told what changes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.add_resource(_LEAFLET)
        self._props["symbols"] = symbols.for_browser()

    def apply(self, changes: Changes) -> None:
        """Draw the assets that changed."""
        message = {
            "base": changes.base,
            "revision": changes.revision,
            "states": dict(changes.states) if not changes.redraw else {},
            "redraw": changes.redraw,
        }
        self.run_method("apply", message)

    def choose(self, asset: str | None) -> None:
        """Mark one asset, in view; None: none."""
        self.run_method("choose", asset)

    def show_commune(self, insee: str) -> None:
        self.run_method("show_commune", insee)

    def show_layers(self, layers: Iterable[Domain]) -> None:
        """Show these layers and no others."""
        self.run_method("show_layers", sorted(layers))
