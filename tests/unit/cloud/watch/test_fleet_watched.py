"""Devices as a fleet: what the radio loses, how well it is heard and by whom, and what their batteries have left."""

from collections.abc import Sequence
from random import Random

import msgspec
import pytest

from cloud.stores.base import Point
from cloud.watch.detectors.battery import BATTERIES, BatteryDetector
from cloud.watch.detectors.radio import RadioDetector
from cloud.watch.heard import Heard
from cloud.watch.link import Frame, Step, margin_db, step_to, steps
from cloud.watch.model import About, Finding
from cloud.watch.rollups.fleet import GATEWAY_FIELDS, FleetRollup, derive_gateway, gateway_hours
from cloud.watch.watchman import Watchman
from core.model import Domain
from tests.support.watch_scene import DEVICES, HOUR, MINUTE, T0, point, territory, watched

ROLLUP = FleetRollup()
LAMP = watched("lamp")
A, B = "00000000000000aa", "00000000000000bb"


def heard(
    f_cnt: int, *, hour: float | None = None, sf: int = 7, snr_db: float | None = 5.0, session: str = "s"
) -> Heard:
    at_ms = T0 + round(HOUR * (f_cnt if hour is None else hour))
    return Heard(at_ms, DEVICES["lamp"], "remiremont", session, f_cnt, sf, -90, snr_db, (A,))


def uplink(
    f_cnt: int, *, minute: float, gateways: Sequence[tuple[str, float]] = ((A, 5.0),), session: str = "s"
) -> Point:
    receptions = [{"gateway": eui, "rssi_dbm": -100, "snr_db": snr_db} for eui, snr_db in gateways]
    row = {"kind": "uplink", "f_cnt": f_cnt, "dev_addr": session, "spreading_factor": 10, "receptions": receptions}
    fields = {"key": str(f_cnt), "origin": "remiremont/1/measurement/1/b", "row": msgspec.json.encode(row).decode()}
    return point("uplink", "lamp", T0 + round(minute * MINUTE), fields)


# what lies between two uplinks


@pytest.mark.parametrize(
    ("before", "session", "f_cnt", "step", "lost"),
    [
        (Frame("s", 10), "s", 11, Step.NEXT, 0),
        (Frame("s", 10), "s", 14, Step.NEXT, 3),
        (Frame("s", 10), "s", 10, Step.SAME, 0),
        (Frame("s", 60), "s", 58, Step.LATE, 0),
        (Frame("s", 60_000), "s", 0, Step.NEXT, 5535),  # 16 bits passed their end, and much was lost
        (Frame("s", 65_534), "s", 1, Step.NEXT, 2),  # 16 bits passed their end
        (Frame("s", 65_535), "s", 65_536, Step.NEXT, 0),  # 32 bits went on
        (Frame("s", 500), "s", 0, Step.ANEW, 0),  # a fixed address started again
        (Frame("s", 5), "s", 0, Step.ANEW, 0),
        (Frame("s", 10), "t", 40, Step.ANEW, 0),  # it joined anew
        (Frame("s", 10), "s", 30_000, Step.ANEW, 0),  # more than a session survives
        (None, "s", 7, Step.ANEW, 0),
    ],
)
def test_what_lies_between_two_uplinks(before: Frame | None, session: str, f_cnt: int, step: Step, lost: int) -> None:
    """Gaps are losses; restarts, joins, wraps, copies and late ones are none."""
    passed = step_to(before, session, f_cnt)
    assert (passed.step, passed.lost) == (step, lost)


def test_another_sensor_is_another_session() -> None:
    """Two devices of one asset, one after the other, may even share an address."""
    one, two = heard(10), msgspec.structs.replace(heard(90), device="0" * 16)
    assert [passed.step for passed in steps([one, two])] == [Step.ANEW]


@pytest.mark.parametrize(("sf", "floor_db"), [(7, -7.5), (8, -10), (9, -12.5), (10, -15), (11, -17.5), (12, -20)])
def test_the_margin_is_what_is_above_the_floor(sf: int, floor_db: float) -> None:
    """Of the spreading factor, as the chip's maker gives it."""
    assert margin_db(heard(1, sf=sf, snr_db=floor_db + 4)) == 4
    assert margin_db(heard(1, sf=sf, snr_db=None)) is None
    assert margin_db(heard(1, sf=0)) is None


# weak radios


def radio(seen: Sequence[Heard], **constants: float) -> Finding | None:
    one = watched("lamp", territory(**constants)) if constants else LAMP
    found = RadioDetector().judge(seen, one, T0 + 1000 * HOUR).findings
    return found[0] if found else None


