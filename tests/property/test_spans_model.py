"""Spans behave as a dictionary from seq to tag, and never hold two neighbours of one tag apart."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.spans import Spans

steps = st.lists(
    st.tuples(st.booleans(), st.integers(0, 40), st.integers(0, 12), st.sampled_from("ab")), min_size=1, max_size=40
)


@given(steps)
def test_spans_are_a_map_from_seq_to_tag(steps: list[tuple[bool, int, int, str]]) -> None:
    """After any adds and cuts the same seq carry the same tags as in a plain dictionary."""
    spans: Spans[str] = Spans()
    model: dict[int, str] = {}
    for is_add, first, more, tag in steps:
        seqs = range(first, first + more + 1)
        if is_add:
            spans.add(first, first + more, tag)
            model.update(dict.fromkeys(seqs, tag))
        else:
            pieces = spans.cut(first, first + more)
            cut = {seq: p.tag for p in pieces for seq in range(p.first, p.last + 1)}
            assert cut == {seq: model[seq] for seq in seqs if seq in model}
            for seq in seqs:
                model.pop(seq, None)
        assert {seq: s.tag for s in spans for seq in range(s.first, s.last + 1)} == model
        assert spans.rows == len(model)
        listed = list(spans)
        for before, after in pairwise(listed):
            assert before.last + 1 < after.first or before.tag != after.tag
            assert before.last < after.first
        found = spans.find(first)
        assert (found is None) == (not any(seq >= first for seq in model))
        if found is not None:
            assert found.first == min(seq for seq in model if seq >= first)
