"""The alarms of one worker: what the loop asks of them, what people ask of them, and the messages that go out.

`look` is the loop's; `deliver` is to be called every few seconds by a thread of its own, so that a slow mail server
delays no look; the verbs are the control socket's. What is promised of messages: each change is kept with what people
are to be told of it in one transaction, and an attempt is kept before it is made and after it succeeded. So nothing is
lost and nothing is made twice; a message is *sent* twice only if the process dies, or the answer is lost, between the
other side's acceptance and our note of it. Both then have the same identity.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from cloud.stores.base import Point
from cloud.watch.alarms import engine
from cloud.watch.alarms.alarm import SHOWN, Alarm, AlarmState, Change, ChannelName, Mute, Step
from cloud.watch.alarms.delivery import Delivery
from cloud.watch.alarms.journal import Journal, Sending
from cloud.watch.alarms.messages import Channel, Lane
from cloud.watch.alarms.outbox import address_of
from cloud.watch.alarms.points import alarm_point
from cloud.watch.alarms.road import notify_findings
from cloud.watch.alarms.rules import RuleBook
from cloud.watch.model import About, Finding, FindingKey, Severity
from core import log
from core.ports.control import Verb
from core.territory import OPERATOR, Territory

_log = log.get(__name__)
_FAILING_ATTEMPTS: Final = 3
_DAY_MS: Final = 24 * 3_600_000
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
        self._channels = channels
        self._lock = threading.RLock()
        self._book = None if territory is None else RuleBook(territory)
        self._open = journal.open_alarms()
        self._mutes = journal.mutes()
        self._next_id = journal.next_id()
        self._has_looked = False
        self._handed: dict[_PointKey, int] = {}  # points that the loop was given
        self._delivery = Delivery(self, channels, linger_ms=linger_ms, expire_ms=expire_ms)

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
        """Once no message is being sent."""
        with self._delivery.at_rest(), self._lock:
            self._journal.close()

    @property
    def book(self) -> RuleBook | None:
        """The rules of the last look."""
        return self._book

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
                self._say_who_is_out_of_reach(self._book)
            failing = self._journal.post.failing(attempts=_FAILING_ATTEMPTS, since_ms=now_ms - _DAY_MS)
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

    def verbs(self, now_ms: Callable[[], int]) -> dict[str, Verb]:
        """What people ask: `alarm.list`, `.ack`, `.mute`, `.history`; for the control socket as they are."""
        from cloud.watch.alarms.verbs import alarm_verbs  # it is made of this class

        return alarm_verbs(self, now_ms)

    @property
    def journal(self) -> Journal:
        """To be read under `locked`."""
        return self._journal

    def locked(self) -> contextlib.AbstractContextManager[bool]:
        """Keeps the others out while something is read."""
        return self._lock

    def alarms(self, numbers: Iterable[int]) -> dict[int, Alarm]:
        """By their ids, as they are now; those that are forgotten are left out."""
        with self._lock:
            wanted = set(numbers)
            known = {alarm.id: alarm for alarm in self._open.values() if alarm.id in wanted}
            return known | self._journal.alarms(wanted - known.keys())

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
        return self._delivery.deliver(now_ms)

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

    def _say_who_is_out_of_reach(self, book: RuleBook) -> None:
        """Contacts whose addresses are of channels that the settings do not name."""
        missed = [
            f"{owner}/{contact.name}"
            for owner in (*book.territory.tenants, OPERATOR)
            for contact in book.of(owner).contacts
            if not any(address_of(contact, channel) for channel in self._channels)
        ]
        if missed:
            _log.warning(
                "contact.out_of_reach", contacts=missed, hint="[notify.smtp] or [notify.webhook] of the settings"
            )

    def _unwritten(self) -> list[tuple[str, Point]]:
        waiting = self._journal.unwritten()
        self._handed = {_key(database, point): number for number, database, point in waiting}
        return [(database, point) for _, database, point in waiting]


def _key(database: str, point: Point) -> _PointKey:
    return database, point.measurement, tuple(sorted(point.tags.items())), point.time_us
