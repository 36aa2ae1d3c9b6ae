import pytest

from cloud.inbox import Inbox
from cloud.sources.base import Delivery
from core.errors import OperatorError


def delivery(payload: bytes = b"x") -> Delivery:
    return Delivery("topic", payload, ack=lambda: None)


class Gate:
    def __init__(self, inbox: Inbox) -> None:
        self.moves: list[str] = []
        inbox.bind_gate(close=lambda: self.moves.append("closed"), open_again=lambda: self.moves.append("open"))


def test_a_full_inbox_closes_its_gate_and_opens_it_when_half_is_worked_off() -> None:
    """Memory is bounded by the number of messages."""
    inbox = Inbox(messages=4)
    gate = Gate(inbox)
    for _ in range(5):  # one was on its way when the gate closed
        inbox.offer(delivery())
    assert gate.moves == ["closed"]
    assert inbox.full
    inbox.take(0)
    inbox.take(0)
    assert gate.moves == ["closed"]
    inbox.take(0)
    assert gate.moves == ["closed", "open"]


def test_bytes_fill_an_inbox_too() -> None:
    """A few large messages close the gate as many small ones do."""
    inbox = Inbox(messages=100, size_bytes=1000)
    gate = Gate(inbox)
    inbox.offer(delivery(b"x" * 999))
    assert gate.moves == []
    inbox.offer(delivery())
    assert gate.moves == ["closed"]


def test_calls_come_before_messages_and_are_the_only_thing_taken_while_nothing_can_be_kept() -> None:
    """`status` is answered while the store is down."""
    inbox = Inbox()
    inbox.offer(delivery())
    answer = inbox.call(lambda: 42)
    call = inbox.take(0, messages=False)
    assert callable(call)
    call()
    assert answer.result(0) == 42
    assert inbox.take(0, messages=False) is None
    assert isinstance(inbox.take(0), Delivery)


def test_a_refusal_reaches_the_thread_that_asked() -> None:
    """Our errors travel back to the asker; the worker goes on."""

    def refuse() -> None:
        raise OperatorError("no.such", "no such entry")

    inbox = Inbox()
    answer = inbox.call(refuse)
    call = inbox.take(0)
    assert callable(call)
    call()
    with pytest.raises(OperatorError):
        answer.result(0)


def test_a_failure_that_nobody_foresaw_reaches_the_asker_and_not_the_worker() -> None:
    """A bug behind one question does not end the road of everybody."""

    def fail() -> None:
        raise OverflowError("too large")

    inbox = Inbox()
    answer = inbox.call(fail)
    call = inbox.take(0)
    assert callable(call)
    call()
    with pytest.raises(OverflowError):
        answer.result(0)


def test_what_the_broker_will_deliver_again_is_forgotten() -> None:
    """A new connection starts with an empty inbox and an open gate."""
    inbox = Inbox(messages=2)
    gate = Gate(inbox)
    inbox.offer(delivery())
    inbox.offer(delivery())
    inbox.forget()
    assert inbox.take(0) is None
    assert gate.moves == ["closed", "open"]
