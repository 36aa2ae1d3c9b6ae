from cloud.receipts import QUARANTINED, STORED, Fate, Receipts, Verdict, answer
from core import receipt, topics
from core.envelope import Header, checksum
from core.errors import NotConnected
from core.model import RowClass
from core.receipt import Deferred, Kept, Receipt

HEADER = Header(edge="here", spool_id="s", row_class=RowClass.MEASUREMENT, first=10, last=15, boot="b")
ROWS = tuple(f"row{n}".encode() for n in range(6))
FULL = Verdict(Fate.DEFERRED, "store.full")
OTHER = Verdict(Fate.DEFERRED, "quarantine.full")


def kept(first: int, last: int, stored: int, quarantined: int) -> Kept:
    crc32 = checksum(ROWS[first - 10 : last - 9])
    return Kept(
        spool_id="s",
        row_class=RowClass.MEASUREMENT,
        first=first,
        last=last,
        crc32=crc32,
        stored=stored,
        quarantined=quarantined,
    )


def deferred(first: int, last: int, reason: str) -> Deferred:
    return Deferred(spool_id="s", row_class=RowClass.MEASUREMENT, first=first, last=last, reason=reason)


class Broker:
    def __init__(self) -> None:
        self.up = True
        self.said: list[tuple[str, object]] = []

    def publish(self, topic: str, message: bytes) -> None:
        if not self.up:
            raise NotConnected("link.down", "")
        self.said.append((topic, receipt.decode(message)))

    def ack(self, name: str) -> None:
        self.said.append(("ack", name))


def test_kept_rows_of_a_message_are_one_range_with_the_checksum_of_their_stored_bytes() -> None:
    """Stored and quarantined rows next to each other are one range, counted apart."""
    assert answer(HEADER, ROWS, [STORED, STORED, QUARANTINED, STORED, STORED, STORED]) == Receipt(
        kept=(kept(10, 15, 5, 1),)
    )


def test_rows_that_were_not_kept_cut_the_range_and_say_why() -> None:
    """A receipt covers exactly what was kept; the rest is deferred, a range for each reason."""
    told = answer(HEADER, ROWS, [STORED, FULL, FULL, OTHER, QUARANTINED, STORED])
    assert told.kept == (kept(10, 10, 1, 0), kept(14, 15, 1, 1))
    assert told.deferred == (deferred(11, 12, "store.full"), deferred(13, 13, "quarantine.full"))


def test_the_first_receipt_goes_at_once_and_the_next_are_coalesced() -> None:
    """Within 200 ms of a receipt an edge is told nothing more; then everything in one message, before its PUBACKs."""
    broker = Broker()
    receipts = Receipts(broker.publish, pace_ms=200)
    first, second, third = (Receipt(kept=(kept(n, n, 1, 0),)) for n in (10, 11, 12))
    receipts.add("here", first, lambda: broker.ack("1"), mono_ms=1000)
    assert receipts.next_ms() == 1000
    receipts.send(mono_ms=1000)
    receipts.add("here", second, lambda: broker.ack("2"), mono_ms=1001)
    receipts.add("here", third, lambda: broker.ack("3"), mono_ms=1100)
    assert receipts.next_ms() == 1200
    receipts.send(mono_ms=1199)
    receipts.send(mono_ms=1200)
    topic = topics.of_edge("here", "receipt")
    both = Receipt(kept=second.kept + third.kept)
    assert broker.said == [(topic, first), ("ack", "1"), (topic, both), ("ack", "2"), ("ack", "3")]
    assert receipts.next_ms() is None


def test_edges_do_not_wait_for_each_other() -> None:
    """The pace is each edge's own."""
    broker = Broker()
    receipts = Receipts(broker.publish)
    receipts.add("here", Receipt(), lambda: None, mono_ms=1000)
    receipts.send(mono_ms=1000)
    receipts.add("there", Receipt(), lambda: None, mono_ms=1001)
    receipts.add("here", Receipt(), lambda: None, mono_ms=1001)
    receipts.send(mono_ms=1001)
    assert [topic for topic, _ in broker.said] == [topics.of_edge(edge, "receipt") for edge in ("here", "there")]


def test_a_receipt_that_cannot_be_sent_is_dropped() -> None:
    """The edge sends the rows again; nothing piles up in the worker."""
    broker = Broker()
    broker.up = False
    receipts = Receipts(broker.publish)
    receipts.add("here", Receipt(), lambda: broker.ack("1"), mono_ms=0)
    receipts.send(mono_ms=0)
    assert broker.said == [("ack", "1")]
    assert receipts.next_ms() is None
