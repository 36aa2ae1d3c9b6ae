"""Several silent devices are one matter: the circuit's, the gateway's, the site's; one finding for each matter."""

from collections.abc import Iterable, Mapping, Sequence
from time import process_time

from cloud.stores.base import Point
from cloud.watch.detectors.silence import Silence
from cloud.watch.groups import Groups
from cloud.watch.model import About, Finding, FindingKey, Severity
from cloud.watch.sites import Sites
from cloud.watch.watchman import Watchman
from core.territory import Territory
from tests.support.watched_town import (
    EXTINCTION,
    G1,
    G2,
    HOUR_MS,
    MINUTE_MS,
    SITE_ID,
    at,
    boot,
    life,
    reports,
    town,
    uplink,
    will,
)

START_MS = at("2026-11-10 00:00")
FELL_MS = START_MS + 24 * HOUR_MS


class Tower:
    """All of the silence watch, told what happens as it happens."""

    def __init__(self, territory: Territory, held: Iterable[Finding] = ()) -> None:
        self.territory = territory
        self.detector = Silence()
        self.watchman = Watchman(territory, [self.detector], now_ms=START_MS)
        self.sites = Sites(territory)
        self.groups = Groups(territory, self.detector, held)
        self.found: Mapping[FindingKey, Finding] = {}

    def take(self, points: Sequence[Point]) -> None:
        self.watchman.take(points)
        self.sites.take(points)

    def look(self, now_ms: int) -> dict[str, str]:
        """Subject → kind of what holds."""
        self.found = self.groups.fold(self.watchman.look(now_ms).findings, self.watchman, self.sites, now_ms)
        return {key.subject: key.kind for key in self.found}

    def live(self, points: Sequence[Point], start_ms: int, end_ms: int, *, every_ms: int = 5 * MINUTE_MS) -> set[str]:
        """Every kind and subject that was ever told from start to end."""
        told = sorted(points, key=lambda point: point.time_us)
        place = 0
        ever: set[str] = set()
        for now_ms in range(start_ms, end_ms, every_ms):
            first = place
            while place < len(told) and told[place].time_us // 1000 <= now_ms:
                place += 1
            self.take(told[first:place])
            ever |= {f"{kind} {subject}" for subject, kind in self.look(now_ms).items()}
        return ever

    def only(self) -> Finding:
        (finding,) = self.found.values()
        return finding


