"""The map in the browser: the element that `lamp_map.js` draws."""

from pathlib import Path

from nicegui import ui
from nicegui.elements import leaflet  # registers the wheel's own Leaflet with the browser

from cloud.page import symbols
from cloud.page.state import Changes

_LEAFLET = Path(leaflet.__file__).parent / "dist"


class LampMap(ui.element, component="lamp_map.js", dependencies=["lamp_shapes.js"]):
    """Outlines, one layer of lamps, an overview per zone. Emits `lamp` (asset id) and `commune` (INSEE code).

    It loads `/api/outlines` and `/api/lamps` by itself and is then told what changes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.add_resource(_LEAFLET)
        self._props["symbols"] = symbols.for_browser()

    def apply(self, changes: Changes) -> None:
        """Draw the lamps that changed, those alone."""
        message = {
            "base": changes.base,
            "revision": changes.revision,
            "states": dict(changes.states),
            "redraw": changes.redraw,
        }
        self.run_method("apply", message)

    def choose(self, asset: str | None) -> None:
        """Mark one lamp, in view; None: no lamp."""
        self.run_method("choose", asset)

    def show_commune(self, insee: str) -> None:
        self.run_method("show_commune", insee)
