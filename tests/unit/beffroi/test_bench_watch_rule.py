"""The rule by which the bench compares truth and verdicts: what is asked for, found, right, wrong."""

from beffroi.bench.watch import spans
from beffroi.bench.watch.episodes import EMPTIED, Record
from beffroi.bench.watch.matching import EMPTYING, LATE_MS, Tally, compare
from beffroi.bench.watch.truth import Truth
from cloud.watch.model import About, Finding, Severity, State
from cloud.watch.watchman import Change, watched_of
from core.territory import Supply
from simulator.devices.base import Fact
from tests.support import mixed_territory

H = 3_600_000
DAY = 24 * H
START = 1_795_528_800_000  # 2026-11-24T14:00:00Z, an afternoon
END = START + 10 * DAY
TOWN = mixed_territory.territory()
SWITCHED, PERMANENT = (
    next(
        one.id
        for one in TOWN.assets.values()
        if one.kind == "lamp" and one.circuit and TOWN.circuits[one.circuit].supply is supply
    )
    for supply in (Supply.SWITCHED, Supply.PERMANENT)
)
BIN = next(one.id for one in TOWN.assets.values() if one.kind == "bin")


def truth(*facts: Fact) -> Truth:
    made = Truth(TOWN, best_gateways={}, edges=dict.fromkeys(TOWN.assets, "remiremont"), end_ms=END)
    for fact in sorted(facts, key=lambda one: one.at_ms):
        made.note(fact)
    return made


def failure(kind: str, asset: str, start_h: float, end_h: float) -> Fact:
    detail = {"asset": asset, "failure": kind, "end_ms": START + round(end_h * H)}
    return Fact(START + round(start_h * H), "failure", detail)


def level(asset: str, at_h: float, level_pct: float) -> Fact:
    return Fact(START + round(at_h * H), "level", {"asset": asset, "level_pct": level_pct})


class Said(Record):
    """A record of findings that are raised and cleared at hours of the scenario."""

    def say(self, kind: str, asset: str, from_h: float, to_h: float) -> "Said":
        found = Finding(kind, Severity.NOTICE, "ccpvm", "88383", About.ASSET, asset, START)
        self.note(START + round(from_h * H), {found.key: found}, ())
        self.note(START + round(to_h * H), {}, ())
        return self

    def empty(self, asset: str, at_h: float, told_h: float) -> "Said":
        watched = watched_of(TOWN, now_ms=START)[asset]
        state = State(EMPTIED, float(START + round(at_h * H)), START + round(at_h * H))
        self.note(START + round(told_h * H), {}, [Change(watched, state)])
        return self


def weigh(told: Truth, record: Record, kind: str, *, from_h: float = 0) -> Tally:
    return compare(told, record, TOWN, from_ms=START + round(from_h * H), until_ms=END).tallies[kind]


def test_times_are_joined_cut_and_counted() -> None:
    """Half-open times: what touches is one, what is taken away leaves the rest."""
    assert spans.merged([(5, 7), (1, 3), (3, 4), (9, 9)]) == [(1, 4), (5, 7)]
    assert spans.within([(0, 10)], [(2, 4), (8, 12)]) == [(2, 4), (8, 10)]
    assert spans.without([(0, 10)], [(2, 4), (8, 12)]) == [(0, 2), (4, 8)]
    assert spans.length([(0, 2), (4, 8)]) == 6
    assert spans.length([(0, 2), (4, 8)], until_ms=5) == 3


def test_a_dead_device_that_is_told_of_is_found_and_the_delay_is_counted() -> None:
    """Raised six hours after the death: asked, found, right."""
    tally = weigh(
        truth(failure("dead", PERMANENT, 10, 40)), Said().say("silence.device", PERMANENT, 16, 41), "silence.device"
    )
    assert (tally.asked, tally.found, tally.raised, tally.right) == (1, 1, 1, 1)
    assert tally.delays_ms == [6 * H]


def test_a_dead_device_that_nobody_tells_of_is_missed() -> None:
    """And named, with its time."""
    tally = weigh(truth(failure("dead", PERMANENT, 10, 40)), Said(), "silence.device")
    assert (tally.asked, tally.found, tally.raised) == (1, 0, 0)
    assert tally.recall == 0
    assert tally.precision is None
    assert PERMANENT in tally.missed[0]


