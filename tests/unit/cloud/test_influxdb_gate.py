"""Writes to one database go side by side, a deletion alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloud.stores.influxdb.quiet import Gate
from tests.support.waiting import wait_for

WAIT_S = 10.0


def test_two_writes_are_there_at_once() -> None:
    """Each waits inside for the other to be inside."""
    gate, both = Gate(), threading.Barrier(2)

    def write() -> None:
        with gate.writing():
            both.wait(WAIT_S)

    with ThreadPoolExecutor(2) as threads:
        tasks = [threads.submit(write) for _ in range(2)]
    assert [task.result() for task in tasks] == [None, None]


def test_a_deletion_waits_for_writes_and_they_for_it() -> None:
    """A write that comes while a deletion waits comes after it: the deletion is never starved."""
    gate, order = Gate(), list[str]()
    inside, let_go = threading.Event(), threading.Event()

    def first() -> None:
        with gate.writing():
            inside.set()
            assert let_go.wait(WAIT_S)
            order.append("first write")

    def delete() -> None:
        with gate.deleting():
            order.append("deletion")

    def second() -> None:
        with gate.writing():
            order.append("second write")

    with ThreadPoolExecutor(3) as threads:
        tasks = [threads.submit(first)]
        assert inside.wait(WAIT_S)
        tasks.append(threads.submit(delete))
        wait_for("the deletion to wait", lambda: gate._deleting, every_s=0.001)
        tasks.append(threads.submit(second))
        let_go.set()
    for task in tasks:
        task.result()
    assert order == ["first write", "deletion", "second write"]


def test_what_fails_inside_leaves_the_gate_open() -> None:
    """A server that goes away in the middle stops nothing for good."""
    gate = Gate()
    for enter in (gate.writing, gate.deleting):
        with pytest.raises(OSError), enter():
            raise OSError
    with gate.deleting():
        pass
    with gate.writing():
        pass
