"""Devices that fell silent together: whether these are the whole of a circuit or of a site. Pure."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from cloud.watch.heard import Heard
from cloud.watch.hush import Hush, hush_of, hush_told, missed_ms, next_power_ms
from cloud.watch.model import Detector, Finding, Watched
from cloud.watch.rhythm import limits_of, lost_by_chance
from cloud.watch.watchman import Watchman
from core.territory.model import Thresholds

_MINUTE_MS = 60_000
_FALLEN_MS = _MINUTE_MS  # before a group that is silent is looked at again
_DARK_MS = 15 * _MINUTE_MS  # before one that may be


class Fall(NamedTuple):
    """Those that fell silent together, the last of them not heard since `since_ms`.

    `sure_ms`: when it could be told, at the earliest. `back_ms`: when the first of them was heard again, and the others
    have `grace_ms`; None: none was. `site`: where the last of them was heard; `gateways`: what heard any of them.
    """

    assets: frozenset[str]
    since_ms: int
    sure_ms: int
    grace_ms: int
    back_ms: int | None
    site: str
    gateways: frozenset[str]

    def explains(self, now_ms: int) -> bool:
        """Whether its devices are still silent for it."""
        return self.back_ms is None or now_ms < self.back_ms + self.grace_ms


class Group:
    """A circuit's devices, or those that a site heard last; `fall` is what was found of them.

    `due_ms`: when it could be another without a device more or less that is silent by itself.
    """

    def __init__(self, members: Sequence[Watched], detector: Detector[Heard], fewest: int, *, site: str = "") -> None:
        self.members = members
        self.due_ms = -(2**53)
        self.fall: Fall | None = None
        self._detector = detector
        self._fewest = fewest
        self._site = site

    def look(self, silent: Mapping[str, Finding], watchman: Watchman, now_ms: int) -> None:
        """Look at all of them.

        Args:
            silent: those that are silent by themselves, by asset.
        """
        thresholds = limits_of(self.members[0])
        hushed: list[Hush] = []
        speaking: list[tuple[Watched, Sequence[Heard]]] = []
        heard: dict[str, Sequence[Heard]] = {}
        newest_ms = -(2**53)
        someone: Watched | None = None
        for one in self.members:
            seen = watchman.seen(one.id, self._detector)
            if seen and seen[-1].at_ms > now_ms:
                seen = [uplink for uplink in seen if uplink.at_ms <= now_ms]
            if self._site and (not seen or seen[-1].edge != self._site):
                continue
            told = silent.get(one.id)
            hush = hush_told(told, thresholds) if told is not None else hush_of(seen, one, now_ms) if seen else None
            if hush is not None:
                hushed.append(hush)
                heard[one.id] = seen
            elif seen and one.profile is not None:
                speaking.append((one, seen))
                someone = one
                newest_ms = max(newest_ms, seen[-1].at_ms + one.profile.expected_interval_s * 1000)
        whole_pct = 100.0 if self._site else thresholds.silence_group_pct  # whom a site hears shows that it hears
        self.fall = _fall(hushed, speaking, heard, thresholds, self._fewest, whole_pct) if hushed else None
        slack_ms = int(thresholds.silence_slack_min * _MINUTE_MS)
        if self.fall is not None:
            self.due_ms = now_ms + _FALLEN_MS
        elif newest_ms + slack_ms > now_ms:
            self.due_ms = newest_ms + slack_ms
        else:
            power_ms = None if someone is None else next_power_ms(someone, now_ms)
            self.due_ms = now_ms + _DARK_MS if power_ms is None else min(power_ms, now_ms + 24 * 60 * _MINUTE_MS)


def _fall(
    hushed: Sequence[Hush],
    speaking: Sequence[tuple[Watched, Sequence[Heard]]],
    heard: Mapping[str, Sequence[Heard]],
    thresholds: Thresholds,
    fewest: int,
    whole_pct: float,
) -> Fall | None:
    """None: they did not fall silent together, or are not the whole, or chance may have done it.

    A device that was heard after the others fell silent is none of them; one that was not yet expected says nothing.
    """
    since_ms = max(hush.since_ms for hush in hushed)
    together = [hush for hush in hushed if hush.silent_ms is None or hush.silent_ms > since_ms]
    if not together:
        return None
    least_ms = max(hush.interval_ms for hush in together) + int(thresholds.silence_slack_min * _MINUTE_MS)
    back: list[int] = []
    others = 0
    for one, seen in speaking:
        back_ms = _back_ms(one, seen, since_ms, least_ms)
        if back_ms is not None:
            back.append(back_ms)
        elif seen[-1].at_ms > since_ms:
            others += 1
    fell = len(together) + len(back)
    if fell < fewest or 100 * fell < whole_pct * (fell + others):
        return None
    if not back and sum(int(hush.lost) for hush in together) < lost_by_chance(thresholds):
        return None
    last = max(together, key=lambda hush: hush.since_ms)
    last_seen = heard[last.asset]
    grace_ms = max(hush.grace_ms for hush in together)
    return Fall(
        frozenset(hush.asset for hush in together),
        since_ms,
        since_ms + min(hush.grace_ms for hush in together),
        grace_ms,
        min(back, default=None),
        last_seen[-1].edge if last_seen else "",
        frozenset(gateway for hush in together for uplink in heard[hush.asset] for gateway in uplink.gateways),
    )


def _back_ms(watched: Watched, seen: Sequence[Heard], since_ms: int, least_ms: int) -> int | None:
    """When a device was heard again that fell silent with the others, and with them was so long; None: it did not."""
    for older, newer in pairwise(seen):
        if older.at_ms <= since_ms < newer.at_ms:
            fell = newer.at_ms - since_ms >= least_ms and missed_ms(older, newer, watched) >= least_ms
            return newer.at_ms if fell else None
    return None
