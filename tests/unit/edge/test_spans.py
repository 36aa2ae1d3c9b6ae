"""Sets of consecutive seq."""

import pytest

from edge.spans import Span, Spans


def test_neighbours_of_one_tag_are_one_span() -> None:
    """Filling the gap between two spans leaves one."""
    spans: Spans[str] = Spans()
    spans.add(0, 4, "a")
    spans.add(10, 14, "a")
    spans.add(5, 9, "a")
    assert list(spans) == [Span(0, 14, "a")]
    spans.add(15, 19, "b")
    assert len(spans) == 2
    assert spans.rows == 20


def test_cut_leaves_both_ends() -> None:
    """What is cut out of the middle is returned, what is beside it stays."""
    spans: Spans[str] = Spans()
    spans.add(0, 9, "a")
    assert spans.cut(3, 5) == [Span(3, 5, "a")]
    assert list(spans) == [Span(0, 2, "a"), Span(6, 9, "a")]
    assert spans.cut(3, 5) == []


def test_find_gives_the_rest_of_a_span() -> None:
    """From the middle of a span on, or the next one."""
    spans: Spans[str] = Spans()
    spans.add(5, 9, "a")
    assert spans.find(0) == Span(5, 9, "a")
    assert spans.find(7) == Span(7, 9, "a")
    assert spans.find(10) is None


def test_drain_empties() -> None:
    """Everything comes out, nothing stays."""
    spans: Spans[str] = Spans()
    spans.add(5, 9, "a")
    assert spans.drain() == [Span(5, 9, "a")]
    assert spans.head() is None
    assert spans.rows == 0


def test_an_empty_span_is_refused() -> None:
    """The last seq is never before the first."""
    with pytest.raises(ValueError, match="not a span"):
        Spans[str]().add(3, 2, "a")
