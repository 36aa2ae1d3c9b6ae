"""The part of the journal that people are told by: notices, the messages made of them, and how far each has come."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cloud.sqlitefile import Layout, snapshot, transaction
from cloud.watch.alarms.alarm import ChannelName, Recipient, Step
from cloud.watch.alarms.messages import Fate, Lane, Message, Notice, Pace, Text, Waiting

_MESSAGE = (
    "id, owner, contact, channel, urgent, address, identity, text,"
    " composed_ms, due_ms, attempts, fate, ended_ms, reason"
)
_encode = msgspec.json.Encoder().encode
_text = msgspec.json.Decoder(Text)


class Telling(msgspec.Struct, frozen=True):
    """Somebody was told of an alarm, or is to be. `dropped`: why not, after all."""

    step: Step
    at_ms: int
    lane: Lane
    message: Message | None = None
    dropped: str = ""


class Post:
    """Of one journal. Every method is one transaction, durable when it returns.

    Raises:
        StorageError: `watch.…`, from any method.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, layout: Layout) -> None:
        self._connection, self._path, self._layout = connection, path, layout

    def identity(self, fresh: str) -> str:
        """The name of this journal, given to it once: no other journal's messages have it.

        Args:
            fresh: its name, if it has none yet.
        """
        rows = self._all("SELECT name FROM identity")
        if rows:
            return str(rows[0][0])
        with self._transaction():
            self._connection.execute("INSERT INTO identity VALUES (?)", (fresh,))
        return fresh

    def waiting(self) -> list[Waiting]:
        """The lanes in which notices wait for a message."""
        rows = self._all(
            "SELECT owner, contact, channel, urgent, min(at_ms), count(*) FROM notice"
            " WHERE message IS NULL AND dropped IS NULL GROUP BY owner, contact, channel, urgent"
        )
        return [Waiting(_lane(*lane), oldest_ms, count) for *lane, oldest_ms, count in rows]

    def notices(self, lane: Lane) -> list[Notice]:
        """Those that wait in a lane, in their order."""
        rows = self._all(
            "SELECT id, alarm, step, at_ms, EXISTS (SELECT 1 FROM notice AS told WHERE told.alarm = notice.alarm"
            " AND told.owner = notice.owner AND told.contact = notice.contact AND told.message IS NOT NULL)"
            " FROM notice WHERE owner = ? AND contact = ? AND channel = ? AND urgent = ?"
            " AND message IS NULL AND dropped IS NULL ORDER BY id",
            *columns(lane),
        )
        return [Notice(number, alarm, Step(step), at_ms, bool(told)) for number, alarm, step, at_ms, told in rows]

    def compose(
        self,
        message: Message | None,
        notices: Iterable[int],
        *,
        dropped: Mapping[int, str],
        pace: Pace | None = None,
    ) -> None:
        """Notices become a message, whose `id` is given here and ends its `identity`; others are dropped, and why.

        Args:
            message: None: nothing is to be said.
            pace: of its lane from now on.
        """
        with self._transaction():
            if message is not None:
                names = "owner, contact, channel, urgent, address, identity, text, composed_ms, due_ms, attempts, fate"
                number = self._connection.execute(
                    f"INSERT INTO message ({names}, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '')",  # noqa: S608
                    (
                        *columns(message.lane),
                        message.address,
                        message.identity,
                        _encode(message.text).decode(),
                        message.composed_ms,
                        message.due_ms,
                        str(Fate.WAITING),
                    ),
                ).lastrowid
                self._connection.execute("UPDATE message SET identity = identity || '-' || id WHERE id = ?", (number,))
                self._connection.executemany(
                    "UPDATE notice SET message = ? WHERE id = ?", [(number, notice) for notice in notices]
                )
                if pace is not None:
                    self._connection.execute(
                        "INSERT OR REPLACE INTO pace VALUES (?, ?, ?, ?, ?, ?)", (*columns(message.lane), *pace)
                    )
            self._connection.executemany(
                "UPDATE notice SET dropped = ? WHERE id = ?", [(why, notice) for notice, why in dropped.items()]
            )

    def paces(self) -> dict[Lane, Pace]:
        rows = self._all("SELECT owner, contact, channel, urgent, next_ms, gap_ms FROM pace")
        return {_lane(*row[:4]): Pace(*row[4:]) for row in rows}

    def message(self, number: int) -> Message:
        return _message(self._all(f"SELECT {_MESSAGE} FROM message WHERE id = ?", number)[0])  # noqa: S608

    def messages(self, fate: Fate) -> list[Message]:
        """The oldest first."""
        query = f"SELECT {_MESSAGE} FROM message WHERE fate = ? ORDER BY id"  # noqa: S608
        return [_message(row) for row in self._all(query, str(fate))]

    def begin_attempt(self, message: Message, *, address: str, due_ms: int) -> Message:
        """It is about to be handed over. Should nobody ever say how that ended, it is due again at `due_ms`."""
        with self._transaction():
            self._connection.execute(
                "UPDATE message SET attempts = attempts + 1, due_ms = ?, address = ? WHERE id = ?",
                (due_ms, address, message.id),
            )
        return msgspec.structs.replace(message, address=address, attempts=message.attempts + 1, due_ms=due_ms)

    def end_attempt(self, message: Message, fate: Fate, *, at_ms: int, reason: str = "") -> None:
        """How it ended; `waiting`: it is due again as `begin_attempt` said."""
        ended_ms = None if fate is Fate.WAITING else at_ms
        with self._transaction():
            self._connection.execute(
                "UPDATE message SET fate = ?, ended_ms = ?, reason = ? WHERE id = ?",
                (str(fate), ended_ms, reason, message.id),
            )

    def failing(self, *, attempts: int, since_ms: int) -> list[Message]:
        """Those that were tried so often in vain, and those that were given up since then."""
        query = (
            f"SELECT {_MESSAGE} FROM message WHERE (fate = ? AND attempts >= ? AND reason <> '')"  # noqa: S608
            " OR (fate IN (?, ?) AND ended_ms >= ?) ORDER BY id"
        )
        rows = self._all(query, str(Fate.WAITING), attempts, str(Fate.REFUSED), str(Fate.EXPIRED), since_ms)
        return [_message(row) for row in rows]

    def tellings(self, number: int) -> list[Telling]:
        """Who was told of an alarm, or is to be."""
        rows = self._all(
            "SELECT owner, contact, channel, urgent, step, at_ms, message, dropped FROM notice"
            " WHERE alarm = ? ORDER BY id",
            number,
        )
        messages = {one: self.message(one) for one in {row[6] for row in rows} if one is not None}
        return [
            Telling(Step(step), at_ms, _lane(*lane), messages.get(message), dropped or "")
            for *lane, step, at_ms, message, dropped in rows
        ]

    def _transaction(self) -> Any:
        return transaction(self._connection, self._path, self._layout)

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with snapshot(self._connection, self._path, self._layout):
            return self._connection.execute(query, values).fetchall()


def columns(lane: Lane) -> tuple[str, str, str, int]:
    """A lane in the tables: owner, contact, channel, urgent."""
    return lane.to.owner, lane.to.name, str(lane.channel), int(lane.urgent)


def _lane(owner: str, contact: str, channel: str, urgent: int) -> Lane:
    return Lane(Recipient(owner, contact), ChannelName(channel), bool(urgent))


def _message(row: Sequence[Any]) -> Message:
    number, owner, contact, channel, urgent, address, identity, text, composed_ms, due_ms, attempts, fate = row[:12]
    lane = _lane(owner, contact, channel, urgent)
    ended_ms, reason = row[12:]
    return Message(
        number, lane, address, identity, _text.decode(text), composed_ms, due_ms, attempts, Fate(fate), ended_ms, reason
    )
