"""Which silent devices have one cause, a circuit, a radio gateway or a site: one matter, one finding.

Several devices that fall silent together are sooner sure than one: the chances that the uplinks of each were lost
multiply. What a group explains is folded into it; a device that was silent before the others stays its own matter, and
so does one that stays silent when the others are back.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cloud.stores.base import Field
from cloud.watch.detectors import silence
from cloud.watch.detectors.silence import Silence
from cloud.watch.falls import Fall, Group
from cloud.watch.heard import Heard
from cloud.watch.hush import hush_of
from cloud.watch.model import About, Finding, FindingKey, Severity, Watched
from cloud.watch.radios import KIND as GATEWAY
from cloud.watch.radios import Radios
from cloud.watch.rhythm import limits_of
from cloud.watch.sites import KIND as SITE
from cloud.watch.sites import Sites
from cloud.watch.watchman import Watchman
from core.territory import Site, Territory
from core.territory.geography import distance_km

CIRCUIT: Final = "silence.circuit"

_MINUTE_MS = 60_000
_OF_CIRCUIT, _OF_SITE = 2, 3  # devices, at least


class Groups:
    """Used by one thread.

    Args:
        detector: of the devices' silence; the watchman has it.
        held: findings that held when the watch ended, where that is known: a gateway that is not named for longer than
            uplinks are kept stays silent, and so does a device that was never heard.
    """

    def __init__(self, territory: Territory, detector: Silence, held: Iterable[Finding] = ()) -> None:
        held = list(held)
        self._territory = territory
        self._detector = detector
        self._held = {finding.key for finding in held if finding.kind == silence.KIND}
        self._radios = Radios(territory, detector, [finding for finding in held if finding.kind == GATEWAY])
        self._watched: Mapping[str, Watched] | None = None
        self._tenants: dict[str, list[Watched]] = {}
        self._circuit_groups: dict[str, Group] = {}
        self._site_groups: dict[str, Group] = {}
        self._homes: dict[tuple[str, str], str] = {}
        self._first_ms: dict[str, int] = {}
        self._looked: frozenset[str] = frozenset()

    def use(self, territory: Territory) -> None:
        """Another territory is in force."""
        self._territory = territory
        self._radios.use(territory)
        self._watched = None
        self._homes = {}

    def fold(
        self, findings: Mapping[FindingKey, Finding], watchman: Watchman, sites: Sites, now_ms: int
    ) -> Mapping[FindingKey, Finding]:
        """What holds, each matter once: silent devices are folded into what explains them, all else stays as it is.

        Args:
            findings: what the watchman has found, at `now_ms`.
        """
        self._see(watchman)
        folded: dict[FindingKey, Finding] = {}
        silent: dict[str, Finding] = {}
        for key, finding in findings.items():
            if finding.kind != silence.KIND:
                folded[key] = finding
            elif not self._is_explained(finding, watchman, sites, now_ms):
                silent[finding.subject] = finding
        folded.update(sites.findings(now_ms))
        names = frozenset(silent)
        changed = names ^ self._looked
        self._looked = names
        self._look_at_sites(silent, changed, folded, watchman, sites, now_ms)
        self._look_at_radios(silent, changed, watchman, sites, now_ms)
        self._tell_of_radios(folded)
        self._look_at_circuits(silent, changed, folded, watchman, sites, now_ms)
        spoke = {asset for asset, finding in silent.items() if self._has_spoken(finding, watchman, now_ms)}
        explained = {
            asset
            for group in (*self._site_groups.values(), *self._circuit_groups.values())
            if group.fall is not None
            for asset in (group.fall.assets if group.fall.explains(now_ms) else group.fall.assets & spoke)
        }
        for asset, finding in silent.items():
            if asset not in explained and not self._is_radios(finding, watchman, now_ms, spoke=asset in spoke):
                folded[finding.key] = finding
        return folded

    def _see(self, watchman: Watchman) -> None:
        """Which assets belong together, when other ones are watched."""
        watched = watchman.watched
        if watched is self._watched:
            return
        self._watched = watched
        self._tenants = {}
        circuits: dict[str, list[Watched]] = {}
        for one in watched.values():
            if self._detector.concerns(one):
                self._tenants.setdefault(one.database, []).append(one)
                if one.asset.circuit is not None:
                    circuits.setdefault(one.asset.circuit, []).append(one)
        self._circuit_groups = {
            circuit: Group(members, self._detector, _OF_CIRCUIT)
            for circuit, members in circuits.items()
            if len(members) >= _OF_CIRCUIT
        }
        self._site_groups = {
            site.id: Group(members, self._detector, _OF_SITE, site=site.id)
            for site in self._territory.sites.values()
            if len(members := self._tenants.get(site.tenant, [])) >= _OF_SITE
        }

    # what a site explains

    def _is_explained(self, finding: Finding, watchman: Watchman, sites: Sites, now_ms: int) -> bool:
        facts = finding.facts
        silent_ms = int(facts["silent_ms"])
        if "heard_ms" in facts:
            return sites.explains(str(facts["site"]), since_ms=finding.since_ms, silent_ms=silent_ms, now_ms=now_ms)
        if finding.key in self._held:
            return False
        site = self._home(watchman.watched[finding.subject])
        first_ms = self._first_of(site, finding.database, watchman, sites)
        if first_ms is None:
            return True  # nothing was ever heard of its site
        since_ms = max(finding.since_ms, first_ms)
        silent_ms += since_ms - finding.since_ms
        return silent_ms > now_ms or sites.explains(site, since_ms=since_ms, silent_ms=silent_ms, now_ms=now_ms)

    def _home(self, watched: Watched) -> str:
        """The site that most likely hears a device which was never heard: of its commune, else the nearest."""
        place = (watched.database, watched.commune)
        found = self._homes.get(place)
        if found is None:
            commune = self._territory.communes[watched.commune]
            near = [
                (site.commune != commune.insee, distance_km(commune.lat, commune.lon, site.lat, site.lon), site.id)
                for site in self._territory.sites.values()
                if site.tenant == watched.database
            ]
            found = self._homes[place] = min(near)[2] if near else ""
        return found

    def _first_of(self, site: str, database: str, watchman: Watchman, sites: Sites) -> int | None:
        """When anything of a site was heard first."""
        first_ms = sites.first_ms(site) or self._first_ms.get(site)
        if first_ms is None:
            uplinks = (self._seen(watchman, one) for one in self._tenants.get(database, ()))
            heard = [seen[0].at_ms for seen in uplinks if seen and seen[0].edge == site]
            if heard:
                first_ms = self._first_ms[site] = min(heard)
        return first_ms

    def _has_spoken(self, finding: Finding, watchman: Watchman, now_ms: int) -> bool:
        """Whether it was heard since, if not often enough to end its silence: what explained that explains it still."""
        one = watchman.watched[finding.subject]
        seen = [heard for heard in self._seen(watchman, one) if heard.at_ms <= now_ms]
        if not seen or seen[-1].at_ms <= finding.since_ms:
            return False
        hush = hush_of(seen, one, now_ms)
        return hush is None or hush.silent_ms is None  # else it is silent anew

    def _seen(self, watchman: Watchman, watched: Watched) -> Sequence[Heard]:
        return watchman.seen(watched.id, self._detector)

    # what several have in common

    def _look_at_sites(
        self,
        silent: Mapping[str, Finding],
        changed: frozenset[str],
        folded: dict[FindingKey, Finding],
        watchman: Watchman,
        sites: Sites,
        now_ms: int,
    ) -> None:
        """A site whose devices are all silent, though nobody said that it is away."""
        stirred = {watchman.watched[asset].database for asset in changed if asset in watchman.watched}
        for site_id, group in self._site_groups.items():
            site = self._territory.sites[site_id]
            key = FindingKey(site.tenant, SITE, site_id)
            if key in folded:
                group.fall = None
                continue
            if site.tenant in stirred or now_ms >= group.due_ms:
                group.look(silent, watchman, now_ms)
                if group.fall is not None and (
                    len(group.fall.gateways) < 2 or _is_dark(group.fall, site_id, sites, now_ms)
                ):
                    group.fall = None  # one gateway: that is the gateway's
            if group.fall is not None and group.fall.back_ms is None:
                folded[key] = _deaf(site, group.fall.since_ms)

    def _look_at_radios(
        self,
        silent: Mapping[str, Finding],
        changed: frozenset[str],
        watchman: Watchman,
        sites: Sites,
        now_ms: int,
    ) -> None:
        fallen = frozenset(site for site, group in self._site_groups.items() if group.fall is not None)
        stirred = {watchman.watched[asset].database for asset in changed if asset in watchman.watched}
        for database, members in self._tenants.items():
            anew = database in stirred
            self._radios.look(database, members, silent, watchman, sites, now_ms, anew=anew, fallen=fallen)

    def _tell_of_radios(self, folded: dict[FindingKey, Finding]) -> None:
        """The gateways that are silent; all of a site's are the site."""
        for site_id, since_ms in self._radios.deaf_sites().items():
            site = self._territory.sites.get(site_id)
            if site is not None:
                folded.setdefault(FindingKey(site.tenant, SITE, site_id), _deaf(site, since_ms))
        for key, finding in self._radios.findings().items():
            thresholds = self._territory.tenants[key.database].thresholds
            above = folded.get(FindingKey(key.database, SITE, str(finding.facts["site"])))
            if above is None or finding.since_ms + thresholds.silence_gateway_min * _MINUTE_MS <= above.since_ms:
                folded[key] = finding

    def _look_at_circuits(
        self,
        silent: Mapping[str, Finding],
        changed: frozenset[str],
        folded: dict[FindingKey, Finding],
        watchman: Watchman,
        sites: Sites,
        now_ms: int,
    ) -> None:
        stirred = {watchman.watched[asset].asset.circuit for asset in changed if asset in watchman.watched}
        above = set[str]()
        for group in self._site_groups.values():
            if group.fall is not None and group.fall.explains(now_ms):
                above |= group.fall.assets
        for circuit, group in self._circuit_groups.items():
            if circuit in stirred or now_ms >= group.due_ms:
                group.look(silent, watchman, now_ms)
                fall = group.fall
                if fall is not None and (
                    2 * len(fall.assets & above) > len(fall.assets)
                    or _is_dark(fall, fall.site or self._home(group.members[0]), sites, now_ms)
                    or self._are_radios(fall, watchman, now_ms)
                ):
                    group.fall = None
            if group.fall is not None and group.fall.back_ms is None:
                finding = self._of_circuit(circuit, group.members[0].database, group.fall)
                known = folded.get(finding.key)
                folded[finding.key] = finding if known is None else _together(known, finding)

    def _of_circuit(self, circuit: str, database: str, fall: Fall) -> Finding:
        cabinet = self._territory.assets[self._territory.circuits[circuit].cabinet]
        facts: dict[str, Field] = {"circuits": circuit, "devices": len(fall.assets)}
        since_ms = fall.since_ms
        return Finding(CIRCUIT, Severity.WARNING, database, cabinet.commune, About.CABINET, cabinet.id, since_ms, facts)

    def _is_radios(self, finding: Finding, watchman: Watchman, now_ms: int, *, spoke: bool) -> bool:
        facts = finding.facts
        if "heard_ms" not in facts:
            return False
        thresholds = limits_of(watchman.watched[finding.subject])
        grace_ms = int(
            thresholds.silence_late_intervals * float(facts["expected_s"]) * 1000
            + thresholds.silence_slack_min * _MINUTE_MS
        )
        silent_ms = int(facts["silent_ms"])
        return self._radios.explains(
            watchman, finding.subject, finding.since_ms, silent_ms, now_ms, grace_ms, spoke=spoke
        )

    def _are_radios(self, fall: Fall, watchman: Watchman, now_ms: int) -> bool:
        """Whether most of them are silent because of a gateway."""
        explained = sum(
            self._radios.explains(watchman, asset, fall.since_ms, fall.sure_ms, now_ms, fall.grace_ms)
            for asset in fall.assets
        )
        return 2 * explained > len(fall.assets)


def _is_dark(fall: Fall, site: str, sites: Sites, now_ms: int) -> bool:
    """Whether the site of those that fell silent explains it."""
    return sites.explains(site, since_ms=fall.since_ms, silent_ms=fall.sure_ms, now_ms=now_ms)


def _deaf(site: Site, since_ms: int) -> Finding:
    """A site whose edge reports, and that hears nobody any more."""
    facts: dict[str, Field] = {"reports": True}
    return Finding(SITE, Severity.CRITICAL, site.tenant, site.commune, About.SITE, site.id, since_ms, facts)


def _together(one: Finding, other: Finding) -> Finding:
    """Two circuits of one cabinet."""
    circuits = sorted({*str(one.facts["circuits"]).split(", "), str(other.facts["circuits"])})
    facts: dict[str, Field] = {
        "circuits": ", ".join(circuits),
        "devices": int(one.facts["devices"]) + int(other.facts["devices"]),
    }
    return Finding(
        one.kind,
        one.severity,
        one.database,
        one.commune,
        one.about,
        one.subject,
        min(one.since_ms, other.since_ms),
        facts,
    )
