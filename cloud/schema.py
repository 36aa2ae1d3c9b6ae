"""What a row becomes in the store: measurements, tags, fields and times. Pure.

| Measurement | One point | Tags | Fields |
|---|---|---|---|
| `light` `bin` `traffic` `cabinet` | a channel and time of an uplink | commune, asset, device, channel | quantities |
| `suspect` | the same, for readings outside their plausible range | the same | quantities |
| `uplink` | an uplink | commune, asset, device | `key`, `origin`, `row`; at times `error`, `clock`, `own_times_us` |
| `event` | a diagnostic of a device, or of the edge itself | commune, asset, device, type | `key`, `origin`, detail |
| `site` `alarm` | what is no row's: `cloud.reports` | | |

Tags come from closed sets: the territory, EUIs, the codecs' channels, the event types. An empty tag is left out; an
empty text of `event` is not: it must win over what an older point of the series had there.

A store pays by the field. So what nobody asks a store about is one text: `origin` is the accepted row
(edge/spool_id/class/seq/boot), `row` the uplink as JSON without its readings (raw payload, every reception, codec,
counters, names). It is read with `uplink_of`, also for what is a field at times: `Store.latest` gives the `error` of
whichever uplink of the series had one last, the row that of this one.

- `error`: only where there is one; empty where the worker could decode what the edge could not, so that it wins over
  what a worker that could not either has stored of the same uplink.
- `clock`: only where it is not what the row says: the time is `estimated`.
A bin's `fill_pct` is derived here, from the distance and the geometry of the asset (`core.fill`).
"""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from cloud.stores.base import KEY, Field, Point
from cloud.stores.checks import MAX_TAG
from core import quantities
from core.errors import RejectedError, UnreadableError
from core.fill import fill_pct
from core.model import (
    ClockQuality,
    Domain,
    Event,
    Reception,
    Row,
    RowClass,
    RowId,
    Unreadable,
    Uplink,
    decode_row,
    encode_row,
    row_time_us,
)
from core.territory import Geometry, Placement, Site

UPLINK: Final = "uplink"
EVENT: Final = "event"
SUSPECT: Final = "suspect"
SITE: Final = "site"
ALARM: Final = "alarm"
DOMAINS: Final = tuple(str(domain) for domain in Domain)
OF_DEVICES: Final = (UPLINK, EVENT, SUSPECT, *DOMAINS)  # what has the tag `device`, and moves with it

ORIGIN: Final = "origin"  # of `uplink` and `event`: the accepted row
ROW: Final = "row"  # of `uplink`: the row as JSON, without its readings
ERROR: Final = "error"  # of `uplink`: what kept it from being decoded
CLOCK: Final = "clock"  # of `event`, and of `uplink` where its row says otherwise
OWN_TIMES: Final = "own_times_us"  # of an uplink: JSON list of its readings' own times, where they have any

_Where = tuple[str, str, str]  # device, commune, asset or ""
_EUI = re.compile(r"[0-9a-f]{16}")
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,31}")


class RowPoints(msgspec.Struct, frozen=True):
    """All that a row becomes, in one database. The first point is the row's own (`uplink` or `event`): the row is
    stored when that one is; any other that the store refuses is evidence to keep beside it."""

    database: str
    points: list[Point]


def row_ms(row: Row, offset_ms: int | None) -> int:
    """The instant (ms UTC) at which the territory places the row: the one under which it is stored."""
    return row_time_us(row, offset_ms) // 1000


