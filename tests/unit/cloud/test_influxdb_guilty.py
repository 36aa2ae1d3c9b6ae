"""The unfit lines of a request are found with few requests, and every other line ends in one that was taken whole."""

import math
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.stores.influxdb.answers import TOO_OLD, TYPE_CONFLICT, TooLarge, Unfit
from cloud.stores.influxdb.guilty import send_all

Answer = Unfit | TooLarge | None


class Server:
    """Refuses some lines; keeps what it took in requests that it answered by 204."""

    def __init__(self, unfit: set[int], *, code: str = TYPE_CONFLICT, told: bool = True, largest: int = 10**9) -> None:
        self.unfit, self.code, self.told, self.largest = unfit, code, told, largest
        self.kept: list[int] = []
        self.requests = self.lines = 0

    def send(self, part: Sequence[int]) -> Answer:
        self.requests += 1
        self.lines += len(part)
        if len(part) > self.largest:
            return TooLarge.TOO_LARGE
        dropped = sum(at in self.unfit for at in part)
        if dropped:
            return Unfit(self.code, "it is unfit", dropped if self.told else 0)
        self.kept += part
        return None

    def run(self, count: int, time_of: Callable[[int], int] = lambda at: at) -> list[int]:
        return sorted(at for at, _ in send_all(range(count), self.send, time_of=time_of))


@given(st.integers(1, 60), st.sets(st.integers(0, 59)), st.booleans(), st.sampled_from([1, 3, 10**9]))
def test_exactly_the_unfit_are_found(count: int, unfit: set[int], told: bool, largest: int) -> None:
    """Whichever they are, whether the server counts them or not, whatever it takes at once."""
    unfit = {at for at in unfit if at < count}
    server = Server(unfit, told=told, largest=largest)
    assert server.run(count) == sorted(unfit)
    assert sorted(set(server.kept)) == [at for at in range(count) if at not in unfit]


@pytest.mark.parametrize("at", [0, 2500, 4999])
def test_one_of_five_thousand_costs_log2(at: int) -> None:
    """Twice log2 of the lines in requests, and three times the lines sent in all."""
    server = Server({at})
    assert server.run(5000) == [at]
    assert server.requests <= 2 * math.ceil(math.log2(5000)) + 1
    assert server.lines <= 3 * 5000 + 26


def test_what_is_too_old_is_found_in_one_piece() -> None:
    """Half a batch before the retention, in any order: by time it is one block."""
    times = random.Random(1).sample(range(10_000), 5000)
    old = {at for at, time in enumerate(times) if time < 5000}
    server = Server(old, code=TOO_OLD)
    assert server.run(5000, times.__getitem__) == sorted(old)
    assert server.requests <= 2 * math.ceil(math.log2(5000)) + 1


def test_all_unfit_costs_one_request() -> None:
    """Where the server says how many."""
    server = Server(set(range(5000)))
    assert server.run(5000) == list(range(5000))
    assert server.requests == 1


def test_the_later_of_two_lines_of_one_point_wins() -> None:
    """Halves are sent in order, and lines of one time keep theirs."""
    server = Server({7}, code=TOO_OLD)
    server.run(16, lambda _at: 0)
    last_sent = {at: place for place, at in enumerate(server.kept)}
    assert [at for at, _ in sorted(last_sent.items(), key=lambda one: one[1])] == [at for at in range(16) if at != 7]


def test_a_point_that_no_request_can_carry_is_unfit() -> None:
    """Nothing goes on for ever."""
    assert Server(set(), largest=0).run(4) == [0, 1, 2, 3]
