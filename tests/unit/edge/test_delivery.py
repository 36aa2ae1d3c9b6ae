"""The delivery state machine: what goes first, how much, when again."""

import tracemalloc
from collections.abc import Callable

import pytest

from core.model import RowClass
from edge.delivery import LIVE_ROWS, PUBACK_TIMEOUT_MS, UNACKNOWLEDGED, Delivery, Origin, Plan
from edge.pacing import MUTE_GAP_MS, RESEND_FIRST_MS, RESEND_MAX_MS, RESENDS_PER_ANSWER, RETRY_MS, WINDOW_START

M, D, U = RowClass.MEASUREMENT, RowClass.DIAGNOSTIC, RowClass.URGENT


class Road:
    """A delivery with a clock one can turn, and a record of what was sent."""

    def __init__(self, *, up: bool = True) -> None:
        self.delivery = Delivery()
        self.now_ms = 1_000_000
        self.tokens = 0
        if up:
            self.delivery.connected()

    def commit(self, first: int, last: int, row_class: RowClass = M, *, boot: str = "b", spool_id: str = "s") -> None:
        self.delivery.committed(spool_id, row_class, first, last, boot)

    def send(self, *, most: int = 1_000, acked: bool = True) -> list[Plan]:
        plans: list[Plan] = []
        while len(plans) < most and (plan := self.delivery.next_send(self.now_ms)) is not None:
            self.tokens += 1
            self.delivery.sent(plan, plan.last, self.tokens, self.now_ms)
            if acked:
                self.delivery.puback(self.tokens, self.now_ms)
            plans.append(plan)
        return plans

    def keep(self, plan: Plan) -> None:
        self.delivery.kept(plan.spool_id, plan.row_class, plan.first, plan.last, self.now_ms)

    def defer(self, plan: Plan) -> None:
        self.delivery.deferred(plan.spool_id, plan.row_class, plan.first, plan.last, self.now_ms)


def ranges(plans: list[Plan]) -> list[tuple[int, int]]:
    return [(plan.first, plan.last) for plan in plans]


def test_nothing_is_sent_without_a_connection() -> None:
    """Rows wait while the link is down; then they go."""
    road = Road(up=False)
    road.commit(0, 4)
    assert road.send() == []
    assert road.delivery.next_deadline(road.now_ms) is None
    road.delivery.connected()
    assert ranges(road.send()) == [(0, 4)]


def test_backlog_is_merged_into_full_messages() -> None:
    """Many small commits of an outage leave as messages of 100 rows."""
    road = Road(up=False)
    for first in range(0, 250, 5):
        road.commit(first, first + 4)
    road.delivery.connected()
    assert ranges(road.send()) == [(0, 99), (100, 199), (200, 249)]


@pytest.mark.parametrize(
    ("second", "what"),
    [
        (lambda road: road.commit(10, 12), "a hole in seq"),
        (lambda road: road.commit(4, 6, boot="c"), "another boot"),
        (lambda road: road.commit(4, 6, spool_id="t"), "another spool"),
    ],
)
def test_a_message_is_one_run(second: Callable[[Road], None], what: str) -> None:
    """A hole, another boot and another spool each end the run of a message."""
    road = Road(up=False)
    road.commit(0, 3)
    second(road)
    road.delivery.connected()
    assert len(road.send()) == 2, what


def test_classes_never_share_a_message_and_urgent_leaves_first() -> None:
    """Urgent before measurement before diagnostic, each in messages of its own."""
    road = Road(up=False)
    road.commit(0, 3, D)
    road.commit(0, 3, M)
    road.commit(0, 3, U)
    road.delivery.connected()
    assert [plan.row_class for plan in road.send()] == [U, M, D]


def test_live_rows_go_before_the_backlog_and_the_backlog_goes_on() -> None:
    """After an outage a new row leaves at once, and a stream of new rows does not stop the old ones."""
    road = Road(up=False)
    road.commit(0, 9_999)
    road.delivery.connected()
    sent_live = sent_backlog = 0
    for number in range(40):
        road.commit(10_000 + number, 10_000 + number)
        plans = road.send(most=1)
        sent_live += plans[0].origin is Origin.LIVE
        sent_backlog += plans[0].origin is Origin.BACKLOG
        road.keep(plans[0])
    assert sent_live >= 25
    assert sent_backlog >= 8


def test_only_the_newest_rows_count_as_live() -> None:
    """While the cloud is mute the live rows stay few; the older ones join the backlog."""
    road = Road()
    road.send()
    for _ in range(WINDOW_START):
        road.commit(road.tokens * 2, road.tokens * 2)
        road.send()
    road.commit(1_000, 1_000 + 2 * LIVE_ROWS)
    assert road.send() == []  # the window is full
    stream = road.delivery._streams["s", M]
    assert stream.live.rows == LIVE_ROWS
    assert stream.backlog.rows > LIVE_ROWS - 100


