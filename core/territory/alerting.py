"""Who is told of what, and when: contacts, severities and maintenance, as a tenant or the operator declares them."""

from datetime import time
from enum import StrEnum
from typing import Final

import msgspec


class Severity(StrEnum):
    """How much it matters; a tenant may say otherwise for a kind of alarm."""

    NOTICE = "notice"  # for the next working day
    WARNING = "warning"  # today
    CRITICAL = "critical"  # now


KINDS: Final = (
    "silence.device",
    "silence.circuit",
    "silence.gateway",
    "silence.site",
    "silence.clock",
    "light.burning_by_day",
    "light.burning_in_extinction",
    "light.dark_by_night",
    "light.flicker",
    "light.lamp_failure",
    "light.driver_failure",
    "bin.full",
    "bin.tilted",
    "bin.fire",
    "bin.no_measurement",
    "traffic.no_measurement",
    "device.battery_low",
    "device.radio_weak",
)
ROAD: Final = "road."  # before the code of a condition of beffroi itself: `road.store.down`


class Quiet(msgspec.Struct, frozen=True):
    """From `start` to just before `end`, local hours; past midnight where `end` is before `start`."""

    start: time
    end: time

    def holds(self, hour: time) -> bool:
        if self.start <= self.end:
            return self.start <= hour < self.end
        return hour >= self.start or hour < self.end


class Contact(msgspec.Struct, frozen=True):
    """Somebody who is told. `name` is unique among those of a tenant; `email` or `webhook` or both.

    `severities`: what it wants to hear of. `quiet`: hours in which only what is critical is said; the rest follows.
    `escalate_after_min`: told only of what nobody acknowledged for so long; None: at once.
    """

    name: str
    email: str = ""
    webhook: str = ""
    severities: frozenset[Severity] = frozenset({Severity.WARNING, Severity.CRITICAL})
    quiet: Quiet | None = None
    escalate_after_min: int | None = None


class Maintenance(msgspec.Struct, frozen=True):
    """From `start_ms` to just before `end_ms` what it names raises no alarm; where it names nothing, no asset or site
    of the tenant does."""

    start_ms: int
    end_ms: int
    reason: str
    communes: frozenset[str] = frozenset()
    circuits: frozenset[str] = frozenset()
    assets: frozenset[str] = frozenset()
