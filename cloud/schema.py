"""What a row becomes in the store: measurements, tags, fields and times. Pure.

| Measurement | One point | Tags | Fields |
|---|---|---|---|
| `light` `bin` `traffic` `cabinet` | a channel and time of an uplink | commune, asset, device, channel | quantities |
| `suspect` | the same, for readings outside their plausible range | the same | quantities |
| `uplink` | an uplink | commune, asset, device | identity, radio (best gateway), raw payload, codec |
| `gateway` | a reception | commune, asset, device, gateway | radio |
| `event` | a diagnostic of a device, or of the edge itself | commune, asset, device, type | identity, detail (JSON) |
| `site` | a health document | commune, site | its counters |
| `alarm` | a condition that began or ended (operator only) | kind, site, channel (the tenant) | code, message, active |

Tags come from closed sets: the territory, EUIs, the codecs' channels, the event types. An empty tag is left out; an
empty text of `uplink` and `event` is not: it must win over what an older point of the series had there.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from cloud.stores.base import Field, Point
from cloud.stores.checks import MAX_TAG, is_name
from core import quantities
from core.errors import RejectedError, UnreadableError
from core.model import ClockQuality, Domain, Event, Reading, Row, RowId, Unreadable, Uplink, row_time_us
from core.territory import OPERATOR, Placement, Site

UPLINK: Final = "uplink"
EVENT: Final = "event"
GATEWAY: Final = "gateway"
SUSPECT: Final = "suspect"
SITE: Final = "site"
ALARM: Final = "alarm"
DOMAINS: Final = tuple(str(domain) for domain in Domain)
OF_DEVICES: Final = (UPLINK, EVENT, GATEWAY, SUSPECT, *DOMAINS)  # what has the tag `device`, and moves with it

OWN_TIMES: Final = "own_times_us"  # of an uplink: JSON list of its readings' own times, where they have any

_DEEPEST = 4  # tables inside tables of a health document; more is none of ours
_MAX_EXACT = 2**53  # a float keeps integers exactly up to here

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
) -> RowPoints:
    """The points of a row, the same for the same row.

    Args:
        offset_ms: the envelope's clock offset; null when the edge's clock never was set.
        placement: of its device at `row_ms`; null for an event without a device, which belongs to the site.

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
    identity: dict[str, Field] = {
        "key": row.key,
        "edge": edge,
        "spool_id": row_id.spool_id,
        "row_class": str(row_id.row_class),
        "seq": row_id.seq,
        "boot": boot,
        "clock": str(_clock(row, offset_ms)),
    }
    database = site.tenant if placement is None else placement.database
    time_us = row_time_us(row, offset_ms)
    match row:
        case Uplink():
            tags = _device_tags(row.dev_eui, placement, site)
            return RowPoints(database, _uplink(row, identity, tags, time_us))
        case Event():
            tags = _device_tags(row.dev_eui, placement, site) if row.dev_eui else {"commune": site.commune}
            return RowPoints(database, [_event(row, identity, tags, time_us)])
        case Unreadable():
            raise UnreadableError(row.error, f"the source could not read it ({row.topic})", hint=row.hint)


def _clock(row: Row, offset_ms: int | None) -> ClockQuality:
    """`unsynced`: mended by the offset of its boot. `estimated`: there never was one."""
    if row.clock is ClockQuality.UNSYNCED and offset_ms is None:
        return ClockQuality.ESTIMATED
    return row.clock


def _device_tags(dev_eui: str, placement: Placement | None, site: Site) -> dict[str, str]:
    tags = {"device": _eui(dev_eui), "commune": site.commune if placement is None else placement.commune}
    if placement is not None and placement.asset:
        tags["asset"] = placement.asset
    return tags


def _eui(text: str) -> str:
    if _EUI.fullmatch(text) is None:
        raise RejectedError("identity.eui", f"{text[:40]!r} is not an EUI")
    return text


def _uplink(row: Uplink, identity: dict[str, Field], tags: dict[str, str], time_us: int) -> list[Point]:
    measured, suspect = _readings(row, tags, time_us)
    fields: dict[str, Field] = {
        **identity,
        "application": row.application,
        "profile": row.profile,
        "device_name": row.device_name,
        "dev_addr": row.dev_addr,
        "f_port": row.f_port,
        "f_cnt": row.f_cnt,
        "dr": row.dr,
        "confirmed": row.confirmed,
        "frequency_hz": row.frequency_hz,
        "spreading_factor": row.spreading_factor,
        "payload": row.payload.hex(),
        "codec": row.codec,
        "domain": row.domain,
        "error": row.error,
        "gateways": len(row.receptions),
        "readings": len(row.readings),
        "suspects": sum(len(point.fields) for point in suspect),
    }
    if row.receptions:
        best = max(row.receptions, key=lambda reception: (reception.rssi_dbm, reception.snr_db, reception.gateway))
        fields |= {"gateway": best.gateway, "rssi_dbm": best.rssi_dbm, "snr_db": float(best.snr_db)}
    own_times = sorted({point.time_us for point in (*measured, *suspect)} - {time_us})
    if own_times:
        fields[OWN_TIMES] = json.dumps(own_times, separators=(",", ":"))
    return [Point(UPLINK, tags, time_us, fields), *measured, *suspect, *_receptions(row, tags, time_us)]


