"""Which lines of a refused request are unfit, while all others are stored. Pure: it is handed how to send.

A request is halved until each part is answered by 204 or is refused whole. A good line is sent again at most log2 of
the request's lines times, which changes nothing, and is in a request that was answered by 204 in the end.
"""

from collections.abc import Callable, Sequence

from cloud.stores.influxdb.answers import TOO_OLD, TooLarge, Unfit


def send_all(
    lines: Sequence[int],
    send: Callable[[Sequence[int]], Unfit | TooLarge | None],
    *,
    time_of: Callable[[int], int],
) -> list[tuple[int, Unfit]]:
    """Send until every line is stored or found unfit; the unfit ones, each with what was said of it.

    Args:
        lines: their numbers.
        send: sends lines in one request; raises what ends the attempt as a whole.
        time_of: of a line; what is too old is then found in one piece.
    """
    unfit: list[tuple[int, Unfit]] = []
    waiting = [lines]
    while waiting:
        part = waiting.pop()
        answer = send(part)
        if answer is None:
            continue
        if isinstance(answer, TooLarge):
            if len(part) == 1:
                unfit.append((part[0], Unfit("point.too_long", "the store takes no request as large as this point", 1)))
                continue
        elif len(part) == 1 or answer.dropped == len(part):
            unfit += [(line, answer) for line in part]
            continue
        elif answer.code == TOO_OLD:
            part = sorted(part, key=time_of)  # stable: of two lines of one point the later one still wins
        middle = len(part) // 2
        waiting += [part[middle:], part[:middle]]  # the first half is sent first
    return unfit
