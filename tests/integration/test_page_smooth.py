"""The map of the whole fleet moves smoothly."""

from collections.abc import Iterator

import pytest

from tests.support import page_scene
from tests.support.page_pan import pan
from tests.support.page_scene import NIGHT_MS, Scene
from tests.support.streets import Streets

MOST_MS = 50.0  # three refreshes of a screen: a machine alone needs one, a busy one may miss two


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """6,000 assets: 5,748 lamps, 204 bins, 36 counters and 12 cabinets."""
    folder = tmp_path_factory.mktemp("fleet")
    streets = Streets(folder / "territory", 479, NIGHT_MS, bins_each=17, counters_each=3)
    with page_scene.scene(folder, tmp_path_factory.mktemp("profile"), streets, hours=1) as scene:
        yield scene


def test_six_thousand_assets_are_dragged_smoothly(fleet: Scene) -> None:
    """Half of the frames of a five-second drag come in time in headless Chromium, without a graphics card; the points
    are drawn again only where the view leaves what is drawn."""
    fleet.open(1280, 800)
    panned = pan(fleet.tab)
    assert panned.points == 6000
    assert panned.median_ms <= MOST_MS, panned
    assert 1 <= panned.draws < panned.frames / 4, panned
    assert fleet.tab.complaints == []


def test_ten_lamps_of_six_thousand_that_change_are_drawn_alone_in_the_message(fleet: Scene) -> None:
    """A change carries the assets that changed and no others: a few bytes each, not a megabyte."""
    fleet.open(1280, 800)
    fleet.tab.frames.clear()
    changed = [f"51237-lamp-{index:03}" for index in range(10, 20)]
    for asset in changed:
        fleet.point(asset, "dali_1", NIGHT_MS + 1000, {"level_pct": 0.0})
    for asset in changed:
        fleet.tab.until(f"{asset} is off", f"{page_scene.MAP}.position('{asset}').state === 'off'")
    assert sum(map(len, fleet.tab.frames)) < 40_000