def test_a_finding_without_a_cause_is_wrong() -> None:
    """Another asset's death makes it no better, and neither does another kind of trouble."""
    told = truth(failure("dead", SWITCHED, 10, 40), failure("flicker", PERMANENT, 10, 40))
    tally = weigh(told, Said().say("silence.device", PERMANENT, 16, 18), "silence.device")
    assert (tally.raised, tally.right) == (1, 0)
    assert PERMANENT in tally.wrong[0]


def test_a_finding_after_the_end_is_right_for_half_an_hour() -> None:
    """What was on the way when it was mended is no lie; an hour later it is."""
    told = truth(failure("dead", PERMANENT, 10, 40))
    soon = 40 + LATE_MS / H
    assert weigh(told, Said().say("silence.device", PERMANENT, soon, 42), "silence.device").right == 1
    assert weigh(told, Said().say("silence.device", PERMANENT, soon + 0.1, 42), "silence.device").right == 0


def test_a_finding_is_right_until_the_lamp_could_show_that_it_is_well() -> None:
    """Mended in the morning, without power until dusk: told of at noon is right, an hour after dusk it is not."""
    levels = (level(SWITCHED, 2, 100), level(SWITCHED, 17, 0), level(SWITCHED, 27, 100), level(SWITCHED, 40, 0))
    told = truth(*levels, failure("dead", SWITCHED, 3, 18))
    assert weigh(told, Said().say("silence.device", SWITCHED, 22, 28), "silence.device").right == 1
    assert weigh(told, Said().say("silence.device", SWITCHED, 28, 29), "silence.device").right == 0


