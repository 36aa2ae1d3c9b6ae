"""The time scale of a scenario: which instant it is, from a line of text and the host's monotonic clock. Pure.

A demo runs faster than life. Its simulator owns the time and writes one small file; every other process reads
it (the `clock` setting) and computes the same *now*. Tests use the same file to give a host a wrong clock.
"""

import msgspec

from core.errors import UNDECODABLE, ConfigError


class TimeScale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At monotonic `mono_ms` it was `wall_ms`; since then time runs `speed` times, never past `not_after_ms`.

    `synced` is false while the host's clock has not been set (what `ntp_adjtime` would say).
    """

    wall_ms: int
    mono_ms: int
    speed: float = 1.0
    not_after_ms: int | None = None
    synced: bool = True

    def now_ms(self, mono_ms: int) -> int:
        """The scenario's instant (ms UTC) when the host's monotonic clock shows `mono_ms`."""
        now = self.wall_ms + int(max(0, mono_ms - self.mono_ms) * self.speed)
        return now if self.not_after_ms is None else min(now, self.not_after_ms)


def parse(text: bytes) -> TimeScale:
    """Raises:
    ConfigError: `clock.unreadable`.
    """
    try:
        return msgspec.json.decode(text, type=TimeScale)
    except UNDECODABLE as error:
        raise ConfigError("clock.unreadable", f"the clock file is not a time scale: {error}") from error


def render(scale: TimeScale) -> bytes:
    return msgspec.json.encode(scale)
