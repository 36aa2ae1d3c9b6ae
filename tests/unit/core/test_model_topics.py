"""Rows, identities, times and topics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import topics
from core.errors import EnvelopeError, UnreadableError
from core.model import ClockQuality, Event, Uplink, decode_row, encode_row, parse_eui, row_time_us


def uplink(**changes: object) -> Uplink:
    facts: dict[str, object] = {"key": "k", "received_ms": 1_000, "application": "a", "dev_eui": "0" * 16}
    return Uplink(**(facts | changes))  # type: ignore[arg-type]


def test_an_eui_is_sixteen_lower_case_digits() -> None:
    """Upper case, colons and dashes are read; anything else is refused, an empty one above all."""
    assert parse_eui("00:16:C0:01:F1:00:00:03") == "0016c001f1000003"
    for wrong in ("", "0016c001f100000", "0016c001f10000033", "zz16c001f1000003"):
        with pytest.raises(UnreadableError):
            parse_eui(wrong)


def test_an_unknown_key_is_never_dropped_silently() -> None:
    """A row of a newer version with a key we do not know is unreadable, not half read."""
    stored = encode_row(uplink())
    assert decode_row(stored) == uplink()
    with pytest.raises(UnreadableError) as caught:
        decode_row(stored[:-1] + b',"altitude_m":3}')
    assert caught.value.code == "row.unreadable"


def test_the_offset_mends_only_an_unsynced_clock() -> None:
    """A synced row keeps its time whatever the envelope says; an unsynced one is moved by the offset."""
    assert row_time_us(uplink(f_cnt=1_007), 500) == 1_000_007
    unsynced = uplink(clock=ClockQuality.UNSYNCED, f_cnt=7)
    assert row_time_us(unsynced, 500) == 1_500_007
    assert row_time_us(unsynced, None) == 1_000_007


@given(st.text(), st.integers(0, 2**45))
def test_two_rows_of_one_millisecond_stay_inside_it(key: str, received_ms: int) -> None:
    """The tie-breaker never leaves the row's millisecond."""
    event = Event(key=key, received_ms=received_ms, type="log")
    assert row_time_us(event, None) // 1000 == received_ms


def test_topics_round_trip_and_refuse_strangers() -> None:
    """A topic names its edge and its shard; a wrong shard, leaf or slug is not ours."""
    topic = topics.of_edge("saint-ame", topics.UP)
    assert topics.parse(topic) == ("saint-ame", "up")
    number = topics.shard("saint-ame")
    assert topic.startswith(f"beffroi/v1/{number}/")
    for wrong in (
        f"beffroi/v1/{(number + 1) % 16}/saint-ame/up",
        f"beffroi/v1/{number}/saint-ame/upp",
        f"beffroi/v1/{number}/saint-ame",
        "beffroi/v2/1/a/up",
        f"beffroi/v1/{number}/Saint Ame/up",
    ):
        with pytest.raises(EnvelopeError):
            topics.parse(wrong)
