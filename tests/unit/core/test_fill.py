"""core.fill: bins as they stand in a street."""

import pytest

from core.fill import fill_pct
from core.territory.model import Geometry, Shape

GLASS = Geometry(Shape.UPRIGHT, 1500, 60)
TANK = Geometry(Shape.LYING, 1000)


@pytest.mark.parametrize(
    ("distance_mm", "fill"),
    [(1500, 0.0), (1575, 0.0), (1576, None), (1140, 25.0), (780, 50.0), (60, 100.0), (30, 100.0), (0, 100.0)],
)
def test_an_upright_bin_is_linear(distance_mm: float, fill: float | None) -> None:
    """From the bottom to the end of the blind zone."""
    assert fill_pct(distance_mm, GLASS) == (fill if fill is None else pytest.approx(fill))


@pytest.mark.parametrize(
    ("distance_mm", "fill"), [(1000, 0.0), (900, 5.204), (750, 19.550), (500, 50.0), (250, 80.450), (0, 100.0)]
)
def test_a_lying_cylinder_is_a_segment_of_its_circle(distance_mm: float, fill: float) -> None:
    """Tables of horizontal tanks: a tenth of the depth holds 5.20 %, a quarter 19.55 %."""
    assert fill_pct(distance_mm, TANK) == pytest.approx(fill, abs=0.001)


def test_a_geometry_that_leaves_no_room_has_no_fill() -> None:
    """A blind zone down to the bottom: nothing can be known."""
    assert fill_pct(50, Geometry(Shape.UPRIGHT, 100, 100)) is None
    assert fill_pct(50, Geometry(Shape.LYING, 100, 200)) is None
