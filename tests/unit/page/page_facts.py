"""A small ground and points on it, for the page's pure modules."""

from cloud.page.ground import Commune, Ground, Lamp, Zone
from cloud.stores.base import Field, Point

NOON_MS = 1_764_072_000_000  # 2025-11-25 12:00 UTC, 13:00 in Paris
HOUR_MS = 3_600_000
SILENT_AFTER_MS = 3 * HOUR_MS
UNPOWERED_AFTER_MS = HOUR_MS * 5 // 4


def lamp(asset: str = "lamp-1", commune: str = "88383", *, equipped: bool = True, circuit: str = "") -> Lamp:
    """Speaks every hour; `circuit` is a switched one, of many lamps."""
    return Lamp(asset, commune, 48.0, 6.5, equipped, SILENT_AFTER_MS, circuit, UNPOWERED_AFTER_MS if circuit else 0)


def ground(*lamps: Lamp, digest: str = "one") -> Ground:
    return Ground(
        title="Hyperviseur",
        lamps={one.asset: one for one in lamps},
        communes={
            "88383": Commune("88383", "Remiremont", "ccpvm"),
            "51237": Commune("51237", "Esternay", "esternay"),
        },
        zones=(Zone("ccpvm", "CCPVM", ("88383",), len(lamps)), Zone("esternay", "Esternay", ("51237",), 0)),
        databases=("ccpvm", "esternay"),
        digest=digest,
        valid_from_ms=0,
        valid_until_ms=2**53,
        pace_ms=HOUR_MS,
        sites=3,
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
