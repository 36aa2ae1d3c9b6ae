"""Rows of a few devices, territories that place them differently, and the store as it must be in the end."""

import zlib
from collections.abc import Iterable, Sequence

import msgspec

from cloud.moves import Moves
from cloud.schema import row_ms, row_points
from cloud.stores.base import Field, Point, Rejected, Store
from core.errors import RejectedError
from core.model import Event, Reading, Reception, Row, RowClass, RowId, Uplink
from core.territory import (
    OPERATOR,
    Asset,
    Assignment,
    Commune,
    Geometry,
    Kind,
    Operator,
    Placement,
    Site,
    Tenant,
    Territory,
)
from tests.support.stores import DATABASES

T0_MS = 1_700_000_000_000
MINUTE_MS = 60_000
DEVICES = ("00000000000000a1", "00000000000000a2")
# asset → commune: two tenants with two communes each
ASSETS = {"lamp-1": "88383", "lamp-2": "88351", "lamp-3": "51237", "lamp-4": "51238"}
TENANTS = {"88383": "ccpvm", "88351": "ccpvm", "51237": "esternay", "51238": "esternay"}
SITES = {"remiremont": "88383", "esternay": "51237"}
BINS = {"bin-1": "88383", "bin-2": "51237"}
MEASUREMENTS = ("uplink", "event", "suspect", "light", "bin", "site")


def now_ms() -> int:
    """A day later: every hour has ended."""
    return T0_MS + 24 * 60 * MINUTE_MS


Span = tuple[str, str, int, int | None]  # device, asset, from and until (minutes after T0)
Content = list[tuple[str, str, tuple[tuple[str, str], ...], int, tuple[tuple[str, Field], ...]]]


def territory(
    spans: Iterable[Span], *, sites: dict[str, str] | None = None, geometry: Geometry | None = None
) -> Territory:
    """A territory with these assignments; `sites`: edge → commune; `geometry`: of every bin."""
    placed = sites or SITES
    assignments = tuple(
        Assignment(device, asset, T0_MS + start * MINUTE_MS, None if end is None else T0_MS + end * MINUTE_MS)
        for device, asset, start, end in spans
    )
    return Territory(
        operator=Operator("grand-est", "Grand Est"),
        tenants={
            tenant: Tenant(tenant, tenant, tuple(insee for insee, owner in TENANTS.items() if owner == tenant))
            for tenant in sorted(set(TENANTS.values()))
        },
        communes={insee: Commune(insee, insee, tenant, 48.0, 6.0) for insee, tenant in TENANTS.items()},
        sites={name: Site(name, name, insee, TENANTS[insee], 48.0, 6.0) for name, insee in placed.items()},
        assets={asset: Asset(asset, Kind.LAMP, insee, 48.0, 6.0) for asset, insee in ASSETS.items()}
        | {asset: Asset(asset, Kind.BIN, insee, 48.0, 6.0, geometry=geometry) for asset, insee in BINS.items()},
        assignments=assignments,
        digest=f"{zlib.crc32(repr((assignments, placed, geometry)).encode()):012x}",
    )


def uplink(device: str, minute: int, *, own_minute: int | None = None) -> Uplink:
    """An uplink with readings in two channels, one suspect, two receptions, and one reading of its own time."""
    own_ms = None if own_minute is None else T0_MS + own_minute * MINUTE_MS + 7
    return Uplink(
        key=f"up|{device}|{minute}",
        received_ms=T0_MS + minute * MINUTE_MS,
        application="app",
        dev_eui=device,
        f_cnt=minute,
        payload=b"\x01",
        codec="nas@1",
        domain="light",
        receptions=(Reception("00000000000000f1", -90, 3.0), Reception("00000000000000f2", -99, 1.0)),
        readings=(
            Reading("power_w", float(minute), "dali_1"),
            Reading("temperature_c", 20.0),
            Reading("level_pct", 900.0),
            *(() if own_ms is None else (Reading("latitude_deg", 48.0, "", own_ms),)),
        ),
    )


def bin_uplink(device: str, minute: int, distance_mm: float) -> Uplink:
    """What a bin's sensor says; the fill is not its own."""
    readings = (Reading("distance_mm", distance_mm), Reading("battery_v", 3.6))
    return msgspec.structs.replace(uplink(device, minute), codec="mud@1", domain="bin", readings=readings)


def event(device: str, minute: int) -> Event:
    return Event(key=f"ev|{device}|{minute}", received_ms=T0_MS + minute * MINUTE_MS, type="status", dev_eui=device)


def points(
    row: Row, number: int, where: Territory, edge: str, *, mended: bool = False
) -> tuple[str, Sequence[Point]] | None:
    """Database and points of a row, as the worker makes them; None for what goes to the quarantine."""
    device = getattr(row, "dev_eui", "")
    placement = where.place(device, row_ms(row, 0), site=edge) if device else None
    try:
        made = _made(row, number, edge, placement, where, mended=mended)
    except RejectedError:
        return None
    return made


def expected(row: Row, number: int, where: Territory, edge: str) -> tuple[str, Sequence[Point]]:
    """As `points`; what is foreign by now is the operator's, unassigned."""
    made = points(row, number, where, edge)
    if made is not None:
        return made
    site = where.sites[edge]
    return _made(row, number, edge, Placement(OPERATOR, "", site.commune, "", False), where)


def _made(
    row: Row, number: int, edge: str, placement: Placement | None, where: Territory, *, mended: bool = False
) -> tuple[str, Sequence[Point]]:
    site = where.sites[edge]
    row_id = RowId("5b00c", RowClass.MEASUREMENT, number)
    asset = where.assets.get(placement.asset) if placement is not None else None
    geometry = None if asset is None else asset.geometry
    made = row_points(
        row,
        row_id,
        edge=edge,
        boot="b",
        offset_ms=0,
        placement=placement,
        site=site,
        geometry=geometry,
        mended=mended,
    )
    return made.database, made.points


def content(store: Store) -> Content:
    """All that the store shows, comparable."""
    return sorted(
        (database, name, tuple(sorted(point.tags.items())), point.time_us, tuple(sorted(point.fields.items())))
        for database in sorted({*store.databases(), *DATABASES})
        for name in MEASUREMENTS
        for point in store.series(database, name, start_us=0, end_us=2**62)
    )


def content_of(made: Iterable[tuple[str, Sequence[Point]]]) -> Content:
    """The same of what a fresh store would be given."""
    return sorted(
        (
            database,
            point.measurement,
            tuple(sorted(point.tags.items())),
            point.time_us,
            tuple(sorted(point.fields.items())),
        )
        for database, found in made
        for point in found
    )


def never(database: str, point: Point, rejected: Rejected) -> None:
    """For `keep`: no store refuses these points for good."""
    raise AssertionError(f"{database} refused {point}: {rejected}")


def finish(moves: Moves, where: Territory, *, mono_ms: int = 0) -> int:
    """Step until nothing is left to do; how many steps it took."""
    for steps in range(1, 10_000):
        step = moves.step(where, mono_ms=mono_ms)
        assert not step.refusing
        if not step.unfinished:
            return steps
    raise AssertionError("the moves never end")
