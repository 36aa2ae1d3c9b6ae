"""A small ground and points on it, for the page's pure modules."""

from collections.abc import Mapping
from typing import Any

from cloud.page import alarms
from cloud.page.alarms import Alarm
from cloud.page.ground import Commune, Ground, Place, Zone
from cloud.page.newest import Book, Series
from cloud.page.seen import Points
from cloud.page.state import Beside
from cloud.stores.base import Field, Point
from core.territory import Kind
from core.territory.model import Geometry, Shape

NOON_MS = 1_764_072_000_000  # 2025-11-25 12:00 UTC, 13:00 in Paris
MIDNIGHT_MS = NOON_MS - 13 * 3_600_000
HOUR_MS = 3_600_000
SILENT_AFTER_MS = 3 * HOUR_MS
UNPOWERED_AFTER_MS = HOUR_MS * 5 // 4
LONG_HEARD = Beside(begun_ms={"ccpvm": 0, "esternay": 0})  # a zone whose assets had the time to speak
BIN_GEOMETRY = Geometry(Shape.UPRIGHT, height_mm=1000, blind_mm=100)


def lamp(asset: str = "lamp-1", commune: str = "88383", *, equipped: bool = True, circuit: str = "") -> Place:
    """Speaks every hour; `circuit` is a switched one, of many lamps."""
    return Place(
        asset=asset,
        kind=Kind.LAMP,
        commune=commune,
        lat=48.0,
        lon=6.5,
        name="",
        equipped=equipped,
        silent_after_ms=SILENT_AFTER_MS,
        circuit=circuit,
        unpowered_after_ms=UNPOWERED_AFTER_MS if circuit else 0,
    )


def other(kind: Kind, asset: str, *, equipped: bool = True, commune: str = "88383") -> Place:
    """A bin, counter or cabinet in a street; a bin is to be emptied from 80 %."""
    return Place(
        asset=asset,
        kind=kind,
        commune=commune,
        lat=48.0,
        lon=6.5,
        name="Rue du Pont",
        equipped=equipped,
        silent_after_ms=SILENT_AFTER_MS,
        full_pct=80.0,
        geometry=BIN_GEOMETRY if kind is Kind.BIN else None,
    )


def ground(*places: Place, digest: str = "one") -> Ground:
    return Ground(
        title="Hyperviseur",
        places={one.asset: one for one in places},
        communes={
            "88383": Commune("88383", "Remiremont", "ccpvm"),
            "51237": Commune("51237", "Esternay", "esternay"),
        },
        zones=(Zone("ccpvm", "CCPVM", ("88383",), len(places)), Zone("esternay", "Esternay", ("51237",), 0)),
        databases=("ccpvm", "esternay"),
        digest=digest,
        valid_from_ms=0,
        valid_until_ms=2**53,
        paces_ms={one.kind: HOUR_MS for one in places if one.equipped},
        sites={"remiremont": "Remiremont", "esternay": "Esternay", "val": "Le Val-d’Ajol"},
    )


def point(
    fields: dict[str, Field],
    *,
    asset: str = "lamp-1",
    ago_ms: int = 60_000,
    channel: str = "",
    device: str = "0018b20000000001",
    measurement: str = "light",
) -> Point:
    tags = {"asset": asset, "commune": "88383", "device": device, "channel": channel}
    return Point(measurement, {k: v for k, v in tags.items() if v}, (NOON_MS - ago_ms) * 1000, fields)


def heard(*points: Point) -> Mapping[str, Points]:
    """As the feed hands them over: readings and, by their measurement, suspects."""
    readings, suspects, states = Series(), Series(), Series()
    readings.replace(point for point in points if point.measurement not in {"suspect", "state"})
    suspects.replace(point for point in points if point.measurement == "suspect")
    states.replace(point for point in points if point.measurement == "state")
    return Book().write([readings], [suspects], [states])


def state(kind: str, value: float | str, *, asset: str = "lamp-1", ago_ms: int = 60_000) -> Point:
    """What the watch knows of an asset."""
    field: dict[str, Field] = {"word" if isinstance(value, str) else "value": value}
    tags = {"commune": "88383", "asset": asset, "kind": kind}
    return Point("state", tags, (NOON_MS - ago_ms) * 1000, {**field, "since_ms": NOON_MS - ago_ms})


def alarm_point(
    kind: str,
    severity: str = "warning",
    word: str = "raised",
    *,
    number: int = 1,
    since_ms: int = NOON_MS - HOUR_MS,
    at_ms: int = NOON_MS - HOUR_MS,
    by: str = "",
    note: str = "",
    commune: str = "88383",
    **about: str,
) -> Point:
    """An alarm as the watch writes it; `about`: asset, device, site or gateway."""
    fields: dict[str, Field] = {
        "id": number,
        "state": word,
        "active": word != "cleared",
        "severity": severity,
        "since_ms": since_ms,
        "text": f"{kind} 0018b20000000001",
        "by": by,
        "note": note,
    }
    return Point("alarm", {"kind": kind, "commune": commune, **about}, at_ms * 1000 + number, fields)


def alarm(kind: str, severity: str = "warning", word: str = "raised", **facts: Any) -> Alarm:
    read = alarms.read(facts.pop("database", "ccpvm"), alarm_point(kind, severity, word, **facts))
    assert read is not None
    return read
