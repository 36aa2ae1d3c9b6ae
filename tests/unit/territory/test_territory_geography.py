"""Where communes are: the official list, outlines, distances."""

import pytest

from core.territory import geography


def test_the_official_list_is_whole() -> None:
    """5,115 communes of INSEE's vintage 2026, 5.56 million inhabitants, every centre in the region."""
    communes = geography.official()
    assert len(communes) == 5115
    assert 5_500_000 < sum(commune.population for commune in communes.values()) < 5_600_000
    assert all(commune.population >= 0 and commune.name for commune in communes.values())
    assert all(47.3 < c.lat < 50.3 and 3.3 < c.lon < 8.3 for c in communes.values())
    assert communes["51237"].name == "Esternay"


def test_every_centre_with_an_outline_lies_near_it() -> None:
    """List and outlines speak of the same places."""
    for insee in geography.outlines():
        commune = geography.official()[insee]
        outside_km = geography.outside_km(insee, commune.lat, commune.lon)
        assert outside_km is not None
        assert outside_km < 0.5


def test_distance_on_the_sphere() -> None:
    """One degree of latitude is 111.2 km; Remiremont to Esternay 237 km."""
    assert geography.distance_km(48, 6, 49, 6) == pytest.approx(111.2, abs=0.1)
    assert geography.distance_km(48.0175, 6.5882, 48.7323, 3.5616) == pytest.approx(237, abs=2)


def test_inside_and_outside_an_outline() -> None:
    """The town centre is inside; Saint-Nabord's is 3 km north of Remiremont's outline; Paris is far from both."""
    assert geography.outside_km("88383", 48.0175, 6.5882) == 0.0
    assert geography.outside_km("88383", 48.0517, 6.5825) == pytest.approx(2.9, abs=0.5)
    assert geography.outside_km("67482", 48.57, 7.76) is None
    assert geography.stray("88383", 48.0175, 6.5882) is None


@pytest.mark.parametrize("insee", sorted(geography.outlines()))
def test_bands_answer_as_the_whole_outline(insee: str) -> None:
    """A point is inside when a ray to the east crosses an odd number of all segments, also at a vertex's latitude."""
    (ring,) = geography.outlines()[insee]
    lons, lats = [lon for lon, _ in ring], [lat for _, lat in ring]
    some_lons = [min(lons) - 0.01 + (max(lons) - min(lons) + 0.02) * n / 16 for n in range(17)]
    some_lats = [min(lats) - 0.01 + (max(lats) - min(lats) + 0.02) * n / 16 for n in range(17)] + lats[::11]
    for lat in some_lats:
        segments = [(a, b) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True) if (a[1] > lat) != (b[1] > lat)]
        crossings = [x1 + (lat - y1) / (y2 - y1) * (x2 - x1) for (x1, y1), (x2, y2) in segments]
        for lon in some_lons:
            inside = sum(crossing > lon for crossing in crossings) % 2 == 1
            assert (geography.outside_km(insee, lat, lon) == 0.0) == inside


def test_without_an_outline_the_centre_counts() -> None:
    """15 km around the centre of Strasbourg are Strasbourg enough; Sélestat is not."""
    assert geography.stray("67482", 48.60, 7.80) is None
    stray = geography.stray("67482", 48.26, 7.45)
    assert stray is not None
    assert stray[0] == "territory.far"
    assert "from the centre of Strasbourg (67482)" in stray[1]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("54000", "Nancy is 54395"), ("remiremont", "Remiremont is 88383"), ("99999", "not its postal code")],
)
def test_what_was_probably_meant(written: str, meant: str) -> None:
    """A postal code, or a name."""
    assert meant in geography.suggest(written)
