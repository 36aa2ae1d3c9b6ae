"""The alarms of one worker: what the loop asks of them, what people ask of them, and the messages that go out.

`look` is the loop's; `deliver` is to be called every few seconds by a thread of its own, so that a slow mail server
delays no look; the verbs are the control socket's. What is promised of messages: each change is kept with what people
are to be told of it in one transaction, and an attempt is kept before it is made and after it succeeded. So nothing is
lost and nothing is made twice; a message is *sent* twice only if the process dies, or the answer is lost, between the
other side's acceptance and our note of it. Both then have the same identity.
"""

import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from cloud.stores.base import Point
from cloud.watch.alarms import engine
from cloud.watch.alarms.alarm import SHOWN, Alarm, AlarmState, Change, ChannelName, Mute, Step
from cloud.watch.alarms.digest import digest
from cloud.watch.alarms.journal import Journal, Sending
from cloud.watch.alarms.messages import Channel, Fate, Lane, Message, Pace
from cloud.watch.alarms.outbox import address_of, choose, is_due, next_pace, retry_ms
from cloud.watch.alarms.points import alarm_point
from cloud.watch.alarms.road import notify_findings
from cloud.watch.alarms.rules import RuleBook, is_quiet
from cloud.watch.model import About, Finding, FindingKey, Severity
from core import log
from core.errors import LinkError, NotConnected, RejectedError
from core.territory import Territory

_log = log.get(__name__)
_FAILING_ATTEMPTS: Final = 3
_DAY_MS: Final = 24 * 3_600_000
_KEEP_MS: Final = 400 * _DAY_MS  # what is over: one year, and a month to look back at it
_PointKey = tuple[str, str, tuple[tuple[str, str], ...], int]


