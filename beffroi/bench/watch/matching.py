"""The rule by which truth and verdicts are compared; the README of this folder says it in words.

- A trouble is *asked for* when it could be seen for so many of its device's expected intervals (`Rule.intervals`):
  with power, with a road to the cloud, and when it shows at all. What lasted less is nobody's miss.
- It is *found* when a finding of that kind and subject holds between the first instant at which it could be seen and
  its end, or is raised within `LATE_MS` after it. The time to detect counts the time in which it could be seen.
- A finding is *right* when it was raised during a trouble of its kind on its subject, asked for or not, or before its
  subject could have shown for `LATE_MS` that it is well (a lamp that is mended by day: at dusk); or of a kind of
  `Rule.also`, which shows in the same way. Every other one is wrong.
- An emptying is asked for when the fill fell by `LEAST_FALL_PCT` to `MOST_AFTER_PCT` or less, the sensor was alive and
  heard for `AROUND_INTERVALS` expected intervals either side, and the bin neither lay nor burned then. It is found, and
  what the watch says is right, when the watch dates an emptying at most that much from it, not counting the time in
  which its sensor could not be heard: who was deaf can only say when it was seen empty.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from beffroi.bench.watch.episodes import Emptied, Episode, Record
from beffroi.bench.watch.spans import Times, length
from beffroi.bench.watch.truth import DEAD, GATEWAY, SITE, SUPPLY, Collection, Trouble, Truth
from core.territory import Territory
from simulator.devices.failures import Kind

LATE_MS: Final = 30 * 60_000
LEAST_FALL_PCT: Final = 15.0
MOST_AFTER_PCT: Final = 20.0
AROUND_INTERVALS: Final = 4
_CHECK_MS: Final = 900_000  # what a supply or a radio is seen by: a quarter of an hour stands for an interval
EMPTYING: Final = "bin.emptied"

Visible = Callable[[Truth, str, Times], Times]


class Rule(msgspec.Struct, frozen=True):
    """One matter. `asked`: whether the issue's targets hold for it; `of_asset`: its subject is an asset."""

    kind: str  # of the finding
    truths: tuple[str, ...]
    visible: Visible
    intervals: float
    asked: bool = False
    of_asset: bool = True
    also: tuple[str, ...] = ()


def _speaking(truth: Truth, asset: str, times: Times) -> Times:
    return truth.heard(asset, truth.powered(asset, times))


def _burning(truth: Truth, asset: str, times: Times) -> Times:
    return truth.heard(asset, truth.told_to_burn(asset, times))


def _by_day(truth: Truth, asset: str, times: Times) -> Times:
    return truth.heard(asset, truth.told_to_be_off_by_day(asset, times))


def _always(truth: Truth, subject: str, times: Times) -> Times:  # noqa: ARG001 - a `Visible`
    return times


def _circuit(truth: Truth, circuit: str, times: Times) -> Times:
    return truth.circuit_expected(circuit, times)


RULES: Final = (
    Rule("silence.device", (DEAD,), _speaking, 8, asked=True),
    Rule("light.lamp_failure", (Kind.LAMP_FAILURE.value,), _burning, 3, asked=True),
    Rule("light.burning_by_day", (Kind.DAY_BURNING.value,), _by_day, 3, asked=True),
    Rule("light.driver_failure", (Kind.DRIVER_ERROR.value,), _burning, 3),
    Rule("light.flicker", (Kind.FLICKER.value,), _burning, 3),
    Rule(
        "light.dark_by_night",
        (Kind.STAYS_OFF.value,),
        _burning,
        3,
        also=(Kind.LAMP_FAILURE.value, Kind.DRIVER_ERROR.value, Kind.FLICKER.value),
    ),
    Rule("bin.fire", (Kind.FIRE.value,), _speaking, 0.1),
    Rule("bin.tilted", (Kind.KNOCKED_OVER.value,), _speaking, 2),
    Rule("silence.circuit", (SUPPLY,), _circuit, 8, of_asset=False),
    Rule("silence.gateway", (GATEWAY,), _always, 8, of_asset=False),
    Rule("silence.site", (SITE,), _always, 1, of_asset=False),
)