def street(circuit: str, lamps: int, start_ms: int, end_ms: int, gateways: Iterable[str] = (G1, G2)) -> list[Point]:
    """Lamps that speak hourly, spread over the hour."""
    gateways = tuple(gateways)
    return [
        point
        for number in range(lamps)
        for point in life(f"{circuit}-lamp-{number}", start_ms + number * HOUR_MS // lamps, end_ms, gateways=gateways)
    ]


def test_one_lamp_is_one_lamp() -> None:
    """Its neighbours speak: nobody but itself is silent."""
    tower = Tower(town({"c1": 10}))
    points = [*street("c1", 9, START_MS, FELL_MS + 48 * HOUR_MS), *life("c1-lamp-9", START_MS, FELL_MS)]
    assert tower.live(points, START_MS, FELL_MS + 48 * HOUR_MS) == {"silence.device c1-lamp-9"}


def test_a_whole_circuit_is_one_finding_on_its_cabinet_and_was_never_ten() -> None:
    """It is sure before any of its lamps is, and none of them is ever told of."""
    tower = Tower(town({"c1": 10, "c2": 10}))
    points = [*street("c1", 10, START_MS, FELL_MS), *street("c2", 10, START_MS, FELL_MS + 48 * HOUR_MS)]
    assert tower.live(points, START_MS, FELL_MS + 90 * MINUTE_MS) == {"silence.circuit c1-cab"}
    assert tower.live(points, FELL_MS, FELL_MS + 47 * HOUR_MS) == {"silence.circuit c1-cab"}
    finding = tower.only()
    assert (finding.since_ms, dict(finding.facts)) == (FELL_MS - 6 * MINUTE_MS, {"circuits": "c1", "devices": 10})


def test_a_circuit_that_is_back_leaves_no_lamp_behind() -> None:
    """While its lamps start one after the other none of them is told of; one that stays dark is, in the end."""
    tower = Tower(town({"c1": 10, "c2": 10}))
    back_ms = FELL_MS + 12 * HOUR_MS
    end_ms = back_ms + 24 * HOUR_MS
    points = [
        *street("c1", 10, START_MS, FELL_MS),
        *street("c1", 10, back_ms, end_ms)[: -len(life("c1-lamp-9", back_ms + 54 * MINUTE_MS, end_ms))],
        *street("c2", 10, START_MS, end_ms),
    ]
    tower.live(points, START_MS, FELL_MS + 2 * HOUR_MS)
    assert tower.live(points, FELL_MS + 2 * HOUR_MS, back_ms + 2 * HOUR_MS) == {"silence.circuit c1-cab"}
    assert tower.live(points, back_ms + 2 * HOUR_MS, end_ms) == {"silence.device c1-lamp-9"}


def test_a_lamp_that_was_heard_once_since_its_circuit_is_back_is_no_matter_of_its_own() -> None:
    """One uplink does not end a silence, and the next ones got lost: it is still the circuit's."""
    tower = Tower(town({"c1": 10, "c2": 10}))
    back_ms = FELL_MS + 12 * HOUR_MS
    end_ms = back_ms + 12 * HOUR_MS
    points = [
        *street("c1", 10, START_MS, FELL_MS),
        *street("c1", 9, back_ms, end_ms),
        *life("c1-lamp-9", back_ms, back_ms + MINUTE_MS),
        *life("c1-lamp-9", back_ms + 5 * HOUR_MS, end_ms),
        *street("c2", 10, START_MS, end_ms),
    ]
    tower.live(points, START_MS, back_ms + 70 * MINUTE_MS)
    assert tower.live(points, back_ms + 70 * MINUTE_MS, end_ms) == set()


def test_a_lamp_that_was_heard_once_and_never_again_is_found() -> None:
    """What is silent anew is its own matter."""
    tower = Tower(town({"c1": 10, "c2": 10}))
    back_ms = FELL_MS + 12 * HOUR_MS
    end_ms = back_ms + 12 * HOUR_MS
    points = [
        *street("c1", 10, START_MS, FELL_MS),
        *street("c1", 9, back_ms, end_ms),
        *life("c1-lamp-9", back_ms, back_ms + MINUTE_MS),
        *street("c2", 10, START_MS, end_ms),
    ]
    tower.live(points, START_MS, back_ms + 70 * MINUTE_MS)
    assert tower.live(points, back_ms + 70 * MINUTE_MS, end_ms) == {"silence.device c1-lamp-9"}


def test_a_lamp_that_was_heard_once_since_its_gateway_is_back_is_no_matter_of_its_own() -> None:
    """As with a circuit."""
    tower = Tower(town({"c1": 6, "c2": 6}))
    back_ms = FELL_MS + 12 * HOUR_MS
    end_ms = back_ms + 12 * HOUR_MS
    points = [
        *street("c1", 6, START_MS, FELL_MS, [G1]),
        *street("c2", 6, START_MS, FELL_MS, [G1]),
        *street("c1", 6, back_ms, end_ms, [G1]),
        *street("c2", 5, back_ms, end_ms, [G1]),
        *life("c2-lamp-5", back_ms, back_ms + MINUTE_MS, gateways=[G1]),
        *life("c2-lamp-5", back_ms + 5 * HOUR_MS, end_ms, gateways=[G1]),
        *life("bin-0", START_MS, end_ms, gateways=[G2]),
    ]
    tower.live(points, START_MS, back_ms)
    told = tower.live(points, back_ms + 70 * MINUTE_MS, end_ms)
    assert "silence.device c2-lamp-5" not in told


def test_a_lamp_that_was_dead_before_stays_its_own_matter() -> None:
    """It keeps its finding when its circuit fails, and has it still when that is back."""
    tower = Tower(town({"c1": 5, "c2": 5}))
    back_ms = FELL_MS + 12 * HOUR_MS
    points = [
        *life("c1-lamp-4", START_MS, START_MS + 8 * HOUR_MS),
        *street("c1", 4, START_MS, FELL_MS),
        *street("c1", 4, back_ms, back_ms + 24 * HOUR_MS),
        *street("c2", 5, START_MS, back_ms + 24 * HOUR_MS),
    ]
    tower.live(points, START_MS, FELL_MS)
    for now_ms in range(FELL_MS, back_ms + 24 * HOUR_MS, 30 * MINUTE_MS):
        tower.live(points, now_ms, now_ms + MINUTE_MS)
        assert tower.look(now_ms)["c1-lamp-4"] == "silence.device"
    assert "c1-cab" not in tower.look(back_ms + 24 * HOUR_MS)


def test_two_circuits_of_one_cabinet_are_one_matter() -> None:
    """Its main switch has fallen."""
    territory = town({"c1": 5, "c2": 5, "c3": 5})
    two = Territory(
        **{
            **territory.__dict__,
            "circuits": {
                **territory.circuits,
                "c2": territory.circuits["c2"].__class__(
                    "c2", "c1-cab", territory.circuits["c2"].supply, territory.circuits["c2"].calendar
                ),
            },
        }
    )
    tower = Tower(two)
    points = [
        *street("c1", 5, START_MS, FELL_MS),
        *street("c2", 5, START_MS, FELL_MS),
        *street("c3", 5, START_MS, FELL_MS + 24 * HOUR_MS),
    ]
    tower.live(points, START_MS, FELL_MS + 12 * HOUR_MS, every_ms=HOUR_MS)
    finding = tower.only()
    assert (finding.subject, dict(finding.facts)) == ("c1-cab", {"circuits": "c1, c2", "devices": 10})


def test_a_switched_circuit_by_day_is_no_circuit_without_supply() -> None:
    """Nor is one at dusk whose lamps start a quarter of an hour later than the sun says."""
    tower = Tower(town({"c1": 10, "c2": 10}, switched=["c1"], programme=EXTINCTION))
    points = street("c2", 10, at("2026-12-10 00:00"), at("2026-12-11 12:00"))
    for start, end in (("2026-12-10 05:10", "2026-12-10 08:15"), ("2026-12-10 17:10", "2026-12-10 23:00")):
        points += street("c1", 10, at(start), at(end))
    assert tower.live(points, at("2026-12-10 00:00"), at("2026-12-11 05:00")) == set()


def test_a_switched_circuit_that_gets_no_power_is_found_in_the_evening() -> None:
    """And stays found by day, when nobody can show the contrary."""
    tower = Tower(town({"c1": 10, "c2": 10}, switched=["c1"], programme=EXTINCTION))
    points = [
        *street("c2", 10, at("2026-12-10 00:00"), at("2026-12-12 00:00")),
        *street("c1", 10, at("2026-12-10 05:05"), at("2026-12-10 08:15")),
    ]
    assert tower.live(points, at("2026-12-10 00:00"), at("2026-12-10 17:00")) == set()
    assert tower.live(points, at("2026-12-10 17:00"), at("2026-12-10 19:00")) == {"silence.circuit c1-cab"}
    assert tower.live(points, at("2026-12-10 19:00"), at("2026-12-11 16:00")) == {"silence.circuit c1-cab"}
    assert tower.look(at("2026-12-11 16:00")) == {"c1-cab": "silence.circuit"}


# radio gateways


def test_a_gateway_that_no_uplink_names_is_one_matter() -> None:
    """Two circuits are heard by it alone and fall silent, others come by the second one: it is the radio."""
    tower = Tower(town({"c1": 10, "c2": 10, "c3": 10}))
    points = [
        *street("c1", 10, START_MS, FELL_MS, [G1]),
        *street("c2", 10, START_MS, FELL_MS, [G1]),
        *street("c3", 10, START_MS, FELL_MS + 48 * HOUR_MS, [G2]),
    ]
    assert tower.live(points, START_MS, FELL_MS + 47 * HOUR_MS) == {f"silence.gateway {G1}"}
    finding = tower.only()
    assert (finding.since_ms, finding.facts["devices"]) == (FELL_MS - 6 * MINUTE_MS, 20)


def test_a_gateway_whose_devices_have_another_is_missed_too() -> None:
    """Nobody is silent, but what used to be heard by both is heard by one."""
    tower = Tower(town({"c1": 10, "c2": 10}))
    points = [
        *street("c1", 10, START_MS, FELL_MS),
        *street("c2", 10, START_MS, FELL_MS),
        *street("c1", 10, FELL_MS, FELL_MS + 6 * HOUR_MS, [G2]),
        *street("c2", 10, FELL_MS, FELL_MS + 6 * HOUR_MS, [G2]),
    ]
    ever = tower.live(points, START_MS, FELL_MS + HOUR_MS)
    assert ever == {f"silence.gateway {G1}"}
    points += street("c1", 10, FELL_MS + 6 * HOUR_MS, FELL_MS + 7 * HOUR_MS)
    tower.live(points, FELL_MS + HOUR_MS, FELL_MS + 7 * HOUR_MS)
    assert tower.look(FELL_MS + 7 * HOUR_MS) == {}


def test_a_gateway_stays_silent_when_nobody_remembers_it() -> None:
    """Longer than uplinks are kept, and over a restart of the watch that is told what held."""
    tower = Tower(town({"c1": 10, "c2": 10}))
    points = [
        *street("c1", 10, START_MS, FELL_MS),
        *street("c2", 10, START_MS, FELL_MS),
        *street("c1", 10, FELL_MS, FELL_MS + 72 * HOUR_MS, [G2]),
        *street("c2", 10, FELL_MS, FELL_MS + 72 * HOUR_MS, [G2]),
    ]
    tower.live(points, START_MS, FELL_MS + 71 * HOUR_MS, every_ms=HOUR_MS)
    held = tower.only()
    assert held.subject == G1
    again = Tower(tower.territory, [held])
    again.take([point for point in points if point.time_us // 1000 > FELL_MS + 40 * HOUR_MS])
    assert again.look(FELL_MS + 71 * HOUR_MS) == {G1: "silence.gateway"}


def test_one_circuit_without_supply_is_not_its_gateway() -> None:
    """A gateway that one circuit alone was heard by: the supply of the circuit is the nearer cause."""
    tower = Tower(town({"c1": 10, "c2": 10}))
    points = [
        *street("c1", 10, START_MS, FELL_MS, [G1]),
        *street("c2", 10, START_MS, FELL_MS + 24 * HOUR_MS, [G2]),
    ]
    assert tower.live(points, START_MS, FELL_MS + 23 * HOUR_MS) == {"silence.circuit c1-cab"}


# sites


def test_a_site_that_goes_and_comes_back_with_a_backlog_is_one_matter() -> None:
    """Nothing but the site is told of, from its last will until its backlog is in, though all its devices were silent
    for hours; then all is well."""
    tower = Tower(town({"c1": 10, "c2": 10}, bins=3))
    up_ms, end_ms = FELL_MS + 10 * HOUR_MS, FELL_MS + 24 * HOUR_MS
    done_ms = up_ms + HOUR_MS
    uplinks = [*street("c1", 10, START_MS, end_ms), *street("c2", 10, START_MS, end_ms)]
    for number in range(3):
        uplinks += life(f"bin-{number}", START_MS + number * MINUTE_MS, end_ms)
    before = [point for point in uplinks if point.time_us // 1000 < FELL_MS]
    ever = tower.live([*before, *reports(START_MS, FELL_MS), will(FELL_MS + MINUTE_MS)], START_MS, up_ms)
    assert ever == {f"silence.site {SITE_ID}"}
    back = reports(up_ms, done_ms, spooled=4_000.0, uptime_s=1e6)
    ever = tower.live(back, up_ms, done_ms)
    assert ever == {f"silence.site {SITE_ID}"}
    late = [point for point in uplinks if FELL_MS <= point.time_us // 1000 < done_ms]
    tower.take(list(reversed(late)))
    live = [point for point in uplinks if point.time_us // 1000 >= done_ms]
    assert tower.live([*live, *reports(done_ms, end_ms, uptime_s=1e6)], done_ms, end_ms) == set()


def test_after_a_power_cut_the_devices_get_their_time() -> None:
    """What they said meanwhile is lost: they have as long as if it had not been; who stays silent is told of then."""
    tower = Tower(town({"c1": 10, "c2": 10}))
    up_ms, end_ms = FELL_MS + 10 * HOUR_MS, FELL_MS + 34 * HOUR_MS
    points = [
        *street("c1", 10, START_MS, FELL_MS),
        *street("c2", 10, START_MS, FELL_MS),
        *reports(START_MS, FELL_MS),
        will(FELL_MS + MINUTE_MS),
        boot(up_ms, "boot-2", alive_ms=float(FELL_MS), watchdog=False),
        *reports(up_ms, end_ms, boot="boot-2", uptime_s=1.0),
        *street("c1", 10, up_ms, end_ms),
        *street("c2", 9, up_ms, end_ms),
    ]
    ever = tower.live(points, START_MS, up_ms + 4 * HOUR_MS)
    assert ever == {f"silence.site {SITE_ID}"}
    assert tower.live(points, up_ms + 4 * HOUR_MS, end_ms) == {"silence.device c2-lamp-9"}


def test_a_site_whose_devices_are_all_silent_is_one_matter_though_it_reports() -> None:
    """Its edge is well and hears nobody any more, by any of its gateways."""
    tower = Tower(town({"c1": 10, "c2": 10}, bins=3))
    points = [*street("c1", 10, START_MS, FELL_MS), *street("c2", 10, START_MS, FELL_MS)]
    for number in range(3):
        points += life(f"bin-{number}", START_MS + number * MINUTE_MS, FELL_MS)
    points += reports(START_MS, FELL_MS + 24 * HOUR_MS)
    ever = tower.live(points, START_MS, FELL_MS + 23 * HOUR_MS)
    assert tower.look(FELL_MS + 23 * HOUR_MS) == {SITE_ID: "silence.site"}
    assert ever == {f"silence.site {SITE_ID}"}


def test_a_site_that_hears_one_device_is_not_deaf() -> None:
    """Its only circuit has no supply; a counter elsewhere, that was lost for half an hour, still speaks."""
    tower = Tower(town({"c1": 20}, bins=1))
    back_ms = FELL_MS + 2 * HOUR_MS
    points = [*street("c1", 20, START_MS, FELL_MS), *street("c1", 20, back_ms, back_ms + 3 * HOUR_MS)]
    spoken = life("bin-0", START_MS, back_ms + 3 * HOUR_MS, every_ms=10 * MINUTE_MS)
    points += [one for one in spoken if not FELL_MS - 5 * MINUTE_MS < one.time_us // 1000 < FELL_MS + 25 * MINUTE_MS]
    assert tower.live(points, START_MS, back_ms + 3 * HOUR_MS) == {"silence.circuit c1-cab"}
    assert tower.look(back_ms + 3 * HOUR_MS) == {}


def test_a_new_town_is_not_silent_before_it_could_speak() -> None:
    """Its devices are declared for years; they have their time from the first that is heard of their site."""
    tower = Tower(town({"c1": 10}, bins=2))
    assert tower.look(START_MS) == {}
    told = reports(START_MS, START_MS + 12 * HOUR_MS)
    assert tower.live(told, START_MS, START_MS + 5 * HOUR_MS) == set()
    assert tower.live(told, START_MS + 5 * HOUR_MS, START_MS + 12 * HOUR_MS) == {
        "silence.circuit c1-cab",
        "silence.device bin-0",
        "silence.device bin-1",
    }


def test_other_findings_stay_as_they_are() -> None:
    """Only silence is folded."""
    tower = Tower(town({"c1": 2}))
    other = Finding("bin.full", Severity.NOTICE, "ccpvm", "88383", About.ASSET, "bin-0", START_MS)
    assert tower.groups.fold({other.key: other}, tower.watchman, tower.sites, START_MS) == {other.key: other}


def test_ten_thousand_at_once_are_folded_in_half_a_second() -> None:
    """A region's evening: 250 circuits of 40 lamps fall silent between two looks, and become as many findings."""
    circuits = {f"c{number}": 40 for number in range(250)}
    tower = Tower(town({**circuits, **{f"d{number}": 40 for number in range(50)}}))
    for circuit in circuits:
        tower.take(street(circuit, 40, FELL_MS - 3 * HOUR_MS, FELL_MS))
    for number in range(50):
        tower.take(street(f"d{number}", 40, FELL_MS - 3 * HOUR_MS, FELL_MS + 8 * HOUR_MS))
    tower.look(FELL_MS)
    now_ms = FELL_MS + 7 * HOUR_MS
    found = tower.watchman.look(now_ms).findings
    assert len(found) == 10_000
    begun_s = process_time()
    folded = tower.groups.fold(found, tower.watchman, tower.sites, now_ms)
    spent_s = process_time() - begun_s
    assert {key.kind for key in folded} == {"silence.circuit"}
    assert len(folded) == 250
    assert spent_s < 2.0, "half a second on a core of its own; this may be a busy machine"
    begun_s = process_time()
    assert tower.groups.fold(found, tower.watchman, tower.sites, now_ms + 1000) == folded
    assert process_time() - begun_s < 1.0


def test_the_uplink_that_comes_first_after_a_gap_is_not_the_last_word() -> None:
    """A circuit that flickers for an hour is one matter until it is well."""
    tower = Tower(town({"c1": 10, "c2": 10}))
    back_ms = FELL_MS + 8 * HOUR_MS
    points = [*street("c1", 10, START_MS, FELL_MS), *street("c2", 10, START_MS, back_ms + 2 * HOUR_MS)]
    points += [uplink(f"c1-lamp-{number}", back_ms + number * 1000, 0, session="2") for number in range(10)]
    tower.live(points, START_MS, back_ms)
    assert tower.look(back_ms + MINUTE_MS) == {"c1-cab": "silence.circuit"}
