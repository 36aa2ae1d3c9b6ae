"""The agent's queue: in order, bounded for the source alone."""

import threading

from edge.inbox import Inbox, Stop
from edge.sources.base import SourceEvent
from edge.transports.base import Puback
from tests.support.edge_doubles import uplink


def event(number: int) -> SourceEvent:
    return SourceEvent(uplink(number), lambda: None)


def test_items_come_out_in_order() -> None:
    """Whoever put them in."""
    inbox = Inbox(room=2)
    items = [event(1), Puback(1, 1), Stop()]
    inbox.offer(items[0])  # type: ignore[arg-type]
    inbox.put(items[1])
    inbox.put(items[2])
    assert [inbox.take(0) for _ in range(4)] == [*items, None]


def test_the_source_waits_while_too_much_is_unresolved_and_others_do_not() -> None:
    """A receipt is never stuck behind a flood of events."""
    inbox = Inbox(room=1)
    inbox.offer(event(1))
    offered = threading.Event()
    source = threading.Thread(target=lambda: (inbox.offer(event(2)), offered.set()))
    source.start()
    inbox.put(Stop())
    assert isinstance(inbox.take(0), SourceEvent)
    assert isinstance(inbox.take(0), Stop)
    assert not offered.is_set()
    inbox.resolved()
    source.join(5)
    assert offered.is_set()
    assert isinstance(inbox.take(0), SourceEvent)


def test_a_source_that_waits_is_let_go_at_the_end() -> None:
    """Its event is not acknowledged and comes again."""
    inbox = Inbox(room=1)
    inbox.offer(event(1))
    source = threading.Thread(target=inbox.offer, args=(event(2),))
    source.start()
    inbox.close()
    source.join(5)
    assert not source.is_alive()