class Tally(msgspec.Struct):
    """What one matter came to. `delays_ms`: of what was found. `missed`, `wrong`: the cases, in words."""

    asked: int = 0
    found: int = 0
    right: int = 0
    raised: int = 0
    delays_ms: list[int] = []
    missed: list[str] = []
    wrong: list[str] = []

    def add(self, other: "Tally") -> None:
        self.asked += other.asked
        self.found += other.found
        self.right += other.right
        self.raised += other.raised
        self.delays_ms += other.delays_ms
        self.missed += other.missed
        self.wrong += other.wrong

    @property
    def recall(self) -> float | None:
        return self.found / self.asked if self.asked else None

    @property
    def precision(self) -> float | None:
        return self.right / self.raised if self.raised else None


class Comparison(msgspec.Struct):
    """Of one run: by the kind of the finding. `others`: findings that no rule speaks of, counted."""

    tallies: dict[str, Tally]
    others: dict[str, int]


def compare(truth: Truth, record: Record, territory: Territory, *, from_ms: int, until_ms: int) -> Comparison:
    """Compare what began or was raised from `from_ms` on: what is before it is for getting to know the devices."""
    judge = _Judge(truth, territory, from_ms, until_ms)
    tallies = {rule.kind: judge.compare(rule, record.episodes) for rule in RULES}
    tallies[EMPTYING] = judge.compare_emptyings(record)
    known = {rule.kind for rule in RULES}
    others = Counter(one.finding.kind for one in record.episodes if one.finding.kind not in known)
    return Comparison(tallies, dict(others))


