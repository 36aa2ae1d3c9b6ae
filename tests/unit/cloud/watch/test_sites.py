"""A site that is away: at once by its last will, why when it is back, and what of its devices' silence it explains."""

from collections.abc import Sequence
from random import Random

import pytest

from cloud.stores.base import Point
from cloud.watch.model import Finding
from cloud.watch.sites import CLOCK, KIND, Sites
from core.territory import OPERATOR, Territory
from tests.support.watched_town import HOUR_MS, MINUTE_MS, SITE_ID, at, boot, report, reports, town, will

START_MS = at("2026-11-10 00:00")
DOWN_MS, UP_MS = START_MS + 2 * HOUR_MS, START_MS + 6 * HOUR_MS
TOWN = town(bins=1)


def sites(points: Sequence[Point], territory: Territory = TOWN) -> Sites:
    made = Sites(territory)
    made.take(points)
    return made


def found(points: Sequence[Point], now_ms: int, kind: str = KIND) -> Finding | None:
    findings = [finding for finding in sites(points).findings(now_ms).values() if finding.kind == kind]
    assert len(findings) <= 1
    return findings[0] if findings else None


def outage(*, back: str = "boot-1", uptime_s: float = 10 * 3600.0) -> list[Point]:
    """Reports, a last will after 90 s, and four hours later reports again."""
    return [
        *reports(START_MS, DOWN_MS),
        will(DOWN_MS + 30_000),
        *reports(UP_MS, UP_MS + HOUR_MS, boot=back, uptime_s=uptime_s),
    ]


def test_a_last_will_is_told_at_once() -> None:
    """It began with the last report before it."""
    points = outage()[:121]
    assert found(points[:-1], DOWN_MS + 30_000) is None
    told = found(points, DOWN_MS + 30_000)
    assert told is not None
    assert (told.subject, told.since_ms, dict(told.facts)) == (SITE_ID, DOWN_MS - MINUTE_MS, {})


def test_the_same_boot_whose_agent_ran_on_was_cut_off() -> None:
    """Backhaul: told when it is back, and for a while, so that it is seen."""
    told = found(outage(), UP_MS + MINUTE_MS)
    assert told is not None
    assert dict(told.facts) == {"cause": "backhaul", "returned_ms": UP_MS}
    assert found(outage(), UP_MS + 6 * MINUTE_MS) is None


def test_another_agent_of_the_same_boot_is_the_hosts() -> None:
    """The machine ran on, the agent did not."""
    told = found(outage(uptime_s=5.0), UP_MS + MINUTE_MS)
    assert told is not None
    assert told.facts["cause"] == "host"


@pytest.mark.parametrize(
    ("alive_ms", "watchdog", "cause"),
    [
        (DOWN_MS - 20_000, False, "power"),
        (DOWN_MS - 20_000, True, "host"),
        (DOWN_MS + 2 * HOUR_MS, False, "backhaul"),
    ],
)
def test_another_boot_tells_how_the_one_before_it_ended(alive_ms: int, watchdog: bool, cause: str) -> None:
    """It stopped with the link: power, or a watchdog saw it hang; it wrote on for hours: the line went first."""
    points = outage(back="boot-2", uptime_s=5.0)
    told = found(points, UP_MS + MINUTE_MS)
    assert told is not None
    assert "cause" not in told.facts, "its boot event comes with the rows"
    event = boot(UP_MS - 20_000, "boot-2", alive_ms=float(alive_ms), watchdog=watchdog)
    told = found([*points, event], UP_MS + MINUTE_MS)
    assert told is not None
    assert told.facts["cause"] == cause


def test_who_says_goodbye_may_be_back_in_a_moment() -> None:
    """An upgrade is no outage; a host that is shut down for hours is one, of its own."""
    goodbye = report(DOWN_MS, state="offline")
    points = [*reports(START_MS, DOWN_MS), goodbye]
    assert found(points, DOWN_MS + 4 * MINUTE_MS) is None
    assert found(points, DOWN_MS + 5 * MINUTE_MS) is not None
    soon = [*points, *reports(DOWN_MS + 2 * MINUTE_MS, DOWN_MS + HOUR_MS, uptime_s=5.0)]
    assert found(soon, DOWN_MS + 3 * MINUTE_MS) is None
    late = [*points, *reports(UP_MS, UP_MS + HOUR_MS, boot="boot-2", uptime_s=5.0)]
    told = found(late, UP_MS + MINUTE_MS)
    assert told is not None
    assert told.facts["cause"] == "host"


