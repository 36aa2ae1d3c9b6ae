"""Which radio gateways hear nothing any more, though they used to, and which devices are silent for that. Pure.

A gateway is silent when the uplinks that should have named it, by the share in which each device's uplinks did so far,
are too many to have missed it by chance: those that came by others, and those that did not come at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from cloud.stores.base import Field
from cloud.watch.heard import Heard
from cloud.watch.hush import hush_of
from cloud.watch.model import About, Detector, Finding, FindingKey, Severity, Watched
from cloud.watch.sites import Sites
from cloud.watch.watchman import Watchman
from core.territory import Site, Supply, Territory
from core.territory.model import Thresholds

KIND: Final = "silence.gateway"

_MINUTE_MS = 60_000
_UNSURE_MS = 15 * _MINUTE_MS  # before one that may be silent is looked at again
_AWAY_MS = 5 * _MINUTE_MS  # and one that is
_FEWEST = 3  # uplinks, to tell how often a device is heard by it
_MOSTLY = 0.5  # a device that other gateways hear more often than this is not silent for one
_SOURCES = 2  # cabinets, or devices on no circuit: more than one of them is the radio's matter

_Hearer = tuple[Watched, Sequence[Heard]]


class Away(NamedTuple):
    """A gateway that is silent since it was named last. `back_ms`: when it was named again; None: it was not."""

    finding: Finding
    since_ms: int
    back_ms: int | None = None


class Radios:
    """Used by one thread.

    Args:
        detector: of silence; the watchman keeps the uplinks for it.
        held: findings of gateways that held when the watch ended.
    """

    def __init__(self, territory: Territory, detector: Detector[Heard], held: Iterable[Finding]) -> None:
        self._detector = detector
        self._away = {finding.subject: Away(finding, finding.since_ms) for finding in held}
        self._due_ms: dict[str, int] = {}  # of a tenant
        self._named: dict[str, str] = {}  # gateway → site, of those that some uplink names
        self.use(territory)

    def use(self, territory: Territory) -> None:
        """Another territory is in force."""
        self._territory = territory
        self._sites = {gateway.eui: site for site in territory.sites.values() for gateway in site.gateways}
        self._due_ms.clear()

    def findings(self) -> dict[FindingKey, Finding]:
        """Of the gateways that are silent."""
        return {away.finding.key: away.finding for away in self._away.values() if away.back_ms is None}

    def deaf_sites(self) -> dict[str, int]:
        """Sites of several gateways none of which hears anything: since when."""
        found: dict[str, list[int | None]] = {}
        for gateway, site in self._named.items():
            away = self._away.get(gateway)
            found.setdefault(site, []).append(None if away is None or away.back_ms is not None else away.since_ms)
        return {
            site: max(since_ms for since_ms in each if since_ms is not None)
            for site, each in found.items()
            if len(each) > 1 and None not in each
        }

    def look(
        self,
        database: str,
        members: Sequence[Watched],
        silent: Mapping[str, Finding],
        watchman: Watchman,
        sites: Sites,
        now_ms: int,
        *,
        anew: bool,
        fallen: frozenset[str],
    ) -> None:
        """Look at the gateways of one tenant, where one may have fallen silent or be back.

        Args:
            anew: whatever was due.
            fallen: sites that are silent as a whole.
        """
        if not members or (not anew and now_ms < self._due_ms.get(database, now_ms)):
            return
        thresholds = self._territory.tenants[database].thresholds
        least_ms = int(thresholds.silence_gateway_min * _MINUTE_MS)
        hearers: dict[str, list[_Hearer]] = {}
        last_ms: dict[str, int] = {}
        for one in members:
            seen = watchman.seen(one.id, self._detector)
            mine: dict[str, int] = {}
            for heard in reversed(seen):
                at_ms = heard.at_ms
                if at_ms <= now_ms:
                    for gateway in heard.gateways:
                        if gateway not in mine:
                            mine[gateway] = at_ms
            for gateway, at_ms in mine.items():
                hearers.setdefault(gateway, []).append((one, seen))
                if at_ms > last_ms.get(gateway, 0):
                    last_ms[gateway] = at_ms
        self._note(database, last_ms, hearers, silent)
        due_ms = now_ms + _UNSURE_MS
        for gateway, at_ms in last_ms.items():
            site = self._site(gateway, hearers[gateway])
            if site is None:
                continue
            self._named[gateway] = site.id
            away = self._away.get(gateway)
            if away is not None and away.back_ms is None:
                due_ms = min(due_ms, now_ms + _AWAY_MS)
            elif now_ms - at_ms < least_ms:
                due_ms = min(due_ms, at_ms + least_ms)
            else:
                if site.id in fallen:
                    continue
                if sites.explains(site.id, since_ms=at_ms, silent_ms=at_ms + least_ms, now_ms=now_ms):
                    continue
                if _is_missed(gateway, at_ms, hearers[gateway], silent, self._territory, thresholds, now_ms):
                    self._away[gateway] = Away(_finding(gateway, site, at_ms, len(hearers[gateway])), at_ms)
        self._due_ms[database] = max(due_ms, now_ms + _MINUTE_MS)

    def _note(
        self,
        database: str,
        last_ms: Mapping[str, int],
        hearers: Mapping[str, list[_Hearer]],
        silent: Mapping[str, Finding],
    ) -> None:
        """Which silent gateways are named again, or never were silent by what has come late; which nobody knows."""
        for gateway, away in list(self._away.items()):
            if away.finding.database != database or away.back_ms is not None:
                continue
            if last_ms.get(gateway, 0) > away.since_ms:
                back_ms = min(
                    heard.at_ms
                    for _, seen in hearers[gateway]
                    for heard in seen
                    if heard.at_ms > away.since_ms and gateway in heard.gateways
                )
                thresholds = self._territory.tenants[database].thresholds
                if _is_missed(
                    gateway, away.since_ms, hearers[gateway], silent, self._territory, thresholds, back_ms - 1
                ):
                    self._away[gateway] = away._replace(back_ms=back_ms)
                else:
                    del self._away[gateway]
            elif gateway not in last_ms and gateway not in self._sites:
                del self._away[gateway]
                self._named.pop(gateway, None)

    def _site(self, gateway: str, hearers: Sequence[_Hearer]) -> Site | None:
        """Where it is declared, else the edge that it was heard through."""
        return self._sites.get(gateway) or self._territory.sites.get(hearers[0][1][-1].edge)

    def explains(
        self,
        watchman: Watchman,
        asset: str,
        since_ms: int,
        silent_ms: int,
        now_ms: int,
        grace_ms: int,
        *,
        spoke: bool = False,
    ) -> bool:
        """Whether a device is not heard since then because the gateways that it was heard by are silent, or just were.

        Args:
            silent_ms: when its silence was one: it was not silent before its gateways were.
            spoke: it was heard since, not often enough: what began before a gateway was back is the gateway's.
        """
        gone = {
            gateway
            for gateway, away in self._away.items()
            if silent_ms > away.since_ms
            and (away.back_ms is None or now_ms < away.back_ms + grace_ms or (spoke and since_ms < away.back_ms))
        }
        if not gone:
            return False
        before = [heard for heard in watchman.seen(asset, self._detector) if heard.at_ms <= since_ms]
        if not any(gone.intersection(heard.gateways) for heard in before):
            return False
        by_others = sum(not gone.issuperset(heard.gateways) for heard in before)
        return by_others < _MOSTLY * len(before)


def _is_missed(
    gateway: str,
    since_ms: int,
    hearers: Sequence[_Hearer],
    silent: Mapping[str, Finding],
    territory: Territory,
    thresholds: Thresholds,
    now_ms: int,
) -> bool:
    """Whether too many uplinks that should have named it since then did not."""
    missed = 0.0
    sources: set[str] = set()
    for one, seen in hearers:
        told = silent.get(one.id)
        if told is not None and int(told.facts["silent_ms"]) <= since_ms:
            continue  # it was silent itself
        so_far = [heard for heard in seen if heard.at_ms <= now_ms]
        before = [heard for heard in so_far if heard.at_ms <= since_ms]
        if len(before) < _FEWEST:
            continue
        share = sum(gateway in heard.gateways for heard in before) / len(before)
        after = len(so_far) - len(before)
        gone = share * (after + _pending(one, so_far, since_ms, thresholds, now_ms))
        if gone:
            missed += gone
            circuit = one.asset.circuit
            sources.add(one.id if circuit is None else territory.circuits[circuit].cabinet)
    return missed >= thresholds.silence_gateway_uplinks and len(sources) >= _SOURCES


def _pending(watched: Watched, seen: Sequence[Heard], since_ms: int, thresholds: Thresholds, now_ms: int) -> float:
    """Uplinks of a device that should have come, and did not.

    Of a lamp whose power is switched only when it is late for sure: all of them get it together, at an hour that is
    only known about.
    """
    hush = hush_of(seen, watched, now_ms, intervals=0.0 if _has_power_always(watched) else 1.0)
    if hush is None:
        return 0.0
    if seen[-1].at_ms >= since_ms or watched.profile is None:
        return hush.lost
    slack_ms = thresholds.silence_slack_min * _MINUTE_MS
    return min(hush.lost, max(0.0, now_ms - since_ms - slack_ms) / (watched.profile.expected_interval_s * 1000))


def _has_power_always(watched: Watched) -> bool:
    circuit = watched.asset.circuit
    return circuit is None or watched.territory.circuits[circuit].supply is Supply.PERMANENT


def _finding(gateway: str, site: Site, since_ms: int, devices: int) -> Finding:
    name = next((one.name for one in site.gateways if one.eui == gateway), "")
    facts: dict[str, Field] = {"site": site.id, "name": name, "devices": devices}
    return Finding(KIND, Severity.WARNING, site.tenant, site.commune, About.GATEWAY, gateway, since_ms, facts)