def _receptions(row: Uplink, tags: dict[str, str], time_us: int) -> list[Point]:
    return [
        Point(
            GATEWAY,
            {**tags, "gateway": _eui(reception.gateway)},
            time_us,
            {
                "rssi_dbm": reception.rssi_dbm,
                "snr_db": float(reception.snr_db),
                "frequency_hz": row.frequency_hz,
                "spreading_factor": row.spreading_factor,
            },
        )
        for reception in row.receptions
    ]


def _readings(row: Uplink, tags: dict[str, str], time_us: int) -> tuple[list[Point], list[Point]]:
    """The points of the domain, and the suspect ones: one a channel and time."""
    if row.readings and row.domain not in DOMAINS:
        raise UnreadableError(
            "row.domain", f"no domain is named {row.domain[:40]!r}", hint="a newer edge? upgrade the cloud, then replay"
        )
    measured: dict[tuple[str, int], dict[str, Field]] = {}
    suspect: dict[tuple[str, int], dict[str, Field]] = {}
    for reading in row.readings:
        group = measured if quantities.is_plausible(reading.quantity, reading.value) else suspect
        at_us = time_us if reading.measured_ms is None else reading.measured_ms * 1000
        group.setdefault((reading.channel, at_us), {})[reading.quantity] = _value(reading)
    return _points(row.domain, measured, tags), _points(SUSPECT, suspect, tags)


def _value(reading: Reading) -> Field:
    return reading.value if isinstance(reading.value, str) else float(reading.value)


def _points(measurement: str, groups: Mapping[tuple[str, int], dict[str, Field]], tags: dict[str, str]) -> list[Point]:
    return [
        Point(measurement, {**tags, "channel": channel[:MAX_TAG]} if channel else tags, at_us, fields)
        for (channel, at_us), fields in groups.items()
    ]


def _event(row: Event, identity: dict[str, Field], tags: dict[str, str], time_us: int) -> Point:
    if _TYPE.fullmatch(row.type) is None:
        raise RejectedError("row.type", f"{row.type[:40]!r} is not the type of an event")
    fields: dict[str, Field] = {
        **identity,
        "application": row.application,
        "profile": row.profile,
        "device_name": row.device_name,
        "detail": detail_text(row),
    }
    return Point(EVENT, {**tags, "type": row.type}, time_us, fields)


def detail_text(row: Event) -> str:
    """The event's own facts as the store keeps them: JSON, the same for the same facts."""
    return json.dumps(row.detail, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def site_points(health: Mapping[str, object], *, name: str, at_ms: int, site: Site | None = None) -> list[RowPoints]:
    """One point of `site` for each database that may see it: the site's tenant's and the operator's.

    Nested keys are joined by `_` (`accepted_urgent`); every number is a float. What is neither number, flag nor
    text is left out, and so are integers beyond 2**53 and what lies deeper than any edge nests.

    Args:
        name: the tag `site`: the edge's id, or the worker's own name.
        site: null for the worker, which only the operator sees.
    """
    fields = dict(_flat(health, ""))
    if not fields:
        return []
    tags = {"site": name} if site is None else {"site": name, "commune": site.commune}
    point = Point(SITE, tags, at_ms * 1000, fields)
    return [RowPoints(database, [point]) for database in ([] if site is None else [site.tenant]) + [OPERATOR]]


def _flat(table: Mapping[str, object], prefix: str, *, depth: int = 1) -> list[tuple[str, Field]]:
    flat: list[tuple[str, Field]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        match value:
            case Mapping() if depth < _DEEPEST:
                flat += _flat(value, f"{name}_", depth=depth + 1)
            case bool() | str() if is_name(name):
                flat.append((name, value))
            case int() if is_name(name) and -_MAX_EXACT <= value <= _MAX_EXACT:
                flat.append((name, float(value)))
            case float() if is_name(name) and math.isfinite(value):
                flat.append((name, value))
    return flat


def alarm_points(code: str, message: str, *, active: bool, at_ms: int, site: str = "", tenant: str = "") -> RowPoints:
    """A condition that a person must know of, as it begins (`active`) or ends; a series for each code, site and
    tenant, so that `latest` gives what holds now."""
    tags = {"kind": code, "site": site, "channel": tenant}
    return RowPoints(
        OPERATOR,
        [
            Point(
                ALARM,
                {tag: text for tag, text in tags.items() if text},
                at_ms * 1000,
                {"code": code, "message": message, "active": active},
            )
        ],
    )