def test_a_radio_that_is_well_is_not_spoken_of() -> None:
    """Nothing lost, or one in six; and it is heard well."""
    assert radio([heard(at) for at in range(100, 116)]) is None
    assert radio([heard(at) for at in (*range(100, 108), *range(109, 115), 116, 117)]) is None


def test_a_radio_that_loses_every_second_uplink_is_weak() -> None:
    """Said of the device, with the figure."""
    found = radio([heard(at) for at in range(100, 132, 2)])
    assert found is not None
    assert (found.kind, found.about, found.subject) == ("device.radio_weak", About.DEVICE, DEVICES["lamp"])
    assert found.facts == {"asset": "lamp", "radio_loss_pct": 100.0}
    assert found.or_earlier


def test_a_tenth_lost_is_not_weak_by_chance() -> None:
    """In as many windows as 400 devices have in a month, none passes half of the steps but by a rare chance."""
    chance, weak = Random(7), 0
    for _ in range(8000):
        seen = [heard(at) for at in range(100, 140) if chance.random() >= 0.1][:16]
        weak += radio(seen) is not None
    assert weak <= 2


def test_a_hole_is_one_step() -> None:
    """A gateway that was out for hours, or a reset, is not a weak radio."""
    assert radio([heard(at) for at in (*range(100, 108), *range(150, 158))]) is None
    assert radio([heard(at, hour=at) for at in range(500, 508)] + [heard(at, hour=600 + at) for at in range(8)]) is None
    wrapped = [*range(65_528, 65_536), *range(8)]
    assert radio([heard(f_cnt, hour=at) for at, f_cnt in enumerate(wrapped)]) is None


def test_late_and_repeated_uplinks_are_no_loss() -> None:
    """What overtook is taken back when the overtaken comes; a copy is nothing."""
    pairs = [f_cnt for at in range(100, 130, 2) for f_cnt in (at + 1, at)]
    assert radio([heard(f_cnt, hour=at) for at, f_cnt in enumerate(pairs)]) is None
    twice = [f_cnt for at in range(100, 110) for f_cnt in (at, at)]
    assert radio([heard(f_cnt, hour=at) for at, f_cnt in enumerate(twice)]) is None


def test_copies_do_not_hide_a_loss() -> None:
    """Six of nine steps lost something: as many copies beside them change nothing."""
    f_cnts = [100, 100, 102, 102, 104, 104, 106, 106, 108, 108, 110, 110, 112, 113, 114, 115]
    found = radio([heard(f_cnt, hour=at) for at, f_cnt in enumerate(f_cnts)])
    assert found is not None
    assert found.facts["radio_loss_pct"] == pytest.approx(200 / 3)


def test_a_radio_without_margin_is_weak() -> None:
    """At the limit of its spreading factor, whichever it is."""
    found = radio([heard(at, sf=12, snr_db=-18.0) for at in range(100, 116)])
    assert found is not None
    assert found.facts["radio_margin_db"] == 2.0
    assert radio([heard(at, sf=12, snr_db=-12.0) for at in range(100, 116)]) is None
    assert (
        radio([heard(at, sf=12, snr_db=-18.0) for at in range(100, 116)], radio_margin_db=1, radio_hysteresis_db=0)
        is None
    )


def test_one_bad_reception_is_no_verdict() -> None:
    """The median of what is kept counts."""
    assert radio([heard(at, snr_db=-7.0 if at in (103, 107) else 5.0) for at in range(100, 116)]) is None


def test_in_its_band_a_margin_is_what_it_was() -> None:
    """Between the limit and its band the older three quarters decide."""
    worse = [heard(at, snr_db=-5.5) for at in range(100, 107)]  # 2 dB of margin
    better = [heard(at, snr_db=-3.5) for at in range(107, 116)]  # 4 dB
    assert radio([*worse, *better]) is not None
    assert radio([*worse[1:], *better, heard(116, snr_db=-3.5)]) is None


def test_few_uplinks_say_nothing() -> None:
    """Nor do those of the sensor that was there before."""
    assert radio([heard(at, snr_db=-7.0) for at in range(100, 107)]) is None
    assert radio([msgspec.structs.replace(heard(at, snr_db=-7.0), device="0" * 16) for at in range(100, 116)]) is None


def test_the_short_way_says_what_the_long_way_says() -> None:
    """Whatever was lost and however it was heard: a radio that is found well at a glance is well."""
    chance = Random(1)
    detector = RadioDetector()
    for _ in range(3000):
        loss, snr_db = chance.choice([0.0, 0.1, 0.3, 0.5, 0.7]), chance.uniform(-8, 3)
        f_cnts = [at for at in range(100, 160) if chance.random() >= loss][: chance.randint(9, 16)]
        seen = [heard(at, snr_db=snr_db + chance.gauss(0, 2)) for at in f_cnts]
        found = detector.judge(seen, LAMP, T0).findings
        odd = [msgspec.structs.replace(seen[0], snr_db=None), *seen[1:]]  # one that nobody described: the long way
        if not found:
            assert not [one for one in detector.judge(odd, LAMP, T0).findings if "radio_loss_pct" in one.facts]