def row_points(
    row: Row,
    row_id: RowId,
    *,
    edge: str,
    boot: str,
    offset_ms: int | None,
    placement: Placement | None,
    site: Site,
    geometry: Geometry | None = None,
    mended: bool = False,
) -> RowPoints:
    """The points of a row, the same for the same row.

    Args:
        offset_ms: the envelope's clock offset; null when the edge's clock never was set.
        placement: of its device at `row_ms`; null for an event without a device, which belongs to the site.
        geometry: of the bin that the placement names.
        mended: the row was accepted with an error, which it has no more: this worker could decode it.

    Raises:
        UnreadableError: the row cannot be stored as it is (an `Unreadable` row, a quantity or a domain that this
            version does not know).
        RejectedError: `identity.foreign_device`, `identity.eui`, `row.type`.
    """
    if placement is not None and placement.foreign:
        raise RejectedError(
            "identity.foreign_device",
            f"the device belongs to {placement.tenant}, the site {site.id} to {site.tenant}",
            hint="see assignments.csv and sites.toml; then replay",
        )
    fields: dict[str, Field] = {
        KEY: row.key,
        ORIGIN: f"{edge}/{row_id.spool_id}/{row_id.row_class}/{row_id.seq}/{boot}",
    }
    database, commune, asset = site.tenant, site.commune, ""
    if placement is not None:
        database, commune, asset = placement.database, placement.commune, placement.asset
    time_us = row_time_us(row, offset_ms)
    match row:
        case Uplink():
            if row.error or mended:
                fields[ERROR] = row.error
            if (clock := _clock(row, offset_ms)) is not row.clock:
                fields[CLOCK] = clock.value
            return RowPoints(database, _uplink(row, fields, (row.dev_eui, commune, asset), time_us, geometry))
        case Event():
            fields[CLOCK] = _clock(row, offset_ms).value
            tags = device_tags(row.dev_eui, commune, asset) if row.dev_eui else {"commune": site.commune}
            return RowPoints(database, [_event(row, fields, tags, time_us)])
        case Unreadable():
            raise UnreadableError(row.error, f"the source could not read it ({row.topic})", hint=row.hint)


class Origin(NamedTuple):
    """Which accepted row a point is: what the field `origin` says."""

    edge: str
    spool_id: str
    row_class: RowClass
    seq: int
    boot: str

    @property
    def row_id(self) -> RowId:
        return RowId(self.spool_id, self.row_class, self.seq)


def origin_of(point: Point) -> Origin | None:
    """The accepted row of an own point (`uplink`, `event`); None where somebody else wrote the point."""
    try:
        edge, spool_id, row_class, seq, boot = str(point.fields.get(ORIGIN)).split("/", 4)
        return Origin(edge, spool_id, RowClass(row_class), int(seq), boot)
    except ValueError:
        return None


def uplink_of(point: Point) -> Uplink:
    """The uplink of its own point, without its readings: those are points of their own.

    Raises:
        UnreadableError: `row.unreadable`.
    """
    row = decode_row(str(point.fields[ROW]).encode())
    if not isinstance(row, Uplink):
        raise UnreadableError("row.unreadable", f"an {UPLINK} point holds {type(row).__name__}")
    return row


def clock_of(point: Point) -> ClockQuality:
    """How far the time of an own point (`uplink`, `event`) can be trusted.

    Raises:
        UnreadableError: `row.unreadable`.
    """
    said = point.fields.get(CLOCK)
    return ClockQuality(str(said)) if said else uplink_of(point).clock


def best_of(receptions: Iterable[Reception]) -> Reception | None:
    """The reception of the gateway that heard best, by RSSI; None where nobody said."""
    return max(receptions, key=_strength, default=None)


def _strength(reception: Reception) -> tuple[int, float, str]:
    return reception.rssi_dbm, reception.snr_db, reception.gateway


def _clock(row: Row, offset_ms: int | None) -> ClockQuality:
    """`unsynced`: mended by the offset of its boot. `estimated`: there never was one."""
    if row.clock is ClockQuality.UNSYNCED and offset_ms is None:
        return ClockQuality.ESTIMATED
    return row.clock


# Tags are few and points are many: each set of tags is made once, and shared by all points of its series.


@lru_cache(maxsize=32_768)
def device_tags(dev_eui: str, commune: str, asset: str) -> dict[str, str]:
    """The tags of a device where it was. Not to be changed: the next caller gets the same.

    Raises:
        RejectedError: `identity.eui`.
    """
    tags = {"device": _eui(dev_eui), "commune": commune}
    if asset:
        tags["asset"] = asset
    return tags


