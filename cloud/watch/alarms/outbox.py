"""When a message is made of what waits, and of what; when it is tried again. Pure.

What is critical goes apart from the rest, so that quiet hours hold back the one and never the other.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from cloud.watch.alarms.alarm import Alarm, AlarmState, ChannelName, Step
from cloud.watch.alarms.digest import Item
from cloud.watch.alarms.messages import Lane, Notice, Pace
from core.territory import Contact, Severity

_MINUTE_MS: Final = 60_000
# what goes on happening is said ever more rarely: so long at first after a message, then twice as long, up to
_FIRST_GAP_MS: Final = {True: 2 * _MINUTE_MS, False: 10 * _MINUTE_MS}
_LONGEST_GAP_MS: Final = {True: 15 * _MINUTE_MS, False: 60 * _MINUTE_MS}
_FIRST_RETRY_MS: Final = 30_000
_LONGEST_RETRY_MS: Final = 30 * _MINUTE_MS
_STRONGEST: Final = (Step.ESCALATED, Step.WORSENED, Step.RAISED, Step.REPEATED)


class Choice(NamedTuple):
    """What a message is made of. `notices`: those it tells. `dropped`: what is never said, and why. What is in neither
    waits."""

    items: list[Item]
    notices: list[int]
    dropped: dict[int, str]


def choose(
    notices: Iterable[Notice],
    alarms: Mapping[int, Alarm],
    *,
    urgent: bool,
    muted: Iterable[int],
    hold_ms: Mapping[int, int],
) -> Choice:
    """One item for each alarm, however much happened to it.

    Args:
        alarms: by id, as they are now; one that is forgotten is left out.
        urgent: of the lane.
        muted: those of which nothing is said.
        hold_ms: of each alarm: what was over sooner, before anybody was told, is told to nobody.
    """
    silent = frozenset(muted)
    of: dict[int, list[Notice]] = {}
    for notice in notices:
        of.setdefault(notice.alarm, []).append(notice)
    choice = Choice([], [], {})
    for number, mine in of.items():
        alarm = alarms.get(number)
        if alarm is None:
            step: Step | str | None = "forgotten"
        elif number in silent:
            step = "muted"
        else:
            step = _news(alarm, mine, hold_ms.get(number, 0), urgent=urgent)
        match step:
            case None:
                continue
            case Step():
                assert alarm is not None
                choice.items.append(Item(alarm, step))
                choice.notices.extend(notice.id for notice in mine)
            case str():
                choice.dropped.update((notice.id, step) for notice in mine)
    return choice


def _news(alarm: Alarm, notices: list[Notice], hold_ms: int, *, urgent: bool) -> Step | str | None:
    """What is to be said of an alarm; None: not yet; text: why nothing is."""
    steps = {notice.step for notice in notices}
    if alarm.state is AlarmState.CLEARED:
        if Step.CLEARED not in steps:
            return "over before it was told"  # that it is over is said among the rest
        lasted_ms = (alarm.gone_ms or alarm.raised_ms) - alarm.raised_ms
        known = any(notice.told_before for notice in notices)
        return Step.CLEARED if known or lasted_ms >= hold_ms else "over before it was told"
    if alarm.gone_ms is not None:
        return None  # it may be over: the next minutes tell
    if not urgent and alarm.finding.severity is Severity.CRITICAL:
        return "told as critical"
    if alarm.state is AlarmState.ACKNOWLEDGED and not steps & {Step.RAISED, Step.WORSENED}:
        return "acknowledged"
    return next((step for step in _STRONGEST if step in steps), "out of date")


def is_due(oldest_ms: int, pace: Pace, *, linger_ms: int, now_ms: int) -> bool:
    """Whether what has waited since `oldest_ms` may become a message."""
    return now_ms - oldest_ms >= linger_ms and now_ms >= pace.next_ms


def next_pace(pace: Pace, lane: Lane, *, now_ms: int) -> Pace:
    """After a message. A lane that was quiet for a while begins anew."""
    first_ms = _FIRST_GAP_MS[lane.urgent]
    went_on = pace.gap_ms and now_ms < pace.next_ms + pace.gap_ms
    gap_ms = min(pace.gap_ms * 2, _LONGEST_GAP_MS[lane.urgent]) if went_on else first_ms
    return Pace(now_ms + gap_ms, gap_ms)


def retry_ms(attempts: int) -> int:
    """How long after its attempt number `attempts` a message is tried again."""
    return int(min(_FIRST_RETRY_MS * 2 ** min(attempts - 1, 20), _LONGEST_RETRY_MS))


def address_of(contact: Contact, channel: ChannelName) -> str:
    """Empty where the contact is not reached that way."""
    match channel:
        case ChannelName.EMAIL:
            return contact.email
        case ChannelName.WEBHOOK:
            return contact.webhook