# hours


def hours(points: Sequence[Point], before: dict[str, float] | None = None) -> dict[str, float]:
    made = ROLLUP.hour(sorted(points, key=lambda one: one.time_us), before or {}, LAMP, T0)
    assert made.keys() <= ROLLUP.fields.keys()
    return made


def test_an_hour_of_uplinks() -> None:
    """Heard, lost, margin, gateways, and where the counter stands."""
    made = hours([uplink(10, minute=1), uplink(13, minute=30, gateways=[(A, 0.0), (B, 2.0)])])
    assert (made["uplinks_count"], made["lost_count"]) == (2, 2)
    assert (made["margin_sum_db"], made["margin_min_db"]) == (20 + 17, 17)
    assert (made["receptions_count"], made["sole_count"], made["f_cnt"]) == (3, 1, 13)
    assert ROLLUP.derive(made) == {"lost_pct": 50, "gateways_mean": 1.5, "margin_mean_db": 18.5}


def test_what_lies_between_two_hours_is_counted_in_the_later() -> None:
    """From where the counter of the hour before stood; of another session, nothing."""
    before = hours([uplink(10, minute=1)])
    assert hours([uplink(14, minute=61)], before)["lost_count"] == 3
    assert hours([uplink(14, minute=61, session="t")], before)["lost_count"] == 0
    assert hours([uplink(14, minute=61)])["lost_count"] == 0


def test_what_was_overtaken_is_no_loss() -> None:
    """It was missed for a moment, and came."""
    made = hours([uplink(f_cnt, minute=at) for at, f_cnt in enumerate((30, 33, 31, 34))])
    assert (made["uplinks_count"], made["lost_count"], made["f_cnt"]) == (4, 1, 34)


def test_a_copy_is_no_second_uplink() -> None:
    """It came by another gateway after the network server's window: one uplink, heard by both."""
    made = hours([uplink(10, minute=1), uplink(10, minute=1.01, gateways=[(B, 9.0)])])
    assert (made["uplinks_count"], made["receptions_count"], made["sole_count"]) == (1, 2, 0)
    assert made["margin_sum_db"] == 24, "the better of both"


def test_rows_that_cannot_be_read_are_no_hour() -> None:
    """No zero where nothing is known."""
    assert hours([point("uplink", "lamp", T0, {"key": "k", "row": "{"})]) == {}


def test_the_share_of_a_gateway() -> None:
    """Of what its edge had; what would be lost without it; a copy counts once."""
    points = [
        uplink(1, minute=1, gateways=[(A, 5.0), (B, 3.0)]),
        uplink(2, minute=2, gateways=[(B, 3.0)]),
        uplink(2, minute=2.01, gateways=[(A, 1.0)]),
        uplink(3, minute=3, gateways=[(A, 5.0)]),
        uplink(4, minute=4, gateways=[(B, 5.0)]),
    ]
    made = gateway_hours(points)
    assert made[A] == {"heard_count": 3, "best_count": 2, "sole_count": 1, "offered_count": 4, "devices_count": 1}
    assert made[B] == {"heard_count": 3, "best_count": 2, "sole_count": 1, "offered_count": 4, "devices_count": 1}
    assert made[A].keys() == GATEWAY_FIELDS.keys()
    assert derive_gateway(made[A]) == pytest.approx({"heard_pct": 75, "best_pct": 200 / 3, "sole_pct": 100 / 3})
    assert derive_gateway({}) == {}


def test_a_gateway_that_nobody_named_is_none() -> None:
    """An uplink without receptions counts for its edge's total alone."""
    made = gateway_hours([uplink(1, minute=1), uplink(2, minute=2, gateways=[])])
    assert set(made) == {A}
    assert made[A]["offered_count"] == 2


# batteries

BIN = BATTERIES[0]


def charges(*told: dict[str, float | str], every_h: float = 1.0) -> list[Point]:
    return [point("bin", "bin", T0 + round(at * every_h * HOUR), one) for at, one in enumerate(told)]


def battery(points: Sequence[Point], detector: BatteryDetector = BIN, asset: str = "bin") -> Finding | None:
    seen = [told for one in points if (told := detector.read(one)) is not None]
    found = detector.judge(seen, watched(asset), T0 + 1000 * HOUR).findings
    return found[0] if found else None