@lru_cache(maxsize=65_536)
def _channel_tags(place: _Where, channel: str) -> dict[str, str]:
    tags = device_tags(*place)
    return {**tags, "channel": channel[:MAX_TAG]} if channel else tags


@lru_cache(maxsize=65_536)
def _eui(text: str) -> str:
    if _EUI.fullmatch(text) is None:
        raise RejectedError("identity.eui", f"{text[:40]!r} is not an EUI")
    return text


def _uplink(
    row: Uplink, fields: dict[str, Field], place: _Where, time_us: int, geometry: Geometry | None
) -> list[Point]:
    for reception in row.receptions:
        _eui(reception.gateway)  # whoever computes from receptions makes tags of them
    points = [Point(UPLINK, device_tags(*place), time_us, fields)]
    own_times = _readings(row, place, time_us, geometry, points) if row.readings else None
    fields[ROW] = encode_row(msgspec.structs.replace(row, readings=())).decode()
    if own_times:
        fields[OWN_TIMES] = json.dumps(sorted(own_times), separators=(",", ":"))
    return points


def _readings(
    row: Uplink, place: _Where, time_us: int, geometry: Geometry | None, points: list[Point]
) -> set[int] | None:
    """Adds the points of the domain, and the suspect ones: one a channel and time. Own times, where there are any."""
    if row.domain not in DOMAINS:
        raise UnreadableError(
            "row.domain", f"no domain is named {row.domain[:40]!r}", hint="a newer edge? upgrade the cloud, then replay"
        )
    measured: dict[tuple[str, int], dict[str, Field]] = {}
    suspect: dict[tuple[str, int], dict[str, Field]] = {}
    known = quantities.QUANTITIES.get
    at, fields, channel, measured_ms = ("", 0), dict[str, Field](), "", None
    for reading in row.readings:
        name, value = reading.quantity, reading.value
        if not fields or reading.channel != channel or reading.measured_ms != measured_ms:
            channel, measured_ms = reading.channel, reading.measured_ms  # those of one follow one another
            at = (channel, time_us if measured_ms is None else measured_ms * 1000)
            fields = measured.setdefault(at, {})
        quantity = known(name)
        if quantity is not None and (
            value in quantity.states
            if quantity.states
            else value.__class__ is float and quantity.low <= value <= quantity.high
        ):
            fields[name] = value  # nearly all are as they should be, and need no closer look
        else:
            found = fields if quantities.is_plausible(name, value) else suspect.setdefault(at, {})
            found[name] = value if isinstance(value, str) else float(value)
    if row.domain == Domain.BIN:
        for fields in measured.values():
            add_fill(fields, geometry)
    own_times: set[int] | None = None
    for measurement, group in ((row.domain, measured), (SUSPECT, suspect)):
        for (channel, at_us), fields in group.items():
            if not fields:
                continue
            points.append(Point(measurement, _channel_tags(place, channel), at_us, fields))
            if at_us != time_us:
                own_times = own_times or set()
                own_times.add(at_us)
    return own_times


def add_fill(fields: dict[str, Field], geometry: Geometry | None) -> None:
    """Give a point of `bin` the fill that its distance means in this geometry; none where it means nothing.

    A sensor that sends no distance may know its fill itself: that stays.
    """
    distance_mm = fields.get("distance_mm")
    if not isinstance(distance_mm, float):
        return
    fill = None if geometry is None else fill_pct(distance_mm, geometry)
    if fill is None:
        fields.pop("fill_pct", None)
    else:
        fields["fill_pct"] = fill


def _event(row: Event, fields: dict[str, Field], tags: dict[str, str], time_us: int) -> Point:
    if _TYPE.fullmatch(row.type) is None:
        raise RejectedError("row.type", f"{row.type[:40]!r} is not the type of an event")
    fields |= {
        "application": row.application,
        "profile": row.profile,
        "device_name": row.device_name,
        "detail": detail_text(row),
    }
    return Point(EVENT, {**tags, "type": row.type}, time_us, fields)


def detail_text(row: Event) -> str:
    """The event's own facts as the store keeps them: JSON, the same for the same facts."""
    return json.dumps(row.detail, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
