"""What a point of `light` says of a lamp: does it burn, is it broken. By quantities, whoever made the controller. Pure.

| Source | Says whether it burns |
|---|---|
| `driver` | `lamp_state`, a relay that is open: it looked |
| `meter` | `power_w`: what is drawn; how much is light, the thresholds say |
| `level` | `level_pct` alone: what the controller was told |
"""

from typing import Final

import msgspec

from cloud.stores.base import Field, Point
from core.territory.model import Thresholds

MEASUREMENT: Final = "light"
HOUR_MS: Final = 3_600_000

DRIVER, METER, LEVEL, NO_SOURCE = 0, 1, 2, 3
OFF, ON, UNTOLD = 0, 1, -1
# what is said of its health: nothing; that the driver answers; that the lamp burns; what is broken
NOTHING, ANSWERS, WELL, LAMP_FAILED, DRIVER_FAILED = 0, 1, 2, 3, 4

LAST: Final = 4
"""Words that are kept of each sort. What was said so often without a word against it is certain."""

SORTS: Final = 20
_FAULT, _BUS, _DARK = 0, 1, 2
_BY_SOURCE: Final = {DRIVER: 3, METER: 7, LEVEL: 11}  # at noon, else; off in the evening, else
_NOTICE: Final = 14  # off, on, fault: each twice
_NOON_H: Final = range(9, 15)  # UTC: the sun is up, wherever and whenever in France
_EVENING_H: Final = range(18, 21)  # lamps burn, most of the year
_SLOT_MS: Final = 1_200_000
_LIT_W: Final = Thresholds().lamp_lit_w  # only for what is kept; the verdict takes the tenant's


class Said(msgspec.Struct, frozen=True, gc=False):
    """One point. `level_pct`, `power_w`: -1 where it says nothing of them."""

    at_ms: int
    channel: str
    source: int
    lit: int  # OFF or ON; UNTOLD of a meter too: that is for the thresholds
    health: int
    level_pct: float
    power_w: float
    sort: int


def read_said(point: Point) -> Said | None:
    """What a point of `light` says of the lamp; None: nothing."""
    fields = point.fields
    get = fields.get
    health = _health(fields)
    level_pct, power_w = get("level_pct", -1.0), get("power_w", -1.0)
    lamp = get("lamp_state")
    if lamp is not None:
        source, lit = DRIVER, ON if lamp == "on" else OFF
    elif get("level_source") == "relay_off":
        source, lit, level_pct = DRIVER, OFF, -1.0  # the level is that of before
    elif power_w != -1.0:
        source, lit = METER, UNTOLD
    elif level_pct != -1.0:
        source, lit = LEVEL, ON if float(level_pct) > 0 else OFF
    elif health:
        source, lit = NO_SOURCE, UNTOLD
    else:
        return None
    at_ms, channel = point.time_us // 1000, point.tags.get("channel", "")
    sort = _sort(at_ms, channel, source, lit, health, float(level_pct), float(power_w))
    return Said(at_ms, channel, source, lit, health, float(level_pct), float(power_w), sort)


def _health(fields: dict[str, Field]) -> int:
    get = fields.get
    if get("driver_failure") == "fault" or get("dali_bus") == "fault" or get("level_source") == "driver_not_found":
        return DRIVER_FAILED
    if get("lamp_failure") == "fault" or get("lamp_alert") == "raised":
        return LAMP_FAILED
    if get("lamp_state") == "on" or get("lamp_alert") == "clear":
        return WELL
    return ANSWERS if "lamp_state" in fields or "driver_failure" in fields else NOTHING


def _sort(at_ms: int, channel: str, source: int, lit: int, health: int, level_pct: float, power_w: float) -> int:
    """What is kept apart, so that it outlasts what comes more often: a fault the days without light, a lamp that burns
    at noon the next night, one that is dark in the evening the next day. Notices (without a level) come when something
    happens: of those twice as many are kept, half of them older. The newest of every sort is always kept, so that
    nothing that was refuted comes back."""
    is_notice = source == DRIVER and level_pct < 0
    if health >= LAMP_FAILED:
        if is_notice:
            return _NOTICE + 4 + at_ms // _SLOT_MS % 2
        return _FAULT if channel else _BUS
    if is_notice:
        return _NOTICE + 2 * lit + at_ms // _SLOT_MS % 2
    if source == NO_SOURCE:
        return _BY_SOURCE[LEVEL] + 2
    if source == METER:
        lit = ON if power_w > _LIT_W else OFF
    elif lit == OFF and level_pct > 0:
        return _DARK
    hour = at_ms // HOUR_MS % 24
    if lit == ON:
        return _BY_SOURCE[source] + (0 if hour in _NOON_H else 1)
    if source == LEVEL:
        return _BY_SOURCE[LEVEL] + 2
    return _BY_SOURCE[source] + (2 if hour in _EVENING_H else 3)