def test_what_fails_anew_before_anybody_saw_it_well_is_found_at_once() -> None:
    """The finding of the first failure still holds: told of, without delay, and right once."""
    told = truth(
        level(PERMANENT, 0, 0),
        level(PERMANENT, 3, 100),
        level(PERMANENT, 17, 0),
        level(PERMANENT, 27, 100),
        failure("lamp_failure", PERMANENT, 2, 20),
        failure("lamp_failure", PERMANENT, 22, 40),
    )
    tally = weigh(told, Said().say("light.lamp_failure", PERMANENT, 3.5, 41), "light.lamp_failure")
    assert (tally.asked, tally.found, tally.raised, tally.right) == (2, 2, 1, 1)
    assert tally.delays_ms == [H // 2, 0]
    early = weigh(told, Said().say("light.lamp_failure", PERMANENT, 3.5, 26), "light.lamp_failure")
    assert (early.asked, early.found) == (2, 1)


def test_a_short_silence_is_not_asked_for() -> None:
    """Seven hours of a device that speaks each hour: not asked for; told of all the same, it is right."""
    told = truth(failure("dead", PERMANENT, 10, 17))
    tally = weigh(told, Said().say("silence.device", PERMANENT, 15, 18), "silence.device")
    assert (tally.asked, tally.raised, tally.right) == (0, 1, 1)


def test_only_time_with_power_counts_for_a_switched_lamp() -> None:
    """Dead for two days, but its circuit had power for six hours of them: not asked for; with ten it is."""
    death = failure("dead", SWITCHED, 10, 58)
    few = truth(death, level(SWITCHED, 2, 100), level(SWITCHED, 16, 0))
    assert weigh(few, Said(), "silence.device").asked == 0
    more = truth(death, level(SWITCHED, 2, 100), level(SWITCHED, 20, 0))
    assert weigh(more, Said(), "silence.device").asked == 1


def test_an_outage_around_it_hides_it() -> None:
    """A death within an outage of its circuit or site could not be seen."""
    death = failure("dead", PERMANENT, 10, 20)
    circuit = TOWN.assets[PERMANENT].circuit
    supply = Fact(START + 11 * H, "supply_out", {"circuit": str(circuit), "end_ms": START + 20 * H})
    site = Fact(START + 11 * H, "site_out", {"edge": "remiremont", "end_ms": START + 20 * H})
    assert weigh(truth(death), Said(), "silence.device").asked == 1
    assert weigh(truth(death, supply), Said(), "silence.device").asked == 0
    assert weigh(truth(death, site), Said(), "silence.device").asked == 0


def test_a_lamp_that_fails_by_day_is_asked_for_when_it_should_burn() -> None:
    """And its delay begins then."""
    lit = level(PERMANENT, 5, 100)
    out = level(PERMANENT, 20, 0)
    by_day = truth(level(PERMANENT, 0, 0), lit, out, failure("lamp_failure", PERMANENT, 1, 12))
    tally = weigh(by_day, Said().say("light.lamp_failure", PERMANENT, 5.5, 12), "light.lamp_failure")
    assert (tally.asked, tally.found) == (1, 1)
    assert tally.delays_ms == [H // 2]
    unseen = truth(level(PERMANENT, 0, 0), lit, out, failure("lamp_failure", PERMANENT, 1, 7))
    assert weigh(unseen, Said(), "light.lamp_failure").asked == 0


def test_burning_by_day_is_asked_for_by_day() -> None:
    """A relay that sticks for an evening of extinction is not; one that sticks over noon is."""
    levels = (level(PERMANENT, 0, 0), level(PERMANENT, 3, 100), level(PERMANENT, 8, 0), level(PERMANENT, 14, 100))
    day = level(PERMANENT, 17, 0)
    at_night = truth(*levels, day, failure("day_burning", PERMANENT, 8, 14))
    assert weigh(at_night, Said(), "light.burning_by_day").asked == 0
    by_day = truth(*levels, day, failure("day_burning", PERMANENT, 8, 24))
    assert weigh(by_day, Said(), "light.burning_by_day").asked == 1


def test_what_began_while_warming_up_is_not_compared() -> None:
    """Neither trouble nor finding."""
    told = truth(failure("dead", PERMANENT, 10, 60))
    tally = weigh(told, Said().say("silence.device", PERMANENT, 16, 41), "silence.device", from_h=20)
    assert (tally.asked, tally.raised) == (0, 0)


def collection(at_h: float, before: float, after: float) -> Fact:
    detail = {"asset": BIN, "fill_pct": before, "after_pct": after}
    return Fact(START + round(at_h * H), "collection", detail)


def test_an_emptying_is_found_by_its_time() -> None:
    """Dated within four intervals it is right, however often it is said; a day off it is both missed and wrong."""
    told = truth(collection(30, 70, 2))
    tally = weigh(told, Said().empty(BIN, 30.5, 31).empty(BIN, 30.1, 35), EMPTYING)
    assert (tally.asked, tally.found, tally.raised, tally.right) == (1, 1, 2, 2)
    assert tally.delays_ms == [H]
    tally = weigh(told, Said().empty(BIN, 54, 55), EMPTYING)
    assert (tally.found, tally.raised, tally.right) == (0, 1, 0)


def test_an_emptying_while_the_sensor_is_deaf_is_dated_when_it_is_seen() -> None:
    """A sensor that is dead from before the truck until the next day can say no more: right, though not asked for."""
    told = truth(collection(30, 70, 2), failure("dead", BIN, 29, 50))
    tally = weigh(told, Said().empty(BIN, 50.5, 52), EMPTYING)
    assert (tally.asked, tally.raised, tally.right) == (0, 1, 1)
    assert weigh(told, Said().empty(BIN, 56, 57), EMPTYING).right == 0


def test_an_emptying_that_shows_little_or_to_nobody_is_not_asked_for() -> None:
    """A bin that was nearly empty, one whose sensor is dead, one that burnt meanwhile."""
    assert weigh(truth(collection(30, 12, 2)), Said(), EMPTYING).asked == 0
    assert weigh(truth(collection(30, 70, 2), failure("dead", BIN, 20, 40)), Said(), EMPTYING).asked == 0
    fire = Fact(START + 29 * H, "fire", {"asset": BIN, "end_ms": START + 31 * H})
    assert weigh(truth(collection(30, 70, 2), fire), Said(), EMPTYING).asked == 0
    assert weigh(truth(collection(30, 70, 2)), Said(), EMPTYING).asked == 1


def test_tallies_add_up() -> None:
    """Of several seeds."""
    one, other = Tally(2, 1, 1, 2, [5], ["a"], []), Tally(2, 2, 2, 2, [7], [], ["b"])
    one.add(other)
    assert (one.recall, one.precision, one.delays_ms, one.missed, one.wrong) == (0.75, 0.75, [5, 7], ["a"], ["b"])
