"""Delivery under any order of events: no row is lost, none is sent once settled, all arrive when the peer answers."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.envelope import MAX_ROWS
from core.model import RowClass
from edge.delivery import PUBACK_TIMEOUT_MS, Delivery, Origin, Plan
from edge.pacing import RESEND_FIRST_MS, RETRY_MS
from edge.spans import Spans

Row = tuple[str, RowClass, int]


@dataclass
class Sent:
    """One message on the wire, as the peer saw it."""

    plan: Plan
    last: int
    token: int
    sent_ms: int
    acked_ms: int | None = None

    @property
    def rows(self) -> list[Row]:
        return [(self.plan.spool_id, self.plan.row_class, seq) for seq in range(self.plan.first, self.last + 1)]


@dataclass
class Model:
    boots: dict[Row, str] = field(default_factory=dict)  # accepted rows
    settled: set[Row] = field(default_factory=set)
    evicted: set[Row] = field(default_factory=set)
    held: set[Row] = field(default_factory=set)
    deferred_ms: dict[Row, int] = field(default_factory=dict)

    @property
    def unsettled(self) -> set[Row]:
        return self.boots.keys() - self.settled - self.evicted


spools = st.sampled_from(["old", "new"])
classes = st.sampled_from(list(RowClass))


class DeliveryMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.delivery = Delivery()
        self.model = Model()
        self.up = False
        self.now_ms = 5_000
        self.token = 0
        self.boot = 0
        self.next_seq: dict[tuple[str, RowClass], int] = {}
        self.wire: list[Sent] = []  # everything ever sent: any of it may be answered at any time
        self.live: dict[Row, list[Sent]] = {}  # sent on this connection

    @rule(spool_id=spools, row_class=classes, rows=st.integers(1, 250), gap=st.integers(0, 2))
    def commit(self, spool_id: str, row_class: RowClass, rows: int, gap: int) -> None:
        first = self.next_seq.get((spool_id, row_class), 0) + gap
        last = first + rows - 1
        self.next_seq[spool_id, row_class] = last + 1
        for seq in range(first, last + 1):
            self.model.boots[spool_id, row_class, seq] = f"boot{self.boot}"
        self.delivery.committed(spool_id, row_class, first, last, f"boot{self.boot}")

    @rule()
    def reboot(self) -> None:
        self.boot += 1

    @rule()
    def connect(self) -> None:
        if not self.up:
            self.delivery.connected()
            self.up = True

    @precondition(lambda self: self.up)
    @rule()
    def disconnect(self) -> None:
        self.delivery.disconnected()
        self.up = False
        self.live.clear()

    @rule(ms=st.one_of(st.integers(0, 5_000), st.integers(0, 1_200_000)))
    def wait(self, ms: int) -> None:
        self.now_ms += ms

    @rule(most=st.integers(1, 60), fits=st.one_of(st.just(MAX_ROWS), st.integers(1, MAX_ROWS)))
    def send(self, most: int, fits: int) -> None:
        for _ in range(most):
            plan = self.delivery.next_send(self.now_ms)
            if plan is None:
                return
            self.check(plan)
            last = min(plan.last, plan.first + fits - 1)
            self.token += 1
            sent = Sent(plan, last, self.token, self.now_ms)
            self.delivery.sent(plan, last, self.token, self.now_ms)
            self.wire.append(sent)
            for row in sent.rows:
                self.live.setdefault(row, []).append(sent)

    def check(self, plan: Plan) -> None:
        """What may be sent at all."""
        assert self.up
        assert 1 <= plan.last - plan.first + 1 <= MAX_ROWS
        rows = [(plan.spool_id, plan.row_class, seq) for seq in range(plan.first, plan.last + 1)]
        assert set(rows) <= self.model.unsettled - self.model.held
        assert {self.model.boots[row] for row in rows} == {plan.boot}
        outlook = self.delivery.outlook()
        if plan.origin in (Origin.LIVE, Origin.BACKLOG):
            assert outlook.messages < outlook.window
            if plan.row_class is not RowClass.URGENT:
                # places are left for urgent messages
                assert outlook.messages < outlook.window - max(2, outlook.window // 8)
            assert not any(row in self.live for row in rows)
        elif plan.origin is Origin.READY:
            assert len(self.delivery._flights.retries) < 2
        else:
            for row in rows:
                before = self.live[row][-1]
                since_sent = self.now_ms - before.sent_ms
                if before.acked_ms is None:
                    assert since_sent >= PUBACK_TIMEOUT_MS
                else:
                    assert self.now_ms - before.acked_ms >= RESEND_FIRST_MS

    @precondition(lambda self: self.wire)
    @rule(choice=st.integers(0), span=st.integers(1, 80))
    def puback(self, choice: int, span: int) -> None:
        """Some messages reach the broker; also of connections long gone."""
        start = choice % len(self.wire)
        for sent in self.wire[start : start + span]:
            if sent.acked_ms is None:
                sent.acked_ms = self.now_ms
                self.delivery.puback(sent.token, self.now_ms)

    def part(self, choice: int, skip: int, rows: int) -> tuple[str, RowClass, int, int]:
        sent = self.wire[choice % len(self.wire)]
        first = min(sent.last, sent.plan.first + skip)
        return sent.plan.spool_id, sent.plan.row_class, first, min(sent.last, first + rows - 1)

    @precondition(lambda self: self.wire)
    @rule(choice=st.integers(0), skip=st.integers(0, 99), rows=st.integers(1, 100))
    def receipt(self, choice: int, skip: int, rows: int) -> None:
        spool_id, row_class, first, last = self.part(choice, skip, rows)
        self.keep(spool_id, row_class, first, last)

    def keep(self, spool_id: str, row_class: RowClass, first: int, last: int) -> None:
        answered = {(spool_id, row_class, seq) for seq in range(first, last + 1)}
        settled = self.delivery.kept(spool_id, row_class, first, last, self.now_ms)
        assert settled == len(answered & self.model.unsettled)
        self.model.settled |= answered & self.model.unsettled
        self.model.held -= answered

    @precondition(lambda self: self.wire)
    @rule(choice=st.integers(0), skip=st.integers(0, 99), rows=st.integers(1, 100))
    def refusal(self, choice: int, skip: int, rows: int) -> None:
        spool_id, row_class, first, last = self.part(choice, skip, rows)
        self.delivery.deferred(spool_id, row_class, first, last, self.now_ms)
        for seq in range(first, last + 1):
            self.live.pop((spool_id, row_class, seq), None)

    @rule(spool_id=spools, row_class=classes, first=st.integers(0, 400), rows=st.integers(1, 300))
    def evict(self, spool_id: str, row_class: RowClass, first: int, rows: int) -> None:
        gone = {(spool_id, row_class, seq) for seq in range(first, first + rows)} & self.model.unsettled
        assert self.delivery.evicted(spool_id, row_class, first, first + rows - 1) == len(gone)
        self.model.evicted |= gone
        self.model.held -= gone

    @rule()
    def hold_next(self) -> None:
        """The forwarder finds rows of an unset clock in what it was about to send."""
        plan = self.delivery.next_send(self.now_ms)
        if plan is not None and plan.origin is not Origin.FLYING:
            self.delivery.hold(plan.spool_id, plan.row_class, plan.first, plan.last)
            self.model.held |= {(plan.spool_id, plan.row_class, seq) for seq in range(plan.first, plan.last + 1)}

    @rule(boot=st.integers(0, 3))
    def release(self, boot: int) -> None:
        self.delivery.release(f"boot{boot}")
        self.model.held = {row for row in self.model.held if self.model.boots[row] != f"boot{boot}"}

    @invariant()
    def every_row_is_in_exactly_one_set(self) -> None:
        found: list[Row] = []
        for stream in self.delivery._streams.values():
            sets: tuple[Spans[Any], ...] = (*stream.grounded, stream.flying)
            for spans in sets:
                assert spans.rows == sum(span.rows for span in spans)
                for span in spans:
                    found += [(stream.spool_id, stream.row_class, seq) for seq in range(span.first, span.last + 1)]
        assert len(found) == len(set(found))
        assert set(found) == self.model.unsettled

    @invariant()
    def the_next_deadline_is_never_in_the_past(self) -> None:
        deadline = self.delivery.next_deadline(self.now_ms)
        assert deadline is None or deadline > self.now_ms

    def teardown(self) -> None:
        """When the peer answers at last, everything arrives; nothing but time and answers is needed."""
        if not hasattr(self, "delivery"):
            return
        self.connect()
        for boot in range(self.boot + 1):
            self.release(boot)
        for _ in range(400):
            while (plan := self.delivery.next_send(self.now_ms)) is not None:
                self.check(plan)
                self.token += 1
                self.delivery.sent(plan, plan.last, self.token, self.now_ms)
                self.delivery.puback(self.token, self.now_ms)
                self.keep(plan.spool_id, plan.row_class, plan.first, plan.last)
            if not self.model.unsettled:
                break
            deadline = self.delivery.next_deadline(self.now_ms)
            assert deadline is not None, "rows are left and nothing is planned"
            assert deadline <= self.now_ms + RETRY_MS + 1_000
            self.now_ms = deadline
        assert not self.model.unsettled


TestDeliveryMachine = DeliveryMachine.TestCase
TestDeliveryMachine.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
