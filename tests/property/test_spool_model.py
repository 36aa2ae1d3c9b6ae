"""Whatever happens to a spool, in whatever order: every accepted row is in exactly one place, once, in order."""

import shutil
from contextlib import ExitStack

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.model import RowClass
from edge.spool import EvictionReason, Run, reader
from tests.support.spools import (
    KIB,
    StillClock,
    is_balanced,
    killed,
    limits,
    memory_folder,
    open_spool,
    receipt,
    row,
    total,
)

CLASSES = st.sampled_from(list(RowClass))
Identity = tuple[str, RowClass, int]
QUOTA = 600 * KIB


class SpoolMachine(RuleBasedStateMachine):
    """The model: what was accepted, what was settled; a crash forgets receipts that were not written down."""

    @initialize(
        linger_ms=st.sampled_from([0, 60_000]),
        segment_bytes=st.sampled_from([1, 2_000, 1 << 20]),
        page_bytes=st.sampled_from([KIB, 2 * KIB, 4 * KIB]),
        squeeze=st.booleans(),
    )
    def begin(self, linger_ms: int, segment_bytes: int, page_bytes: int, squeeze: bool) -> None:
        self.place = ExitStack()
        self.root = self.place.enter_context(memory_folder())
        self.folder = self.root / "0"
        self.deaths = 0
        self.machine = 0
        self.clock = StillClock()
        self.keeping = limits(
            settle_linger_ms=linger_ms,
            segment_bytes=segment_bytes,
            quota_bytes=QUOTA,
            keys=50,
            page_bytes=page_bytes,
            squeeze=squeeze,
        )
        self.number = 0
        self.accepted: dict[Identity, str] = {}
        self.settled: dict[Identity, bool] = {}  # and whether it is surely on the disk
        self.evicted: set[Identity] = set()
        self.highest: dict[tuple[str, RowClass], int] = {}
        self.open()

    def open(self) -> None:
        self.spool = open_spool(self.folder, machine=f"machine-{self.machine}", clock=self.clock, keeping=self.keeping)

    def teardown(self) -> None:
        if hasattr(self, "root"):
            self.spool.close()
            self.place.close()

    # --- what may happen

    @rule(classes=st.lists(CLASSES, min_size=1, max_size=12), size=st.sampled_from([30, 300, 20_000]))
    def accept(self, classes: list[RowClass], size: int) -> None:
        expected: dict[RowClass, list[str]] = {}
        for row_class in classes:
            self.number += 1
            key = f"key-{self.number:06d}"
            self.spool.append(row(key, row_class, size=size))
            expected.setdefault(row_class, []).append(key)
        runs = self.spool.commit()
        assert [run.row_class for run in runs] == [c for c in RowClass if c in expected]
        for run in runs:
            assert run.first > self.highest.get((run.spool_id, run.row_class), 0)
            self.highest[run.spool_id, run.row_class] = run.last
            keys = expected[run.row_class]
            assert run.last - run.first + 1 == len(keys)
            for seq, key in enumerate(keys, run.first):
                self.accepted[run.spool_id, run.row_class, seq] = key

    @rule(choice=st.randoms(use_true_random=False), quarantined=st.integers(0, 2))
    def receive_receipt(self, choice: object, quarantined: int) -> None:
        runs = self.spool.backlog()
        if not runs:
            return
        run = choice.choice(runs)  # type: ignore[attr-defined]
        first = choice.randint(run.first, run.last)  # type: ignore[attr-defined]
        last = choice.randint(first, min(run.last, first + 30))  # type: ignore[attr-defined]
        part = Run(run.spool_id, run.row_class, first, last, run.boot)
        assert self.spool.settle(receipt(self.spool, part, quarantined=min(quarantined, last - first + 1)))
        for seq in range(first, last + 1):
            self.settled.setdefault((run.spool_id, run.row_class, seq), False)

    @rule(ms=st.sampled_from([0, 60_000, 3_600_000]))
    def maintain(self, ms: int) -> None:
        self.clock.pass_ms(ms)
        self.spool.maintain()
        if self.keeping.settle_linger_ms <= ms:
            self.settled = dict.fromkeys(self.settled, True)
        self.take_evicted()

    @rule()
    def restart(self) -> None:
        self.spool.close()
        self.settled = dict.fromkeys(self.settled, True)
        self.take_evicted()
        self.open()

    @rule()
    def crash(self) -> None:
        self.deaths += 1
        left = killed(self.folder, self.root / str(self.deaths))
        self.spool.close()
        self.spool.take_evicted()
        shutil.rmtree(self.folder)
        self.folder = left
        self.open()
        unsettled = {
            (run.spool_id, run.row_class, seq) for run in self.spool.backlog() for seq in range(run.first, run.last + 1)
        }
        for identity in [i for i, on_disk in self.settled.items() if i in unsettled and not on_disk]:
            del self.settled[identity]
            event("receipt forgotten by a crash")
        self.settled = dict.fromkeys(self.settled, True)

    @precondition(lambda self: self.machine < 2)
    @rule()
    def move_to_another_machine(self) -> None:
        self.restart_as(self.machine + 1)

    def restart_as(self, machine: int) -> None:
        self.spool.close()
        self.settled = dict.fromkeys(self.settled, True)
        self.take_evicted()
        self.machine = machine
        self.open()

    def take_evicted(self) -> None:
        for run in self.spool.take_evicted():
            for seq in range(run.first, run.last + 1):
                identity = (run.spool_id, run.row_class, seq)
                assert identity in self.accepted
                assert identity not in self.settled
                assert identity not in self.evicted
                self.evicted.add(identity)
            event("evicted")

    # --- what is always true

    @invariant()
    def every_row_is_in_one_place(self) -> None:
        if not hasattr(self, "spool"):
            return
        backlog: list[Identity] = []
        for run in self.spool.backlog():
            backlog += [(run.spool_id, run.row_class, seq) for seq in range(run.first, run.last + 1)]
        assert len(set(backlog)) == len(backlog)
        assert set(backlog) == set(self.accepted) - set(self.settled) - self.evicted

    @invariant()
    def the_counters_add_up(self) -> None:
        if not hasattr(self, "spool"):
            return
        counters = self.spool.counters()
        assert is_balanced(counters)
        assert total(counters, "accepted") == len(self.accepted)
        assert total(counters, "stored") + total(counters, "quarantined") == len(self.settled)
        assert total(counters, "evicted") == len(self.evicted)
        assert total(counters, "corrupt") == 0

    @invariant()
    def another_process_reads_the_same(self) -> None:
        if not hasattr(self, "spool"):
            return
        rows = list(reader.rows(self.folder))
        found = {(r.spool_id, r.row_class, r.seq): r for r in rows}
        assert len(found) == len(rows)
        for identity, key in self.accepted.items():
            if identity in found:
                assert found[identity].key == key
                assert found[identity].stored.startswith(key.encode())
                assert not found[identity].settled or identity in self.settled
            else:
                assert identity in self.settled or identity in self.evicted
        assert not self.evicted & set(found)
        assert sum(eviction.rows for eviction in reader.evictions(self.folder)) == len(self.evicted)
        assert all(eviction.reason is EvictionReason.QUOTA for eviction in reader.evictions(self.folder))


TestSpool = SpoolMachine.TestCase
TestSpool.settings = settings(
    max_examples=10,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
