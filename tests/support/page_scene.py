"""The page over a real store, in a real browser: what its tests share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloud.stores.base import Point
from core.territory import Territory
from tests.support import chromium, page_process
from tests.support.chromium import Tab
from tests.support.page_pan import MAP
from tests.support.page_process import PageProcess
from tests.support.streets import Streets

__all__ = ["BROKEN", "LIT", "MAP", "NIGHT_MS", "Scene", "scene", "streets"]

NIGHT_MS = 1_764_100_800_000  # 2025-11-25 20:00 UTC, 21:00 in Paris
LIT, BROKEN = "88383-lamp-006", "88383-lamp-001"
READY = f"!!document.querySelector('.asset-map') && !!{MAP}?.position && {MAP}.position('{LIT}')"


@dataclass
class Scene:
    folder: Path
    declared: Territory
    page: PageProcess
    tab: Tab

    def point(self, asset: str, channel: str, at_ms: int, fields: dict[str, Any], measurement: str = "light") -> None:
        """The worker writes a point of this asset."""
        device = next(one.dev_eui for one in self.declared.assignments if one.asset == asset)
        commune = self.declared.assets[asset].commune
        tags = {"commune": commune, "asset": asset, "device": device, "channel": channel}
        database = self.declared.communes[commune].tenant
        page_process.write(self.folder, {database: [Point(measurement, _filled(tags), at_ms * 1000, fields)]})

    def open(self, width: int, height: int, *, touch: bool = False) -> None:
        self.tab.resize(width, height, touch=touch)
        self.tab.open(self.page.url)
        self.tab.until("the lamps are on the map", READY)

    def text(self, selector: str) -> str:
        said: str = self.tab.run(f"document.querySelector({selector!r})?.innerText ?? ''")
        return said.replace("\u202f", " ")

    def position(self, asset: str) -> dict[str, Any]:
        at: dict[str, Any] = self.tab.run(f"{MAP}.position({asset!r})")
        return at

    def look_at(self, asset: str) -> None:
        """Bring it to the middle of the map, as near as streets are told apart."""
        self.tab.run(f"void {MAP}.map.setView([{self.where(asset)}], 17, {{animate: false}})")

    def where(self, asset: str) -> str:
        """Latitude and longitude, as JavaScript takes them."""
        declared = self.declared.assets[asset]
        return f"{declared.lat}, {declared.lon}"

    def map_point(self, asset: str) -> str:
        """Where it is on the map's box, as JavaScript takes it."""
        return f"{MAP}.map.latLngToContainerPoint([{self.where(asset)}])"

    def colour(self, x: float, y: float) -> list[int]:
        """What the map's canvas shows at a point of the screen, as RGBA."""
        shown: list[int] = self.tab.run(
            "(() => { const c = document.querySelectorAll('.leaflet-overlay-pane canvas')[1],"
            " b = c.getBoundingClientRect();"
            f" return [...c.getContext('2d').getImageData(({x} - b.left) * c.width / b.width,"
            f" ({y} - b.top) * c.height / b.height, 1, 1).data]; }})()"
        )
        return shown


def _filled(tags: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in tags.items() if text}


@contextmanager
def scene(folder: Path, profile: Path, streets: Streets, *, hours: int = 24, more: str = "") -> Iterator[Scene]:
    """A filled store, the page over it, and a browser.

    Args:
        profile: an empty folder, of the browser.
        more: lines of the page's settings.
    """
    chromium.executable()
    declared = streets.declare()
    page_process.write(folder, streets.batches(declared, hours=hours))
    with page_process.page(folder, now_ms=NIGHT_MS, more=more) as started, chromium.browser(profile) as tab:
        yield Scene(folder, declared, started, tab)


def streets(folder: Path) -> Streets:
    """12 lamps, 5 bins and 3 counters in eleven communes."""
    return Streets(folder / "territory", 12, NIGHT_MS, unequipped=("88205",), bins_each=5, counters_each=3)
