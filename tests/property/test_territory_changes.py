"""What a change of the territory moves is exactly what is placed otherwise, at every instant."""

import dataclasses
from bisect import bisect_right
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from core.territory import (
    Asset,
    Assignment,
    Change,
    Commune,
    Device,
    DeviceState,
    Geometry,
    Kind,
    Operator,
    Shape,
    Site,
    Tenant,
    Territory,
    changes,
    moved_sites,
)
from core.territory.placements import END_MS, Timeline

COMMUNES, ASSETS, DEVICES = (
    ("88383", "88429", "51237"),
    ("lamp-1", "lamp-2", "lamp-3"),
    ("00" * 7 + "01", "00" * 7 + "02"),
)
GEOMETRIES = (None, Geometry(Shape.UPRIGHT, 1500), Geometry(Shape.UPRIGHT, 1500, 60), Geometry(Shape.LYING, 1500))
LAST_MS = 12


@st.composite
def territories(draw: st.DrawFn) -> Territory:
    """Three communes of two tenants, three bins or lamps, two devices; the site stays where it is."""
    tenant_of = {insee: draw(st.sampled_from(("ccpvm", "esternay"))) for insee in COMMUNES[1:]} | {"88383": "ccpvm"}
    assignments: list[Assignment] = []
    for dev_eui in DEVICES:
        edges = draw(st.lists(st.integers(0, LAST_MS), max_size=6, unique=True).map(sorted))
        for index in range(0, len(edges), 2):
            end_ms = edges[index + 1] if index + 1 < len(edges) else None
            assignments.append(Assignment(dev_eui, draw(st.sampled_from(ASSETS)), edges[index], end_ms))
    communes, geometries = st.sampled_from(COMMUNES), st.sampled_from(GEOMETRIES)
    return Territory(
        operator=Operator("grand-est", "Grand Est"),
        tenants={t: Tenant(t, t, tuple(c for c in COMMUNES if tenant_of[c] == t)) for t in ("ccpvm", "esternay")},
        communes={c: Commune(c, c, tenant_of[c], 48.0, 6.6) for c in COMMUNES},
        sites={"remiremont": Site("remiremont", "Remiremont", "88383", "ccpvm", 48.0, 6.6)},
        assets={a: _asset(a, draw(communes), draw(geometries)) for a in ASSETS},
        devices={d: Device(d, "nas-ul20xx", DeviceState.INSTALLED) for d in DEVICES},
        assignments=tuple(draw(st.permutations(assignments))),
    )


def _asset(ident: str, commune: str, geometry: Geometry | None) -> Asset:
    return Asset(ident, Kind.BIN if geometry else Kind.LAMP, commune, 48.0, 6.6, geometry=geometry)


def geometry_of(territory: Territory, dev_eui: str, at_ms: int) -> Geometry | None:
    asset = territory.place(dev_eui, at_ms, site="remiremont").asset
    return territory.assets[asset].geometry if asset else None


def in_windows(windows: list[Change], dev_eui: str, at_ms: int) -> bool:
    mine = [window for window in windows if window.dev_eui == dev_eui]
    index = bisect_right([window.start_ms for window in mine], at_ms) - 1
    return index >= 0 and at_ms < mine[index].end_ms


@given(old=territories(), new=territories())
def test_windows_are_where_placements_differ(old: Territory, new: Territory) -> None:
    """For every device and instant: placement or geometry differ if and only if the instant is in a window."""
    windows = changes(old, new)
    for dev_eui in DEVICES:
        for at_ms in [*range(LAST_MS + 2), END_MS - 1]:
            before, after = (
                (territory.place(dev_eui, at_ms, site="remiremont"), geometry_of(territory, dev_eui, at_ms))
                for territory in (old, new)
            )
            assert (before != after) == in_windows(windows, dev_eui, at_ms)


@given(old=territories(), new=territories())
def test_windows_are_as_few_as_can_be(old: Territory, new: Territory) -> None:
    """Sorted, none empty, none touching the next; there and back again is the same."""
    windows = changes(old, new)
    assert windows == sorted(windows)
    assert all(window.start_ms < window.end_ms for window in windows)
    assert all(a.dev_eui != b.dev_eui or a.end_ms < b.start_ms for a, b in pairwise(windows))
    assert windows == changes(new, old)
    assert changes(old, old) == []


@given(territory=territories())
def test_an_assigned_device_is_placed_as_declared(territory: Territory) -> None:
    """`place` agrees with a look at every assignment, at every instant."""
    for dev_eui in DEVICES:
        for at_ms in range(LAST_MS + 2):
            holding = [
                assignment.asset
                for assignment in territory.assignments
                if assignment.dev_eui == dev_eui
                and assignment.start_ms <= at_ms < (END_MS if assignment.end_ms is None else assignment.end_ms)
            ]
            placement = territory.place(dev_eui, at_ms, site="remiremont")
            assert [placement.asset] == (holding or [""])
            if holding:
                asset = territory.assets[holding[0]]
                assert placement.commune == asset.commune
                assert placement.database == placement.tenant == territory.communes[asset.commune].tenant
                assert placement.foreign == (placement.tenant != "ccpvm")


def test_a_bin_that_was_measured_anew_changes_the_time_of_its_assignments() -> None:
    """Its stored fill was derived from the old geometry: what both its sensors sent is to be looked at, no more."""
    territory = Territory(
        operator=Operator("grand-est", "Grand Est"),
        tenants={"esternay": Tenant("esternay", "Esternay", ("51237",))},
        communes={"51237": Commune("51237", "Esternay", "esternay", 48.7, 3.6)},
        assets={name: _asset(name, "51237", GEOMETRIES[1]) for name in ("bin-1", "bin-2")},
        assignments=(
            Assignment(DEVICES[0], "bin-1", 10, 20),
            Assignment(DEVICES[1], "bin-1", 20, None),
            Assignment(DEVICES[0], "bin-2", 30, None),
        ),
    )
    for geometry in (GEOMETRIES[0], *GEOMETRIES[2:]):
        assets = {**territory.assets, "bin-1": _asset("bin-1", "51237", geometry)}
        other = dataclasses.replace(territory, assets=assets)
        assert changes(territory, other) == [Change(DEVICES[0], 10, 20), Change(DEVICES[1], 20, END_MS)]


def test_what_an_older_version_kept_of_a_timeline_is_read() -> None:
    """The worker's journal keeps timelines as JSON, once without geometry: a lamp's is the same, a bin's another."""
    timeline = msgspec.json.decode(b'[[10],[["esternay","51237","lamp-1"]]]', type=Timeline)
    assert timeline == ((10,), (("esternay", "51237", "lamp-1", ""),))
    assert msgspec.json.decode(msgspec.json.encode(timeline), type=Timeline) == timeline


def test_a_site_that_moves_is_named() -> None:
    """Its own events, and what its unassigned devices sent, move with it; a site that comes or goes moved nothing."""
    sites = {name: Site(name, name, "88383", "ccpvm", 48.0, 6.6) for name in ("stays", "moves", "goes")}
    after = {
        "stays": sites["stays"],
        "moves": Site("moves", "moves", "51237", "esternay", 48.7, 3.6),
        "comes": Site("comes", "comes", "88383", "ccpvm", 48.0, 6.6),
    }
    operator = Operator("grand-est", "Grand Est")
    assert moved_sites(Territory(operator, sites=sites), Territory(operator, sites=after)) == ["moves"]