def test_the_window_counts_messages_without_receipt_and_keeps_places() -> None:
    """PUBACKs free nothing; receipts do. The backlog leaves places to live rows, these to urgent ones."""
    road = Road(up=False)
    road.commit(0, 99_999)
    road.delivery.connected()
    backlog = road.send()
    assert len(backlog) == WINDOW_START - 8
    road.commit(200_000, 200_999)
    live = road.send()
    assert len(backlog) + len(live) == WINDOW_START - 4
    road.commit(0, 999, U)
    urgent = road.send()
    assert len(urgent) == 4
    assert road.send() == []
    road.keep(urgent[0])
    assert {plan.row_class for plan in road.send()} == {U}


def test_the_window_grows_with_receipts_to_512_and_starts_small_after_a_reconnect() -> None:
    """A cloud that answers gets more; the first messages after a reconnect are few again."""
    road = Road(up=False)
    road.commit(0, 10_000_000)
    road.delivery.connected()
    for _ in range(60):
        for plan in road.send():
            road.keep(plan)
    assert road.delivery.outlook().window == 512
    road.delivery.disconnected()
    road.delivery.connected()
    assert len(road.send()) <= WINDOW_START


def test_messages_without_puback_are_few() -> None:
    """What lies in the client library's memory is bounded, whatever the window."""
    road = Road(up=False)
    road.commit(0, 10_000_000)
    road.delivery.connected()
    for _ in range(60):
        for plan in road.send():
            road.keep(plan)
    assert len(road.send(acked=False)) == UNACKNOWLEDGED


