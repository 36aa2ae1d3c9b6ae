"""What the alarms must not forget, in `<worker's folder>/watch.sqlite`: alarms with what happened to them, mutes, what
people are to be told, and the points that the store does not have yet. A change, its point and its notices are one
transaction."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import msgspec

from cloud.sqlitefile import Layout, open_reader, open_writer, snapshot, transaction
from cloud.stores.base import Point
from cloud.watch.alarms.alarm import Alarm, Change, Mute, Step
from cloud.watch.alarms.messages import Lane
from cloud.watch.alarms.post import Post, columns
from cloud.watch.model import FindingKey
from core.errors import StorageError

FILE_NAME: Final = "watch.sqlite"
_LAYOUT: Final = Layout(
    name="watch",
    application_id=0x42465257,  # "BFRW"
    version=1,
    tables=(
        "CREATE TABLE identity (name TEXT NOT NULL)",
        "CREATE TABLE alarm (id INTEGER PRIMARY KEY AUTOINCREMENT, database TEXT NOT NULL, kind TEXT NOT NULL,"
        " subject TEXT NOT NULL, commune TEXT NOT NULL, state TEXT NOT NULL, raised_ms INTEGER NOT NULL,"
        " cleared_ms INTEGER, body TEXT NOT NULL)",
        # whatever happens, no key has two alarms at a time
        "CREATE UNIQUE INDEX alarm_open ON alarm (database, kind, subject) WHERE cleared_ms IS NULL",
        "CREATE INDEX alarm_cleared ON alarm (cleared_ms) WHERE cleared_ms IS NOT NULL",
        "CREATE TABLE entry (id INTEGER PRIMARY KEY, alarm INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
        " step TEXT NOT NULL, by TEXT NOT NULL, note TEXT NOT NULL)",
        "CREATE INDEX entry_alarm ON entry (alarm)",
        "CREATE TABLE mute (database TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,"
        " until_ms INTEGER NOT NULL, by TEXT NOT NULL, note TEXT NOT NULL,"
        " PRIMARY KEY (database, kind, subject)) WITHOUT ROWID",
        "CREATE TABLE notice (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, contact TEXT NOT NULL,"
        " channel TEXT NOT NULL, urgent INTEGER NOT NULL, alarm INTEGER NOT NULL, step TEXT NOT NULL,"
        " at_ms INTEGER NOT NULL, message INTEGER,"
        " dropped TEXT)",
        "CREATE INDEX notice_waiting ON notice (owner, contact, channel, urgent, at_ms)"
        " WHERE message IS NULL AND dropped IS NULL",
        "CREATE INDEX notice_alarm ON notice (alarm)",
        "CREATE INDEX notice_message ON notice (message) WHERE message IS NOT NULL",
        "CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, contact TEXT NOT NULL,"
        " channel TEXT NOT NULL, urgent INTEGER NOT NULL, address TEXT NOT NULL, identity TEXT NOT NULL,"
        " text TEXT NOT NULL, composed_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,"
        " fate TEXT NOT NULL, ended_ms INTEGER, reason TEXT NOT NULL)",
        "CREATE INDEX message_fate ON message (fate)",
        "CREATE TABLE pace (owner TEXT NOT NULL, contact TEXT NOT NULL, channel TEXT NOT NULL, urgent INTEGER NOT NULL,"
        " next_ms INTEGER NOT NULL, gap_ms INTEGER NOT NULL, PRIMARY KEY (owner, contact, channel, urgent))"
        " WITHOUT ROWID",
        "CREATE TABLE point (id INTEGER PRIMARY KEY AUTOINCREMENT, database TEXT NOT NULL, point TEXT NOT NULL)",
    ),
)
_ALARM = (
    "INSERT INTO alarm VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
    " commune = excluded.commune, state = excluded.state, cleared_ms = excluded.cleared_ms, body = excluded.body"
)
_encode = msgspec.json.Encoder().encode
_alarm = msgspec.json.Decoder(Alarm)
_point = msgspec.json.Decoder(Point)


class Entry(msgspec.Struct, frozen=True):
    """Something that happened to an alarm."""

    alarm: int
    at_ms: int
    step: Step
    by: str = ""
    note: str = ""


class Sending(NamedTuple):
    """A change's notices go into these lanes."""

    change: Change
    lanes: Sequence[Lane]


