"""Fill of any bin at any distance: in 0..100, falling with the distance, exact at its ends."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.fill import fill_pct
from core.territory.model import Geometry, Shape


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    """What a territory may declare, with a blind zone that ends above the bottom."""
    height_mm = draw(st.integers(100, 10_000))
    return Geometry(draw(st.sampled_from(Shape)), height_mm, draw(st.integers(0, min(2000, height_mm - 1))))


distances = st.one_of(st.floats(0, 12_000), st.integers(0, 12_000).map(float))


@given(geometries(), distances, distances)
def test_it_falls_as_the_distance_grows_and_stays_within_0_and_100(
    geometry: Geometry, one: float, other: float
) -> None:
    """Whatever the shape."""
    near, far = (fill_pct(distance_mm, geometry) for distance_mm in sorted((one, other)))
    for fill in (near, far):
        assert fill is None or 0.0 <= fill <= 100.0
    if near is not None and far is not None:
        assert near >= far
    assert near is not None or far is None  # what is beyond the bottom stays beyond it


@given(geometries())
def test_its_ends_are_exact(geometry: Geometry) -> None:
    """At the end of the blind zone, within it, and at the sensor it is full; at the bottom it is empty."""
    for distance_mm in (0, geometry.blind_mm / 2, geometry.blind_mm):
        assert fill_pct(distance_mm, geometry) == 100.0
    assert fill_pct(geometry.height_mm, geometry) == 0.0


@given(geometries())
def test_half_the_distance_is_half_full(geometry: Geometry) -> None:
    """Upright and lying alike: a lying cylinder is symmetrical."""
    middle_mm = (geometry.height_mm + geometry.blind_mm) / 2
    assert fill_pct(middle_mm, geometry) == pytest.approx(50.0)


@given(geometries(), st.floats(0, 1))
def test_a_lying_cylinder_is_symmetrical_about_its_middle(geometry: Geometry, share: float) -> None:
    """As much is above as is below."""
    lying = Geometry(Shape.LYING, geometry.height_mm, geometry.blind_mm)
    depth_mm = lying.height_mm - lying.blind_mm
    low, high = (fill_pct(lying.height_mm - part * depth_mm, lying) for part in (share, 1 - share))
    assert low is not None
    assert high is not None
    assert low + high == pytest.approx(100.0, abs=1e-6)


@given(geometries(), st.floats(0, 20_000))
def test_beyond_the_bottom(geometry: Geometry, beyond_mm: float) -> None:
    """Up to 5 % further is the bottom of a bent bin; beyond that the sensor sees something else: no fill."""
    assume(beyond_mm > 0)
    fill = fill_pct(geometry.height_mm + beyond_mm, geometry)
    assert fill == (0.0 if geometry.height_mm + beyond_mm <= geometry.height_mm * 1.05 else None)


@given(geometries(), st.sampled_from([-1.0, math.nan, math.inf, -math.inf]))
def test_what_is_no_distance_has_no_fill(geometry: Geometry, distance_mm: float) -> None:
    """Absent, not 0."""
    assert fill_pct(distance_mm, geometry) is None