def test_a_message_is_sent_again_60_s_after_its_puback_then_at_doubling_intervals() -> None:
    """60, 120, 240, 480, 900, 900 s; never before."""
    road = Road()
    road.commit(0, 9)
    (first,) = road.send()
    waits = []
    for _ in range(6):
        since = road.now_ms
        while not (again := road.send()):
            deadline = road.delivery.next_deadline(road.now_ms)
            assert deadline is not None
            road.now_ms = deadline
        assert again[0].origin is Origin.FLYING
        assert ranges(again) == ranges([first])
        waits.append((road.now_ms - since) // 1000)
    assert waits == [60, 120, 240, 480, 900, 900]


def test_the_usual_receipt_time_puts_resends_off() -> None:
    """A cloud that answers after 40 s is not sent everything twice."""
    road = Road()
    for number in range(60):
        road.commit(number * 2, number * 2)
        (plan,) = road.send()
        road.now_ms += 40_000
        road.keep(plan)
    road.commit(1_000, 1_000)
    road.send()
    road.now_ms += 100_000
    assert road.send() == []
    road.now_ms += 100_000
    assert len(road.send()) == 1


def test_without_puback_only_a_generous_time_out_sends_again() -> None:
    """A slow link is not made slower."""
    road = Road()
    road.commit(0, 9)
    road.send(acked=False)
    road.now_ms += PUBACK_TIMEOUT_MS - 1
    assert road.send() == []
    road.now_ms += 1
    assert len(road.send()) == 1


def test_a_mute_cloud_gets_few_resends_and_an_answering_one_the_rest() -> None:
    """While nothing at all is answered the broker's memory stays flat; one answer opens the tap."""
    road = Road(up=False)
    road.commit(0, 99_999)
    road.delivery.connected()
    first = road.send()
    road.now_ms += RESEND_FIRST_MS
    assert len(road.send()) == RESENDS_PER_ANSWER
    road.keep(first[0])
    assert len(road.send()) == RESENDS_PER_ANSWER
    hours = 10
    resent = 0
    for _ in range(hours * 3_600_000 // MUTE_GAP_MS):
        road.now_ms += MUTE_GAP_MS
        resent += len(road.send())
    assert resent <= hours * 3_600_000 // MUTE_GAP_MS


def test_an_overdue_receipt_halves_the_window() -> None:
    """Receipts that do not come shrink the window; many overdue at once count once."""
    road = Road(up=False)
    road.commit(0, 99_999)
    road.delivery.connected()
    road.send()
    road.now_ms += RESEND_FIRST_MS
    road.send()
    assert road.delivery.outlook().window == WINDOW_START // 2


def test_a_partial_receipt_settles_its_part_and_only_the_rest_goes_again() -> None:
    """The middle of a message is kept: the two ends travel again, as two runs, in one place of the window."""
    road = Road()
    road.commit(0, 99)
    road.send()
    assert road.delivery.kept("s", M, 40, 59, road.now_ms) == 20
    assert road.delivery.outlook().messages == 1
    road.now_ms += RESEND_FIRST_MS
    assert ranges(road.send()) == [(0, 39), (60, 99)]
    road.delivery.kept("s", M, 0, 39, road.now_ms)
    road.delivery.kept("s", M, 60, 99, road.now_ms)
    assert road.delivery.outlook().messages == 0


def test_on_reconnect_everything_without_receipt_goes_again() -> None:
    """Merged, at once, whether it was PUBACKed or not; a receipt for the first sending still counts."""
    road = Road()
    for number in range(5):
        road.commit(number, number)
        road.send()
    road.delivery.disconnected()
    assert road.delivery.kept("s", M, 1, 1, road.now_ms) == 1
    road.delivery.connected()
    assert ranges(road.send()) == [(0, 0), (2, 4)]


def test_a_puback_of_an_older_connection_means_nothing() -> None:
    """Late news of a message that was sent again changes nothing."""
    road = Road()
    road.commit(0, 0)
    road.send(acked=False)
    road.delivery.disconnected()
    road.delivery.puback(road.tokens, road.now_ms)
    road.delivery.connected()
    assert len(road.send()) == 1


def test_deferred_rows_leave_the_window_and_are_tried_every_15_minutes_two_at_a_time() -> None:
    """While the tenant's database refuses, the window is free for the others; then two messages probe."""
    road = Road()
    road.commit(0, 1_999)
    for plan in road.send():
        road.defer(plan)
    assert road.delivery.outlook().messages == 0
    assert road.delivery.outlook().deferred == 2_000
    assert road.send() == []
    assert road.delivery.next_deadline(road.now_ms) == road.now_ms + RETRY_MS
    road.now_ms += RETRY_MS - 1
    assert road.send() == []
    road.now_ms += 1
    probes = road.send()
    assert ranges(probes) == [(0, 99), (100, 199)]
    assert {plan.origin for plan in probes} == {Origin.READY}
    assert road.delivery.outlook().messages == 0  # outside the window


def test_a_round_of_retries_ends_when_the_cloud_still_refuses() -> None:
    """A tenant's database that refuses for days costs a few messages every 15 minutes."""
    road = Road()
    road.commit(0, 9_999)
    for plan in road.send():
        road.defer(plan)
    while plans := road.send():
        for plan in plans:
            road.defer(plan)
    for _ in range(4):
        road.now_ms += RETRY_MS
        tried = 0
        while plans := road.send():
            tried += len(plans)
            for plan in plans:
                road.defer(plan)
        assert 1 <= tried <= 9


def test_deferred_rows_flow_again_once_one_is_kept() -> None:
    """The database is back: a single round brings everything."""
    road = Road()
    road.commit(0, 4_999)
    while plans := road.send():
        for plan in plans:
            road.defer(plan)
    road.now_ms += RETRY_MS
    while plans := road.send():
        assert len(plans) <= 2
        for plan in plans:
            road.keep(plan)
    assert road.delivery.outlook().deferred == 0


def test_a_late_receipt_settles_deferred_rows() -> None:
    """The cloud kept them after all, or another copy of them."""
    road = Road()
    road.commit(0, 9)
    (plan,) = road.send()
    road.defer(plan)
    road.keep(plan)
    road.now_ms += RETRY_MS
    assert road.send() == []
    assert road.delivery.outlook().deferred == 0


def test_a_refusal_that_arrives_after_a_reconnect_still_holds() -> None:
    """The rows went back to the backlog meanwhile; they leave it and wait like all deferred ones."""
    road = Road()
    road.commit(0, 9)
    (plan,) = road.send()
    road.delivery.disconnected()
    road.defer(plan)
    road.delivery.connected()
    assert road.send() == []
    assert road.delivery.outlook().deferred == 10


def test_deferred_rows_that_were_being_tried_stay_outside_the_window_on_reconnect() -> None:
    """A flapping link does not turn the probes of a refusing database into traffic."""
    road = Road()
    road.commit(0, 9)
    road.defer(road.send()[0])
    road.now_ms += RETRY_MS
    assert [plan.origin for plan in road.send()] == [Origin.READY]
    road.delivery.disconnected()
    road.delivery.connected()
    assert road.send() == []
    road.now_ms += RETRY_MS
    assert [plan.origin for plan in road.send()] == [Origin.READY]
    assert road.delivery.outlook().messages == 0


def test_a_gap_that_another_message_has_taken_is_stepped_over() -> None:
    """The middle of a message was deferred and travels in a message of its own: the ends are still its own."""
    road = Road()
    road.commit(0, 99)
    road.send(acked=False)
    road.delivery.deferred("s", M, 40, 59, road.now_ms)
    started_ms = road.now_ms
    road.now_ms += 30_000
    road.delivery.puback(road.tokens, road.now_ms)
    seen: list[tuple[int, list[tuple[int, int]]]] = []
    while road.now_ms < started_ms + 930_000:
        deadline = road.delivery.next_deadline(road.now_ms)
        assert deadline is not None
        road.now_ms = deadline
        seen.append(((deadline - started_ms) // 1000, ranges(road.send())))
    both_ends = [(0, 39), (60, 99)]
    assert seen == [(90, both_ends), (210, both_ends), (450, both_ends), (900, [(40, 59)]), (930, both_ends)]


def test_the_places_of_urgent_messages_are_theirs_whoever_s_turn_it_is() -> None:
    """Three urgent messages leave; the fourth kept place is not given to the backlog."""
    road = Road(up=False)
    road.commit(0, 99_999)
    road.delivery.connected()
    road.send()
    road.commit(200_000, 200_999)
    road.send()
    road.commit(0, 299, U)
    assert [plan.row_class for plan in road.send()] == [U, U, U]
    assert road.delivery.outlook().messages == WINDOW_START - 1


def test_the_wait_for_a_receipt_begins_with_the_last_puback_of_a_message_in_pieces() -> None:
    """Two runs travel; until both are at the broker only the generous time-out counts."""
    road = Road()
    road.commit(0, 99)
    road.send()
    road.delivery.kept("s", M, 40, 59, road.now_ms)
    road.now_ms += RESEND_FIRST_MS
    assert len(road.send(acked=False)) == 2
    road.delivery.puback(road.tokens, road.now_ms)
    road.now_ms += PUBACK_TIMEOUT_MS - 1
    assert road.send() == []
    road.now_ms += 1
    assert len(road.send()) == 2


def test_a_retry_that_nobody_answers_waits_for_the_next_round() -> None:
    """Its place among the two is not lost for ever."""
    road = Road()
    road.commit(0, 9)
    road.defer(road.send()[0])
    road.now_ms += RETRY_MS
    assert len(road.send()) == 1
    road.now_ms += RESEND_MAX_MS
    assert road.send() == []
    road.now_ms += RETRY_MS
    assert len(road.send()) == 1


def test_evicted_rows_are_never_sent() -> None:
    """Also when they were on their way: what is left of the message goes again without them."""
    road = Road()
    road.commit(0, 99)
    road.send()
    assert road.delivery.evicted("s", M, 0, 49) == 50
    road.now_ms += RESEND_FIRST_MS
    assert ranges(road.send()) == [(50, 99)]
    assert road.delivery.evicted("s", M, 50, 99) == 50
    assert road.delivery.outlook().messages == 0


def test_a_message_that_holds_fewer_rows_than_planned_leaves_the_rest_waiting() -> None:
    """Large rows: the forwarder sends what fits."""
    road = Road()
    road.commit(0, 99)
    plan = road.delivery.next_send(road.now_ms)
    assert plan is not None
    road.delivery.sent(plan, 9, "t", road.now_ms)
    assert ranges(road.send()) == [(10, 99)]


def test_held_rows_wait_for_their_boot() -> None:
    """Rows of an unset clock wait; their neighbours do not; then they go."""
    road = Road(up=False)
    road.commit(0, 99, boot="b1")
    road.commit(100, 149, boot="b2")
    road.delivery.connected()
    road.delivery.hold("s", M, 0, 99)
    assert ranges(road.send()) == [(100, 149)]
    assert road.delivery.outlook().held == 100
    road.delivery.release("b2")
    assert road.send() == []
    road.delivery.release("b1")
    assert ranges(road.send()) == [(0, 99)]


def test_a_million_rows_take_no_memory() -> None:
    """A backlog of 1,000,000 rows in 1,000 pieces is delivered through partial receipts in flat memory."""
    road = Road(up=False)
    tracemalloc.start()
    for first in range(0, 1_001_000, 1_001):
        road.commit(first, first + 999)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 500_000
    road.delivery.connected()
    delivered = most = 0
    while plans := road.send():
        for plan in plans:
            middle = (plan.first + plan.last) // 2
            delivered += road.delivery.kept("s", M, plan.first, middle, road.now_ms)
            delivered += road.delivery.kept("s", M, middle + 1, plan.last, road.now_ms)
        flights = road.delivery._flights
        most = max(most, len(flights._overdue) + len(flights._tokens) + len(list(flights)))
    assert delivered == 1_000_000
    assert most < 2_000