class _Judge:
    def __init__(self, truth: Truth, territory: Territory, from_ms: int, until_ms: int) -> None:
        self._truth = truth
        self._from_ms, self._until_ms = from_ms, until_ms
        profiles = {
            one.asset: territory.profiles[territory.devices[one.dev_eui].profile] for one in territory.assignments
        }
        self._interval_ms = {asset: profile.expected_interval_s * 1000 for asset, profile in profiles.items()}

    def compare(self, rule: Rule, episodes: Sequence[Episode]) -> Tally:
        tally = Tally(delays_ms=[], missed=[], wrong=[])
        raised: dict[str, list[Episode]] = {}
        for episode in episodes:
            if episode.finding.kind == rule.kind:
                for subject in _subjects(episode):
                    raised.setdefault(subject, []).append(episode)
        for trouble in self._truth.troubles:
            if trouble.kind in rule.truths and trouble.start_ms >= self._from_ms:
                self._look_for(rule, trouble, raised.get(trouble.subject, ()), tally)
        for episode in episodes:
            if episode.finding.kind == rule.kind and episode.raised_ms >= self._from_ms:
                self._weigh(rule, episode, tally)
        return tally

    def _look_for(self, rule: Rule, trouble: Trouble, told: Sequence[Episode], tally: Tally) -> None:
        whole = [(trouble.start_ms, trouble.end_ms)]
        visible = rule.visible(self._truth, trouble.subject, whole)
        interval_ms = self._interval_ms[trouble.subject] if rule.of_asset else _CHECK_MS
        if length(visible) < rule.intervals * interval_ms:
            return
        tally.asked += 1
        first_ms = visible[0][0]
        found_ms = min((max(one.raised_ms, first_ms) for one in told if _holds(trouble, one, first_ms)), default=None)
        if found_ms is None:
            tally.missed.append(_words(trouble.subject, trouble.start_ms, trouble.end_ms, trouble.kind))
        else:
            tally.found += 1
            tally.delays_ms.append(length(visible, until_ms=found_ms))

    def _weigh(self, rule: Rule, episode: Episode, tally: Tally) -> None:
        tally.raised += 1
        kinds = (*rule.truths, *rule.also)
        troubles = [one for subject in _subjects(episode) for one in self._truth.of(kinds, subject)]
        if any(self._is_of(rule, one, episode) for one in troubles):
            tally.right += 1
        else:
            finding = episode.finding
            end_ms = self._until_ms if episode.cleared_ms is None else episode.cleared_ms
            tally.wrong.append(_words(finding.subject, episode.raised_ms, end_ms, repr(dict(finding.facts))))

    def _is_of(self, rule: Rule, trouble: Trouble, episode: Episode) -> bool:
        if episode.raised_ms <= trouble.end_ms + LATE_MS:
            return episode.raised_ms >= trouble.start_ms
        since = rule.visible(self._truth, trouble.subject, [(trouble.end_ms, episode.raised_ms)])
        return length(since) <= LATE_MS

    # emptyings

    def compare_emptyings(self, record: Record) -> Tally:
        tally = Tally(delays_ms=[], missed=[], wrong=[])
        by_asset: dict[str, list[Collection]] = {}
        for one in self._truth.collections:
            by_asset.setdefault(one.asset, []).append(one)
        for one in self._truth.collections:
            if one.at_ms < self._from_ms or not self._is_asked(one):
                continue
            tally.asked += 1
            told = [said for said in record.emptied if said.asset == one.asset and self._is_meant(said, one)]
            if told:
                tally.found += 1
                tally.delays_ms.append(max(0, min(said.told_ms for said in told) - one.at_ms))
            else:
                what = f"{one.before_pct} to {one.after_pct} %"
                tally.missed.append(_words(one.asset, one.at_ms, one.at_ms, what))
        for said in record.emptied:
            if said.told_ms < self._from_ms or said.at_ms < self._from_ms:
                continue
            tally.raised += 1
            if any(self._is_meant(said, one) for one in by_asset.get(said.asset, ())):
                tally.right += 1
            else:
                tally.wrong.append(_words(said.asset, said.at_ms, said.told_ms, "emptied, it says"))
        return tally

    def _is_meant(self, said: Emptied, one: Collection) -> bool:
        between = sorted((said.at_ms, one.at_ms))
        heard = self._truth.heard(one.asset, self._truth.alive(one.asset, [(between[0], between[1])]))
        return length(heard) <= AROUND_INTERVALS * self._interval_ms[one.asset]

    def _is_asked(self, one: Collection) -> bool:
        reach_ms = AROUND_INTERVALS * self._interval_ms[one.asset]
        around = [(one.at_ms - reach_ms, one.at_ms + reach_ms)]
        if one.before_pct - one.after_pct < LEAST_FALL_PCT or one.after_pct > MOST_AFTER_PCT:
            return False
        if around[0][1] > self._until_ms:
            return False
        truth = self._truth
        if length(truth.heard(one.asset, truth.alive(one.asset, around))) < 2 * reach_ms:
            return False
        apart = truth.of((Kind.FIRE.value, Kind.KNOCKED_OVER.value), one.asset)
        return not any(bad.start_ms < around[0][1] and bad.end_ms > around[0][0] for bad in apart)


def _holds(trouble: Trouble, episode: Episode, first_ms: int) -> bool:
    """Also when it held before: a lamp that fails anew before anybody saw it burn."""
    is_over = episode.cleared_ms is not None and episode.cleared_ms <= first_ms
    return episode.raised_ms <= trouble.end_ms + LATE_MS and not is_over


def _subjects(episode: Episode) -> Sequence[str]:
    """A cabinet's finding names its circuits."""
    circuits = episode.finding.facts.get("circuits")
    return (episode.finding.subject,) if circuits is None else str(circuits).split(", ")


def _words(subject: str, start_ms: int, end_ms: int, what: str) -> str:
    first, last = (datetime.fromtimestamp(ms / 1000, UTC).strftime("%d.%m. %H:%M") for ms in (start_ms, end_ms))
    return f"{subject} {first} to {last} {what}"