class Journal:
    """Every method is one transaction, durable when it returns. Used by one thread at a time. `post`: what people are
    to be told.

    Raises:
        StorageError: `watch.…`, from any method.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """
        Raises:
            StorageError: `watch.none`: read-only, and there is no such file.
        """
        self._path = path
        connection = open_reader(path, _LAYOUT) if read_only else open_writer(path, _LAYOUT)
        if connection is None:
            raise StorageError("watch.none", f"there is no {path}", hint="the watch of `beffroi cloud run` makes it")
        self._connection = connection
        self.post = Post(connection, path, _LAYOUT)

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = False) -> Self:
        """The worker's journal, made when absent."""
        return cls(folder / FILE_NAME, read_only=read_only)

    def close(self) -> None:
        self._connection.close()

    # alarms

    def open_alarms(self) -> dict[FindingKey, Alarm]:
        """Those that are not cleared."""
        rows = self._all("SELECT body FROM alarm WHERE cleared_ms IS NULL ORDER BY id")
        return {alarm.key: alarm for (body,) in rows if (alarm := _alarm.decode(body))}

    def next_id(self) -> int:
        """Of an alarm; never given twice."""
        rows = self._all("SELECT seq FROM sqlite_sequence WHERE name = 'alarm'")
        return int(rows[0][0]) + 1 if rows else 1

    def alarm(self, number: int) -> Alarm | None:
        rows = self._all("SELECT body FROM alarm WHERE id = ?", number)
        return _alarm.decode(rows[0][0]) if rows else None

    def alarms(self, numbers: Iterable[int]) -> dict[int, Alarm]:
        """By their ids; those that are unknown are left out."""
        found: dict[int, Alarm] = {}
        with snapshot(self._connection, self._path, _LAYOUT):
            for number in numbers:
                row = self._connection.execute("SELECT body FROM alarm WHERE id = ?", (number,)).fetchone()
                if row is not None:
                    found[number] = _alarm.decode(row[0])
        return found

    def cleared(self, *, limit: int) -> list[Alarm]:
        """The last that were cleared, the newest first."""
        query = "SELECT body FROM alarm WHERE cleared_ms IS NOT NULL ORDER BY cleared_ms DESC, id DESC LIMIT ?"
        return [_alarm.decode(body) for (body,) in self._all(query, limit)]

    def record(
        self,
        sendings: Sequence[Sending],
        points: Sequence[tuple[str, Point]],
        mutes: Mapping[FindingKey, Mute] = {},
    ) -> None:
        """Changes in their order, what people are to be told of them, and the points that the store is to have."""
        if not (sendings or points or mutes):
            return
        rows = [_row(sending.change.alarm) for sending in sendings]
        with self._transaction():
            run = self._connection.executemany
            run(_ALARM, rows)
            run(
                "INSERT INTO entry (alarm, at_ms, step, by, note) VALUES (?, ?, ?, ?, ?)",
                [(one.alarm.id, one.at_ms, str(one.step), one.by, one.note) for one, _ in sendings],
            )
            run(
                "INSERT INTO notice (owner, contact, channel, urgent, alarm, step, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (*columns(lane), change.alarm.id, str(change.step), change.at_ms)
                    for change, lanes in sendings
                    for lane in lanes
                ],
            )
            run(
                "INSERT INTO point (database, point) VALUES (?, ?)",
                [(database, _encode(point).decode()) for database, point in points],
            )
            run(
                "INSERT OR REPLACE INTO mute VALUES (?, ?, ?, ?, ?, ?)",
                [(*key, mute.until_ms, mute.by, mute.note) for key, mute in mutes.items()],
            )

    def mutes(self) -> dict[FindingKey, Mute]:
        rows = self._all("SELECT database, kind, subject, until_ms, by, note FROM mute")
        return {FindingKey(*row[:3]): Mute(*row[3:]) for row in rows}

    def entries(self, number: int) -> list[Entry]:
        """What happened to an alarm, in its order."""
        rows = self._all("SELECT alarm, at_ms, step, by, note FROM entry WHERE alarm = ? ORDER BY id", number)
        return [Entry(alarm, at_ms, Step(step), by, note) for alarm, at_ms, step, by, note in rows]

    # points that the store does not have yet

    def unwritten(self) -> list[tuple[int, str, Point]]:
        """Number, database, point; the oldest first."""
        rows = self._all("SELECT id, database, point FROM point ORDER BY id")
        return [(number, database, _point.decode(point)) for number, database, point in rows]

    def forget_points(self, numbers: Iterable[int]) -> None:
        """The store has them."""
        with self._transaction():
            self._connection.executemany("DELETE FROM point WHERE id = ?", [(number,) for number in numbers])

    def trim(self, before_ms: int) -> None:
        """Forget the alarms that were cleared before that, and the messages that ended before it."""
        old = "(SELECT id FROM alarm WHERE cleared_ms < ?)"
        with self._transaction():
            run = self._connection.execute
            run(f"DELETE FROM entry WHERE alarm IN {old}", (before_ms,))  # noqa: S608
            run(f"DELETE FROM notice WHERE alarm IN {old}", (before_ms,))  # noqa: S608
            run("DELETE FROM alarm WHERE cleared_ms < ?", (before_ms,))
            run(
                "DELETE FROM message WHERE ended_ms < ?"
                " AND NOT EXISTS (SELECT 1 FROM notice WHERE notice.message = message.id)",
                (before_ms,),
            )
            run("DELETE FROM mute WHERE until_ms < ?", (before_ms,))

    def _transaction(self) -> Any:
        return transaction(self._connection, self._path, _LAYOUT)

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with snapshot(self._connection, self._path, _LAYOUT):
            return self._connection.execute(query, values).fetchall()


def _row(alarm: Alarm) -> tuple[object, ...]:
    commune = alarm.finding.commune
    body = _encode(alarm).decode()
    return (alarm.id, *alarm.key, commune, str(alarm.state), alarm.raised_ms, alarm.cleared_ms, body)
