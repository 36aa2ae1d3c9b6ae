"""From notices to messages that were taken: composes what is due, sends it, notes each attempt before and after.

The desk's lock is held for each look into the journal, never while a message is on its way.
"""

import contextlib
import secrets
import threading
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from cloud.watch.alarms.alarm import Alarm, ChannelName
from cloud.watch.alarms.digest import digest
from cloud.watch.alarms.journal import Journal
from cloud.watch.alarms.messages import Channel, Fate, Lane, Message, Pace
from cloud.watch.alarms.outbox import address_of, choose, is_due, next_pace, retry_ms
from cloud.watch.alarms.rules import RuleBook, is_quiet
from core import log
from core.errors import LinkError, NotConnected, RejectedError

_log = log.get(__name__)
_DAY_MS: Final = 24 * 3_600_000
_KEEP_MS: Final = 400 * _DAY_MS  # what is over: one year, and a month to look back at it


class Desk(Protocol):
    """What a delivery asks of `AlarmDesk`."""

    @property
    def book(self) -> RuleBook | None: ...
    @property
    def journal(self) -> Journal: ...
    def locked(self) -> contextlib.AbstractContextManager[bool]: ...
    def alarms(self, numbers: Iterable[int]) -> dict[int, Alarm]: ...
    def muted_until_ms(self, alarm: Alarm, now_ms: int) -> int | None: ...


class Delivery:
    """Of one desk; one delivery at a time.

    Raises:
        StorageError: `watch.…`, from any method.
    """

    def __init__(self, desk: Desk, channels: Mapping[ChannelName, Channel], *, linger_ms: int, expire_ms: int) -> None:
        self._desk = desk
        self._post = desk.journal.post
        self._channels = channels
        self._linger_ms = linger_ms
        self._expire_ms = expire_ms
        self._delivering = threading.Lock()
        self._quiet_until: dict[Lane, int] = {}  # lanes in which nothing can be said yet
        self._trimmed_ms = 0

    def at_rest(self) -> contextlib.AbstractContextManager[bool]:
        """While nothing is being sent."""
        return self._delivering

    def deliver(self, now_ms: int) -> int:
        """Send what is due; how many messages were taken."""
        with self._delivering:
            with self._desk.locked():
                book = self._desk.book
                if book is None or not self._channels:
                    return 0
                self._compose(book, now_ms)
                due = [one for one in self._post.messages(Fate.WAITING) if one.due_ms <= now_ms]
            sent = 0
            unreachable: set[str] = set()
            for message in due:
                route = message.address if message.lane.channel is ChannelName.WEBHOOK else str(message.lane.channel)
                if route in unreachable:
                    continue
                begun = self._begin(message, now_ms)
                if begun is None:
                    continue
                try:
                    self._channels[message.lane.channel].send(begun, now_ms)
                except LinkError as error:
                    self._end(begun, Fate.WAITING, now_ms, f"{error.message} [{error.code}]")
                    if isinstance(error, NotConnected):
                        unreachable.add(route)
                except RejectedError as error:
                    self._end(begun, Fate.REFUSED, now_ms, f"{error.message} [{error.code}]")
                else:
                    self._end(begun, Fate.SENT, now_ms)
                    sent += 1
            return sent

    def _compose(self, book: RuleBook, now_ms: int) -> None:
        """Make messages of what has waited long enough, one at a time in each lane."""
        if now_ms - self._trimmed_ms >= _DAY_MS:
            self._desk.journal.trim(now_ms - _KEEP_MS)
            self._trimmed_ms = now_ms
        waiting = self._post.waiting()
        if not waiting:
            return
        busy = {message.lane for message in self._post.messages(Fate.WAITING)}
        paces = self._post.paces()
        for lane, oldest_ms, _ in waiting:
            pace = paces.get(lane, Pace())
            if lane in busy or self._quiet_until.get(lane, 0) > now_ms or lane.channel not in self._channels:
                continue
            if is_due(oldest_ms, pace, linger_ms=self._linger_ms, now_ms=now_ms) and self._may_speak(
                book, lane, now_ms
            ):
                self._compose_lane(book, lane, pace, now_ms)

    def _may_speak(self, book: RuleBook, lane: Lane, now_ms: int) -> bool:
        contact = book.contact(lane.to)
        return lane.urgent or contact is None or not is_quiet(contact, now_ms)

    def _compose_lane(self, book: RuleBook, lane: Lane, pace: Pace, now_ms: int) -> None:
        notices = self._post.notices(lane)
        address = self._address(book, lane)
        if not address:
            self._post.compose(None, (), dropped={notice.id: "the contact is gone" for notice in notices})
            return
        alarms = self._desk.alarms({notice.alarm for notice in notices})
        choice = choose(
            notices,
            alarms,
            urgent=lane.urgent,
            muted=[one.id for one in alarms.values() if self._desk.muted_until_ms(one, now_ms) is not None],
            hold_ms={one.id: book.of(one.finding.database).hold_ms for one in alarms.values()},
        )
        message = None
        if choice.items:
            text = digest(choice.items, lane.to, book.territory, now_ms=now_ms)
            name = self._post.identity(secrets.token_hex(6))
            message = Message(0, lane, address, name, text, now_ms, now_ms)
        elif not choice.dropped:
            self._quiet_until[lane] = now_ms + self._linger_ms
            return
        pace = next_pace(pace, lane, now_ms=now_ms)
        self._post.compose(message, choice.notices, dropped=choice.dropped, pace=pace)

    def _address(self, book: RuleBook, lane: Lane) -> str:
        contact = book.contact(lane.to)
        return "" if contact is None else address_of(contact, lane.channel)

    def _begin(self, message: Message, now_ms: int) -> Message | None:
        """Note that it is about to be handed over; None: not now, or not any more."""
        with self._desk.locked():
            book = self._desk.book
            assert book is not None
            if now_ms - message.composed_ms >= self._expire_ms:
                self._end(message, Fate.EXPIRED, now_ms, message.reason)
                return None
            if message.lane.channel not in self._channels or not self._may_speak(book, message.lane, now_ms):
                return None
            address = self._address(book, message.lane)
            if not address:
                self._end(message, Fate.REFUSED, now_ms, "the contact is gone")
                return None
            due_ms = now_ms + retry_ms(message.attempts + 1)
            return self._post.begin_attempt(message, address=address, due_ms=due_ms)

    def _end(self, message: Message, fate: Fate, now_ms: int, reason: str = "") -> None:
        with self._desk.locked():
            self._post.end_attempt(message, fate, at_ms=now_ms, reason=reason)
        to = message.lane.to
        told = {"message": message.identity, "owner": to.owner, "contact": to.name, "attempt": message.attempts}
        match fate:
            case Fate.SENT:
                _log.info("notice.sent", **told)
            case Fate.WAITING:
                _log.warning("notice.postponed", reason=reason, **told)
            case Fate.REFUSED | Fate.EXPIRED:
                _log.error("notice.given_up", fate=str(fate), reason=reason, **told)
