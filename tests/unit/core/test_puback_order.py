"""PUBACKs leave in the order their messages came."""

from hypothesis import given
from hypothesis import strategies as st

from core.ports.puback_order import PubackOrder


@given(st.permutations(range(1, 30)))
def test_the_order_of_receipt_is_kept(finished: list[int]) -> None:
    """In whatever order messages are done, their PUBACKs go out in the order of receipt, each once."""
    order = PubackOrder()
    for mid in range(1, 30):
        order.received(mid)
    sent = [mid for done in finished for mid in order.done(done)]
    assert sent == list(range(1, 30))


def test_a_reused_packet_id_is_another_message() -> None:
    """A packet id that comes again after its PUBACK waits for its own."""
    order = PubackOrder()
    order.received(1)
    assert order.done(1) == [1]
    order.received(2)
    order.received(1)
    assert order.done(1) == []
    assert order.done(2) == [2, 1]


def test_a_message_sent_again_while_in_hand_is_the_same() -> None:
    """A broker that retransmits inside one connection gets one PUBACK, not one that is another message's."""
    order = PubackOrder()
    assert order.received(1)
    assert not order.received(1)
    assert order.done(1) == [1]
    assert order.received(1)