def percent(*told: float) -> list[Point]:
    return charges(*({"battery_pct": float(one)} for one in told))


def test_a_battery_is_low_when_the_best_of_a_day_is() -> None:
    """Said of the device, with what it has left and since when."""
    found = battery(percent(*[16] * 10, *[15] * 30))
    assert found is not None
    assert (found.kind, found.about, found.subject) == ("device.battery_low", About.DEVICE, DEVICES["bin"])
    assert found.facts == {"asset": "bin", "battery_pct": 15}
    assert battery(percent(*[30] * 20, *[15] * 30)).since_ms == T0 + 20 * HOUR  # type: ignore[union-attr]


def test_a_cold_night_is_no_low_battery() -> None:
    """It is well again by day; nor is one reading, nor two."""
    night = [17] * 14 + [13] * 10
    assert battery(percent(*night, *night)) is None
    assert battery(percent(12, 12)) is None
    assert battery(percent(40, 40, 40, 12)) is None


def test_a_low_battery_stays_low_in_its_band() -> None:
    """A warm day lifts it by a few points: it is what it was; 5 points are a new battery."""
    assert battery(percent(*[14] * 30, *[17] * 20)) is not None
    assert battery(percent(*[14] * 30, *[17] * 20, 20)) is None
    assert battery(percent(*[17] * 48)) is None


def test_a_cell_is_low_by_its_volts() -> None:
    """Whoever measures them; a supply of 12 V is the mains."""
    detector = BATTERIES[1]

    def volts(name: str, *told: float) -> list[Point]:
        return [point("traffic", "counter", T0 + at * 15 * MINUTE, {name: one}) for at, one in enumerate(told)]

    for name in ("battery_v", "supply_v"):
        found = battery(volts(name, *[3.3] * 9), detector, "counter")
        assert found is not None
        assert found.facts["battery_v"] == 3.3
        assert battery(volts(name, *[3.3] * 8, 3.8, 3.3), detector, "counter") is None
    assert detector.read(volts("supply_v", 12.0)[0]) is None
    assert detector.read(point("traffic", "counter", T0, {"vehicles_count": 1.0}, "ltr")) is None


def test_the_devices_own_word_counts_where_it_says_no_more() -> None:
    """A whole day of it; with a percentage beside it, the declared threshold decides."""
    raised, clear = {"battery_alert": "raised"}, {"battery_alert": "clear"}
    assert battery(charges(*[raised] * 14, every_h=2)) is not None
    assert battery(charges(*[raised] * 8, clear, *[raised] * 4, every_h=2)) is None
    assert battery(charges(*[raised] * 8, clear, every_h=2)) is None
    assert battery(charges(*[{"battery_alert": "raised", "battery_pct": 60.0}] * 14)) is None


def test_a_device_that_speaks_once_a_day_is_judged_by_its_last_three() -> None:
    """A day has too few readings of it."""
    assert battery(charges(*[{"battery_pct": 10.0}] * 4, every_h=24)) is not None
    assert battery(charges({"battery_pct": 50.0}, {"battery_pct": 10.0}, {"battery_pct": 10.0}, every_h=24)) is None


def test_the_battery_of_the_sensor_before_is_forgotten() -> None:
    """What the old one told says nothing of the new."""
    seen = [told for one in percent(*[10] * 30) if (told := BIN.read(one)) is not None]
    one = msgspec.structs.replace(watched("bin"), since_ms=seen[-2].at_ms)
    assert not BIN.judge(seen, one, T0 + 1000 * HOUR).findings


def test_whose_batteries_are_watched() -> None:
    """Bins' by their points, counters' by theirs; a lamp has none."""
    assert [detector.measurement for detector in BATTERIES] == [Domain.BIN, Domain.TRAFFIC]
    assert [[one.concerns(watched(asset)) for asset in ("bin", "counter", "lamp")] for one in BATTERIES] == [
        [True, False, False],
        [False, True, False],
    ]


@pytest.mark.parametrize("seed", range(10))
def test_whatever_the_order_a_radio_is_as_weak(seed: int) -> None:
    """Late, double and shuffled uplinks, told in several turns."""
    chance = Random(seed)
    points = [uplink(at, minute=60 * at) for at in range(100, 140) if chance.random() > 0.5]
    now_ms = T0 + 140 * HOUR
    straight = Watchman(territory(), [RadioDetector()], now_ms=T0)
    straight.take(points)
    expected = straight.look(now_ms).findings
    told = [*points, *chance.choices(points, k=8)]
    chance.shuffle(told)
    watchman = Watchman(territory(), [RadioDetector()], now_ms=T0)
    watchman.take(told)
    assert watchman.look(now_ms).findings == expected
