"""Which sites are away, why they were, and what of their devices' silence that explains. Pure: of health reports alone.

A site is silent at once through the last will that the broker speaks for its edge; or because its report is missing
while others report. Its cause is known when it is back: the same boot whose agent ran on was cut off (backhaul);
another boot tells in its `boot` event until when the agent before it was alive, and whether a watchdog ended it.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

from cloud.schema import EVENT, SITE, origin_of
from cloud.stores.base import Field, Point
from cloud.watch.darkness import (
    KEPT_DARKS,
    MINUTE_MS,
    Boot,
    Dark,
    News,
    Reports,
    Trouble,
    limits_of,
    read_boot,
    read_report,
)
from cloud.watch.model import HOUR_MS, About, Finding, FindingKey, Severity
from core.territory import Site, Territory
from core.territory.model import Thresholds

KIND: Final = "silence.site"
CLOCK: Final = "silence.clock"

_AFTERWARDS_MS = 2 * MINUTE_MS  # what is stored is read by then
_ALIVE_MS = 3 * MINUTE_MS  # a broker takes so long to miss an edge


class Cause(StrEnum):
    """Why a site was away."""

    POWER = "power"
    HOST = "host"  # it was shut down, hung, or its agent ended
    BACKHAUL = "backhaul"  # the site went on, its line did not
    NETWORK_SERVER = "network_server"  # its edge is there, but does not reach the network server


class Sites:
    """Used by one thread. Reports may come in any order, late and twice."""

    def __init__(self, territory: Territory) -> None:
        self._territory = territory
        self._news = News()
        self._reports: dict[str, Reports] = {}
        self._boots: dict[str, dict[str, Boot]] = {}  # of a site, by the boot's id

    def use(self, territory: Territory) -> None:
        """Another territory is in force; what is known of its sites stays."""
        self._territory = territory
        self._reports = {site: known for site, known in self._reports.items() if site in territory.sites}

    def take(self, points: Iterable[Point]) -> None:
        """Points of `site` and `event`, of any database; others are passed over."""
        for point in points:
            if point.measurement == SITE:
                self._take_report(point)
            elif point.measurement == EVENT and point.tags.get("type") == "boot":
                self._take_boot(point)

    def _take_report(self, point: Point) -> None:
        at_ms = point.time_us // 1000
        self._news.add(at_ms)
        site = self._territory.sites.get(point.tags.get("site", ""))
        if site is None:  # the worker's own
            return
        known = self._reports.get(site.id)
        if known is None:
            known = self._reports[site.id] = Reports(self._news)
        thresholds = self._thresholds(site)
        known.add(read_report(point, at_ms, thresholds), limits_of(thresholds))

    def _take_boot(self, point: Point) -> None:
        origin = origin_of(point)
        if origin is None or origin.edge not in self._territory.sites:
            return
        boot = read_boot(point, origin.boot)
        if boot is None:
            return
        boots = self._boots.setdefault(origin.edge, {})
        known = boots.get(boot.boot)
        if known is None or boot.at_ms < known.at_ms:  # of several agents of one boot the first
            boots[boot.boot] = boot
        if len(boots) > KEPT_DARKS:
            del boots[min(boots.values(), key=lambda one: one.at_ms).boot]

    def _thresholds(self, site: Site) -> Thresholds:
        return self._territory.tenants[site.tenant].thresholds

    def first_ms(self, site: str) -> int | None:
        """When it was heard of first, as far as is known."""
        known = self._reports.get(site)
        return None if known is None else known.first_ms

    # what is found

    def findings(self, now_ms: int) -> dict[FindingKey, Finding]:
        """The sites that are silent, deaf or of a wrong clock; and for a while those that are back, with the cause."""
        found: dict[FindingKey, Finding] = {}
        for site_id, known in self._reports.items():
            site = self._territory.sites[site_id]
            for finding in self._of_site(site, known, now_ms):
                found[finding.key] = finding
        return found

    def _of_site(self, site: Site, known: Reports, now_ms: int) -> Iterator[Finding]:
        limits = self._thresholds(site)
        darks = known.darks(limits_of(limits), now_ms)
        held = [dark for dark in darks if _holds(dark, self._cause(site.id, dark), limits, now_ms)]
        if not held:
            return
        last = held[-1]
        if last.trouble is Trouble.CLOCK:
            yield _finding(CLOCK, Severity.WARNING, site, last.began_ms, {})
            return
        facts: dict[str, Field] = {}
        cause = self._cause(site.id, last)
        if cause is not None:
            facts["cause"] = cause.value
        if last.until_ms is not None:
            facts["returned_ms"] = last.until_ms
        began_ms = _began_ms(darks, last, int(limits.silence_settle_min * MINUTE_MS))
        yield _finding(KIND, Severity.CRITICAL, site, began_ms, facts)

    def _cause(self, site: str, dark: Dark) -> Cause | None:
        """None: not known, or not yet."""
        if dark.trouble is not Trouble.OFFLINE:
            return Cause.NETWORK_SERVER if dark.trouble is Trouble.DEAF else None
        if dark.until_ms is None:
            return None
        same_boot = bool(dark.boot) and dark.boot == dark.boot_after
        if same_boot and dark.uptime_s * 1000 >= dark.until_ms - dark.down_ms:
            return Cause.BACKHAUL
        if same_boot or dark.said:
            return Cause.HOST
        boot = self._boots.get(site, {}).get(dark.boot_after)
        if boot is None or boot.alive_ms is None:
            return None
        if boot.alive_ms > dark.down_ms + _ALIVE_MS:
            return Cause.BACKHAUL  # and was started anew later
        return Cause.HOST if boot.watchdog else Cause.POWER

    # what that explains

    def explains(self, site: str, *, since_ms: int, silent_ms: int, now_ms: int) -> bool:
        """Whether a device of the site, not heard since `since_ms` and so silent at `silent_ms`, may yet be well.

        It may while the site is away, while it delivers what it kept, and as long as the time in which nothing of it
        was kept makes up for. What was silent before is none of that.
        """
        known = self._reports.get(site)
        last = None if known is None else known.last
        if known is None or last is None:
            return False
        thresholds = self._thresholds(self._territory.sites[site])
        limits = limits_of(thresholds)
        blind_ms = 0
        for dark in known.darks(limits, now_ms):
            if silent_ms > dark.began_ms and (dark.until_ms is None or now_ms < dark.until_ms + _AFTERWARDS_MS):
                return True
            if dark.until_ms is not None and self._is_lost(site, dark):
                blind_ms += max(0, min(dark.until_ms, now_ms) - max(dark.began_ms, since_ms))
        if silent_ms + blind_ms > now_ms:
            return True
        for backlog in known.backlogs(limits):
            over_ms = backlog.seen_ms + int(thresholds.silence_backlog_h * HOUR_MS)
            if backlog.until_ms is not None:
                over_ms = min(over_ms, backlog.until_ms + _AFTERWARDS_MS)
            if silent_ms > backlog.began_ms and now_ms < over_ms:
                return True
        # the watch itself has no news: it has just been started
        return now_ms - last.at_ms > limits.without_ms and silent_ms > last.at_ms and known.is_regular(limits)

    def _is_lost(self, site: str, dark: Dark) -> bool:
        """Whether what was sent in that time cannot come any more, or not with its time."""
        return dark.trouble is not Trouble.DEAF and self._cause(site, dark) is not Cause.BACKHAUL


def _holds(dark: Dark, cause: Cause | None, limits: Thresholds, now_ms: int) -> bool:
    """Whether it is told now: while it lasts; and when it is over until the cause could be seen."""
    patience_ms = 0
    if dark.trouble is Trouble.DEAF:
        patience_ms = int(limits.silence_slack_min * MINUTE_MS)
    elif dark.trouble is Trouble.OFFLINE and dark.said:
        patience_ms = int(limits.silence_restart_min * MINUTE_MS)
    if dark.until_ms is None:
        return now_ms >= dark.down_ms + patience_ms
    if dark.until_ms < dark.down_ms + patience_ms or dark.trouble is Trouble.CLOCK:
        return False
    settle_ms = int(limits.silence_settle_min * MINUTE_MS)
    return now_ms < dark.until_ms + (settle_ms if cause is not None else 2 * settle_ms)


def _began_ms(darks: list[Dark], last: Dark, settle_ms: int) -> int:
    """A line that comes and goes is one matter."""
    began_ms = last.began_ms
    for dark in reversed(darks[: darks.index(last)]):
        if dark.trouble is last.trouble and dark.until_ms is not None:
            if dark.until_ms + settle_ms < began_ms:
                break
            began_ms = dark.began_ms
    return began_ms


def _finding(kind: str, severity: Severity, site: Site, since_ms: int, facts: dict[str, Field]) -> Finding:
    return Finding(kind, severity, site.tenant, site.commune, About.SITE, site.id, since_ms, facts)