def test_a_line_that_comes_and_goes_is_one_matter() -> None:
    """It began when it went for the first time, and holds until it stays."""
    points = [*reports(START_MS, DOWN_MS)]
    at_ms = DOWN_MS
    for _ in range(10):
        points += [will(at_ms + 30_000), report(at_ms + 2 * MINUTE_MS)]
        at_ms += 3 * MINUTE_MS
    for minute in range(1, 30):
        told = found(points, DOWN_MS + minute * MINUTE_MS)
        assert told is not None
        assert told.since_ms == DOWN_MS - MINUTE_MS
    assert found(points, at_ms + 6 * MINUTE_MS) is None


def test_a_site_without_a_last_will_is_missed_while_others_report() -> None:
    """Its reports ended, the worker's own go on: silent after ten minutes. Nobody's came: that says nothing of it."""
    alone = reports(START_MS, DOWN_MS)
    assert found(alone, DOWN_MS + HOUR_MS) is None
    others = [*alone, *reports(START_MS, UP_MS, site="worker")]
    assert found(others, DOWN_MS + 5 * MINUTE_MS) is None
    told = found(others, UP_MS)
    assert told is not None
    assert told.since_ms == DOWN_MS - MINUTE_MS
    back = [*others, *reports(UP_MS, UP_MS + HOUR_MS)]
    told = found(back, UP_MS + MINUTE_MS)
    assert told is not None
    assert told.facts["returned_ms"] == UP_MS


def test_a_site_that_does_not_reach_its_network_server_is_deaf() -> None:
    """It is there and hears nobody: told when it lasts."""
    points = [*reports(START_MS, DOWN_MS), *reports(DOWN_MS, UP_MS, source_connected=False)]
    assert found(points, DOWN_MS + 10 * MINUTE_MS) is None
    told = found(points, DOWN_MS + 20 * MINUTE_MS)
    assert told is not None
    assert (told.since_ms, dict(told.facts)) == (DOWN_MS, {"cause": "network_server"})


def test_a_clock_that_was_never_set_is_told_when_it_is_wrong() -> None:
    """Ours is right; a clock that nobody disciplines but that agrees with it is no matter."""
    right = reports(START_MS, UP_MS, clock="unsynced")
    assert found(right, UP_MS, CLOCK) is None
    wrong = [
        report(at_ms, clock="unsynced", at_ms=at_ms - 3.0 * HOUR_MS) for at_ms in range(START_MS, UP_MS, MINUTE_MS)
    ]
    told = found(wrong, UP_MS, CLOCK)
    assert told is not None
    assert told.since_ms == START_MS


def test_the_operators_copy_is_the_same_report() -> None:
    """A site's report is written to two databases: it counts once, and a worker's own is no site's."""
    points = outage()
    twice = sites([*points, *points, *reports(START_MS, UP_MS, site="beffroi-cloud")])
    assert twice.findings(UP_MS + MINUTE_MS) == sites(points).findings(UP_MS + MINUTE_MS)
    assert {finding.database for finding in twice.findings(UP_MS + MINUTE_MS).values()} == {TOWN.sites[SITE_ID].tenant}
    assert OPERATOR not in {key.database for key in twice.findings(UP_MS + MINUTE_MS)}


@pytest.mark.parametrize("seed", range(10))
def test_the_order_in_which_reports_come_changes_nothing(seed: int) -> None:
    """Late, double and in any order: the same findings, then and later."""
    points = [*outage(back="boot-2"), boot(UP_MS, "boot-2", alive_ms=float(DOWN_MS), watchdog=False)]
    shuffled = [*points, *Random(seed).choices(points, k=50)]
    Random(seed).shuffle(shuffled)
    expected, other = sites(points), sites(shuffled)
    for now_ms in (UP_MS + MINUTE_MS, UP_MS + 4 * MINUTE_MS, UP_MS + HOUR_MS):
        assert other.findings(now_ms) == expected.findings(now_ms)


