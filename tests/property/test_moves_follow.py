"""Whatever the territories say one after the other, the store ends as if only the last had ever been."""

from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.moves import Journal, Moves
from cloud.stores.sqlite import SqliteStore
from core.territory import Territory
from tests.support.memory import memory_folder
from tests.support.moving import (
    ASSETS,
    DEVICES,
    SITES,
    Span,
    content,
    content_of,
    event,
    expected,
    finish,
    never,
    now_ms,
    points,
    territory,
    uplink,
)


@st.composite
def assignments(draw: st.DrawFn) -> list[Span]:
    """Per device, intervals that do not overlap."""
    spans: list[Span] = []
    for device in DEVICES:
        cuts = draw(st.lists(st.integers(0, 12), unique=True, max_size=4).map(sorted))
        for start, end in pairwise([*cuts, None]):
            asset = draw(st.sampled_from([None, *ASSETS]))
            if asset is not None:
                spans.append((device, asset, start, end))
    return spans


territories = st.builds(
    lambda spans, moved: territory(spans, sites={**SITES, "remiremont": moved}),
    assignments(),
    st.sampled_from(["88383", "88351", "51238"]),
)


@st.composite
def rows(draw: st.DrawFn) -> list[tuple[object, str, int]]:
    """Rows, the edge that heard each, and after how many changes of the territory it came."""
    found = []
    for device in DEVICES:
        for minute in draw(st.lists(st.integers(0, 12), unique=True, max_size=4)):
            own = draw(st.one_of(st.none(), st.integers(13, 30)))  # unique enough: own times carry 7 ms
            row = draw(
                st.sampled_from([uplink(device, minute, own_minute=own and own + minute * 40), event(device, minute)])
            )
            found.append((row, draw(st.sampled_from(sorted(SITES))), draw(st.integers(0, 2))))
    return found


@settings(max_examples=25, deadline=None)
@given(st.lists(territories, min_size=2, max_size=3), rows(), st.integers(1, 3), st.integers(0, 3), st.booleans())
def test_the_store_ends_as_the_last_territory_says(
    said: list[Territory], heard: list[tuple[object, str, int]], a_step: int, eager: int, restart: bool
) -> None:
    """Rows come between the changes, moves are cut short by the next one, the worker restarts: the end is the same."""
    stored: dict[int, tuple[object, str]] = {}
    with memory_folder() as folder:
        store, journal = SqliteStore.open(Path(folder) / "store"), Journal.open(Path(folder))
        moves = Moves(store, journal, keep=never, now_ms=now_ms, rows=a_step)
        for round_, current in enumerate(said):
            if restart:
                journal.close()
                journal = Journal.open(Path(folder))
                moves = Moves(store, journal, keep=never, now_ms=now_ms, rows=a_step)
            moves.follow(current)
            for number, (row, edge, after) in enumerate(heard):
                made = points(row, number, current, edge) if after <= round_ else None  # resent, each round
                if made is not None:
                    store.write(*made)
                    stored[number] = (row, edge)
            for _ in range(eager):
                moves.step(current, mono_ms=0)
        finish(moves, said[-1])
        wanted = content_of(expected(row, number, said[-1], edge) for number, (row, edge) in stored.items())
        assert content(store) == wanted
        store.close()
        journal.close()
