"""Whatever arrives on a topic becomes one row that can be stored; the order of keys and lists says nothing."""

import json
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.model import Unreadable, decode_row, encode_row
from edge.intake import Intake
from edge.sources.chirpstack import parse_event
from tests.support.recorded import Recorded, json_events

EVENTS = json_events()
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def _shuffled(value: Any, order: Random) -> Any:
    """The same object with keys and receptions in another order."""
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: _shuffled(value[key], order) for key in keys}
    if isinstance(value, list):
        items = [_shuffled(item, order) for item in value]
        order.shuffle(items)
        return items
    return value


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, one in below for deeper in _paths(one, (*path, key)))]


def _replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], other)
    return copy


@given(st.sampled_from(EVENTS), st.integers(0, 2**32))
def test_the_same_event_in_another_order_gives_the_same_bytes(recorded: Recorded, seed: int) -> None:
    """A network server that delivers again may order keys and receptions anew: the key and the row stay."""
    body = json.dumps(_shuffled(recorded.json, Random(seed))).encode()
    assert encode_row(parse_event(recorded.topic, body, now_ms=1)) == encode_row(
        parse_event(recorded.topic, recorded.body, now_ms=2)
    )


@settings(max_examples=500, deadline=None)
@given(st.data(), st.sampled_from(EVENTS), ANY_JSON)
def test_any_value_in_any_place_gives_a_row_that_can_be_stored(
    data: st.DataObject, event: Recorded, other: Any
) -> None:
    """Wrong types, huge numbers, NaN, nulls: a row, or evidence; never an exception."""
    path = data.draw(st.sampled_from(_paths(event.json)))
    row = parse_event(event.topic, json.dumps(_replaced(event.json, path, other)).encode(), now_ms=1)
    _, finished = Intake({"sans-codec": "nas_ul20xx"}).read(row)
    assert decode_row(encode_row(finished)) == finished


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60), st.binary(max_size=200))
def test_any_bytes_on_any_topic_are_evidence(topic: str, body: bytes) -> None:
    """Nothing that is sent stops the edge."""
    row = parse_event(topic, body, now_ms=1)
    assert isinstance(row, Unreadable)
    assert decode_row(encode_row(row)) == row