def test_weeks_of_reports_keep_what_was_before_them() -> None:
    """What is kept of reports is bounded; a site that is deaf for a week is deaf since a week."""
    points = [*reports(START_MS, DOWN_MS), *reports(DOWN_MS, DOWN_MS + 168 * HOUR_MS, source_connected=False)]
    told = found(points, DOWN_MS + 168 * HOUR_MS)
    assert told is not None
    assert told.since_ms == DOWN_MS


# what it explains


def explains(points: Sequence[Point], *, heard_ms: int, now_ms: int) -> bool:
    silent_ms = heard_ms + 5 * HOUR_MS + 15 * MINUTE_MS
    return silent_ms <= now_ms and sites(points).explains(
        SITE_ID, since_ms=heard_ms, silent_ms=silent_ms, now_ms=now_ms
    )


def test_devices_of_a_site_that_is_away_are_not_silent_themselves() -> None:
    """What would be silent while it is away is its matter; what was silent before is not."""
    points = outage()[:121]
    assert explains(points, heard_ms=DOWN_MS - 30 * MINUTE_MS, now_ms=DOWN_MS + 9 * HOUR_MS)
    assert not explains(points, heard_ms=DOWN_MS - 6 * HOUR_MS, now_ms=DOWN_MS + 9 * HOUR_MS)


def test_after_an_outage_the_backlog_is_waited_for() -> None:
    """While a site delivers what it kept, nothing is silent by what may be in it; then it is."""
    heard_ms = START_MS + HOUR_MS
    away = [*reports(START_MS, DOWN_MS), will(DOWN_MS + 30_000)]
    delivering = [*away, *reports(UP_MS, UP_MS + 2 * HOUR_MS, spooled=5_000.0, uptime_s=1e6)]
    done_ms = UP_MS + 2 * HOUR_MS
    delivered = [*delivering, *reports(done_ms, done_ms + HOUR_MS, uptime_s=1e6)]
    assert explains(delivering, heard_ms=heard_ms, now_ms=done_ms)
    assert explains(delivered, heard_ms=heard_ms, now_ms=done_ms + MINUTE_MS)
    assert not explains(delivered, heard_ms=heard_ms, now_ms=done_ms + 3 * MINUTE_MS)


def test_a_backlog_that_never_ends_hides_nobody_for_ever() -> None:
    """Rows that a store refuses for weeks: after a day the devices speak for themselves."""
    end_ms = START_MS + 60 * HOUR_MS
    points = [*reports(START_MS, DOWN_MS), *reports(DOWN_MS, end_ms, spooled=5_000.0)]
    assert explains(points, heard_ms=DOWN_MS, now_ms=DOWN_MS + 20 * HOUR_MS)
    assert not explains(points, heard_ms=DOWN_MS, now_ms=DOWN_MS + 30 * HOUR_MS)


def test_what_was_lost_in_a_power_cut_is_no_devices_fault() -> None:
    """The time in which the site could hear nobody does not count; of a cut line it does, once all is delivered."""
    heard_ms = DOWN_MS - 3 * HOUR_MS
    power = [*outage(back="boot-2", uptime_s=5.0), boot(UP_MS, "boot-2", alive_ms=float(DOWN_MS), watchdog=False)]
    now_ms = UP_MS + 10 * MINUTE_MS  # nine hours after it was heard, four of them blind
    assert explains(power, heard_ms=heard_ms, now_ms=now_ms)
    assert not explains(power, heard_ms=heard_ms, now_ms=UP_MS + 2 * HOUR_MS + 30 * MINUTE_MS)
    assert not explains(outage(), heard_ms=heard_ms, now_ms=now_ms)


def test_a_watch_without_news_accuses_nobody() -> None:
    """Started after a long pause, it waits for the first reports before it says that all are silent."""
    points = reports(START_MS, DOWN_MS)
    assert explains(points, heard_ms=DOWN_MS - HOUR_MS, now_ms=DOWN_MS + 48 * HOUR_MS)