class AlarmDesk:
    """Every method may be called from any thread. `close` it.

    Args:
        channels: the ways to people; a contact's address of another kind is passed over.
        linger_ms: how long a message waits for what happens at the same time.
        expire_ms: how long a message is tried.
        territory: for names, before the first look.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        channels: Mapping[ChannelName, Channel],
        linger_ms: int,
        expire_ms: int,
        territory: Territory | None = None,
    ) -> None:
        self._journal = journal
        self._post = journal.post
        self._channels = channels
        self._linger_ms = linger_ms
        self._expire_ms = expire_ms
        self._lock = threading.RLock()
        self._delivering = threading.Lock()
        self._book = None if territory is None else RuleBook(territory)
        self._open = journal.open_alarms()
        self._mutes = journal.mutes()
        self._next_id = journal.next_id()
        self._has_looked = False
        self._handed: dict[_PointKey, int] = {}  # points that the loop was given
        self._quiet_until: dict[Lane, int] = {}  # lanes in which nothing can be said yet
        self._trimmed_ms = 0

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        channels: Mapping[ChannelName, Channel] | None = None,
        linger_s: float = 60.0,
        expire_h: float = 72.0,
        territory: Territory | None = None,
        read_only: bool = False,
    ) -> Self:
        """The alarms of the worker whose folder this is.

        Raises:
            StorageError: `watch.…`.
        """
        return cls(
            Journal.open(folder, read_only=read_only),
            channels=channels or {},
            linger_ms=round(linger_s * 1000),
            expire_ms=round(expire_h * 3_600_000),
            territory=territory,
        )

    def close(self) -> None:
        with self._delivering, self._lock:
            self._journal.close()

    @property
    def territory(self) -> Territory | None:
        """Of the last look."""
        return None if self._book is None else self._book.territory

    def look(
        self, findings: Mapping[FindingKey, Finding], territory: Territory, now_ms: int
    ) -> list[tuple[str, Point]]:
        """Take note of all that holds now: what of it is new, lasts, or is over.

        Args:
            findings: every one, of the detectors, groups and `road` alike. While the store cannot be read: the last
                that were found, and `road`'s, so that people hear of the store too.

        Returns:
            Database and point, to be written; given again at each look until `written`.

        Raises:
            StorageError: nothing of it was kept; look again.
        """
        with self._lock:
            if self._book is None or self._book.territory is not territory:
                self._book = RuleBook(territory)
            failing = self._post.failing(attempts=_FAILING_ATTEMPTS, since_ms=now_ms - _DAY_MS)
            own = {finding.key: finding for finding in notify_findings(failing)}
            outcome = engine.look(
                self._open,
                {**findings, **own} if own else findings,
                self._mutes,
                self._book,
                now_ms=now_ms,
                next_id=self._next_id,
            )
            again: list[Alarm] = []
            if not self._has_looked:
                # the worker, too, writes points of its own conditions as it starts: ours are the newer ones
                changed = {change.alarm.id for change in outcome.changes}
                again = [
                    alarm
                    for alarm in self._open.values()
                    if alarm.finding.about is About.ROAD and alarm.id not in changed and alarm.gone_ms is None
                ]
            self._record(outcome.changes, again=again, now_ms=now_ms)
            self._open.update((alarm.key, alarm) for alarm in outcome.seen)
            self._has_looked = True
            return self._unwritten()

    def written(self, points: Iterable[tuple[str, Point]]) -> None:
        """These are in the store, or it will never take them."""
        with self._lock:
            numbers = [self._handed.pop(key) for one in points if (key := _key(*one)) in self._handed]
            if numbers:
                self._journal.forget_points(numbers)

    def holding(self) -> list[Alarm]:
        """The alarms that are not cleared, the oldest first."""
        with self._lock:
            return sorted(self._open.values(), key=lambda alarm: alarm.id)

    @property
    def journal(self) -> Journal:
        """To be read under `locked`."""
        return self._journal

    def locked(self) -> threading.RLock:
        """Keeps the others out while something is read."""
        return self._lock

    def muted_until_ms(self, alarm: Alarm, now_ms: int) -> int | None:
        mute = self._mutes.get(alarm.key)
        return None if mute is None or mute.until_ms <= now_ms else mute.until_ms

    def acknowledge(self, alarms: Sequence[Alarm], *, by: str, note: str, now_ms: int) -> list[Alarm]:
        """Somebody takes these up.

        Raises:
            OperatorError: `alarm.cleared`; then none of them is.
        """
        with self._lock:
            changes = [engine.acknowledge(alarm, by=by, note=note, now_ms=now_ms) for alarm in alarms]
            self._record(changes, now_ms=now_ms)
            return [change.alarm for change in changes]

    def mute(self, alarms: Sequence[Alarm], *, until_ms: int, by: str, note: str, now_ms: int) -> None:
        """Nobody is told of these before `until_ms`, nor of the next of the same kind and subject."""
        with self._lock:
            mutes = {alarm.key: Mute(until_ms, by, note) for alarm in alarms}
            self._record(
                [Change(alarm, Step.MUTED, now_ms, by=by, note=note) for alarm in alarms], mutes=mutes, now_ms=now_ms
            )

    def deliver(self, now_ms: int) -> int:
        """Send what is due. It takes as long as the other sides do: call it from a thread of its own.

        Returns:
            How many messages were taken.

        Raises:
            StorageError: the journal cannot be written; nothing is sent that could not be noted before.
        """
        with self._delivering:
            with self._lock:
                if self._book is None or not self._channels:
                    return 0
                self._compose(self._book, now_ms)
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

    def _record(
        self,
        changes: Sequence[Change],
        *,
        now_ms: int,
        again: Sequence[Alarm] = (),
        mutes: Mapping[FindingKey, Mute] | None = None,
    ) -> None:
        points = [
            (change.alarm.finding.database, alarm_point(change.alarm, change.at_ms, self.territory))
            for change in changes
            if change.step in SHOWN
        ]
        points += [(alarm.finding.database, alarm_point(alarm, now_ms, self.territory)) for alarm in again]
        self._journal.record([Sending(change, self._lanes(change)) for change in changes], points, mutes or {})
        for change in changes:
            alarm = change.alarm
            if alarm.state is AlarmState.CLEARED:
                self._open.pop(alarm.key, None)
            else:
                self._open[alarm.key] = alarm
            self._next_id = max(self._next_id, alarm.id + 1)
            if change.step in (Step.RAISED, Step.WORSENED, Step.ESCALATED, Step.CLEARED):
                _log.info(
                    "alarm." + change.step, alarm=alarm.id, kind=alarm.finding.kind, subject=alarm.finding.subject
                )
        self._mutes.update(mutes or {})

    def _lanes(self, change: Change) -> list[Lane]:
        if self._book is None or not change.to:
            return []
        urgent = change.alarm.finding.severity is Severity.CRITICAL and change.step is not Step.CLEARED
        return [
            Lane(to, channel, urgent)
            for to in change.to
            if (contact := self._book.contact(to)) is not None
            for channel in self._channels
            if address_of(contact, channel)
        ]

    def _unwritten(self) -> list[tuple[str, Point]]:
        waiting = self._journal.unwritten()
        self._handed = {_key(database, point): number for number, database, point in waiting}
        return [(database, point) for _, database, point in waiting]

    def _compose(self, book: RuleBook, now_ms: int) -> None:
        """Make messages of what has waited long enough, one at a time in each lane."""
        if now_ms - self._trimmed_ms >= _DAY_MS:
            self._journal.trim(now_ms - _KEEP_MS)
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
        alarms = {alarm.id: alarm for alarm in self._open.values()}
        alarms |= self._journal.alarms({notice.alarm for notice in notices} - alarms.keys())
        concerned = [alarms[number] for number in {notice.alarm for notice in notices} & alarms.keys()]
        choice = choose(
            notices,
            alarms,
            urgent=lane.urgent,
            muted=[one.id for one in concerned if self.muted_until_ms(one, now_ms) is not None],
            hold_ms={one.id: book.of(one.finding.database).hold_ms for one in concerned},
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
        with self._lock:
            book = self._book
            assert book is not None
            if message.lane.channel not in self._channels or not self._may_speak(book, message.lane, now_ms):
                return None
            if now_ms - message.composed_ms >= self._expire_ms:
                self._end(message, Fate.EXPIRED, now_ms, message.reason)
                return None
            address = self._address(book, message.lane)
            if not address:
                self._end(message, Fate.REFUSED, now_ms, "the contact is gone")
                return None
            due_ms = now_ms + retry_ms(message.attempts + 1)
            return self._post.begin_attempt(message, address=address, due_ms=due_ms)

    def _end(self, message: Message, fate: Fate, now_ms: int, reason: str = "") -> None:
        with self._lock:
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


def _key(database: str, point: Point) -> _PointKey:
    return database, point.measurement, tuple(sorted(point.tags.items())), point.time_us
