"""The entries of the quarantine and the file they lie in."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from cloud.sqlitefile import Layout
from core.model import RowClass, RowId

FILE_NAME: Final = "quarantine.sqlite"
OVERHEAD: Final = 512  # bytes an entry costs beside its body
AUDIT: Final = 10_000  # replayed entries remembered, without their bodies

COLUMNS: Final = (
    *("kind", "reason", "message", "hint", "topic", "body", "edge", "spool_id", "row_class", "seq", "boot"),
    *("offset_ms", "database", "version", "first_seen_ms", "last_seen_ms", "seen", "replayed_ms"),
)
INSERT: Final = (
    "INSERT INTO entry (name, kind, reason, message, hint, topic, body, edge, spool_id, row_class, seq, boot,"
    " offset_ms, database, version, first_seen_ms, last_seen_ms, seen)"
    " VALUES (:name, :kind, :reason, :message, :hint, :topic, :body, :edge, :spool_id, :row_class, :seq, :boot,"
    " :offset_ms, :database, :version, :now_ms, :now_ms, 1)"
)
LAYOUT: Final = Layout(
    name="quarantine",
    application_id=0x42465251,  # "BFRQ"
    version=1,
    tables=(
        "CREATE TABLE entry (id INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL UNIQUE, kind TEXT NOT NULL,"
        " reason TEXT NOT NULL, message TEXT NOT NULL, hint TEXT NOT NULL, topic TEXT NOT NULL, body BLOB NOT NULL,"
        " edge TEXT NOT NULL, spool_id TEXT NOT NULL, row_class TEXT NOT NULL, seq INTEGER NOT NULL,"
        " boot TEXT NOT NULL, offset_ms INTEGER, database TEXT NOT NULL, version TEXT NOT NULL,"
        " first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL, seen INTEGER NOT NULL, replayed_ms INTEGER)",
        "CREATE INDEX entry_reason ON entry (reason)",
    ),
)


class Kind(StrEnum):
    ROW = "row"
    MESSAGE = "message"
    POINT = "point"


NO_ROW: Final = RowId("", RowClass.DIAGNOSTIC, 0)


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a row or point came from: what a replay needs to know beside the bytes."""

    edge: str = ""
    row_id: RowId = NO_ROW
    boot: str = ""
    offset_ms: int | None = None
    topic: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. `body`: the row's stored bytes, the whole message, or the point as JSON; empty once replayed and in
    `entries`. `edge` to `offset_ms` say where a row or point came from; `version`: of the worker that refused it."""

    id: int
    kind: Kind
    reason: str
    message: str
    hint: str
    topic: str
    body: bytes
    edge: str
    spool_id: str
    row_class: str
    seq: int
    boot: str
    offset_ms: int | None
    database: str
    version: str
    first_seen_ms: int
    last_seen_ms: int
    seen: int
    replayed_ms: int | None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What is held. `rows` are in the balance; `bytes` against `limit_bytes` (0 for a reader)."""

    rows: int
    messages: int
    points: int
    replayed: int
    bytes: int
    limit_bytes: int
    reasons: Mapping[str, int]


def entry_of(row: tuple[object, ...]) -> Entry:
    return msgspec.convert(dict(zip(("id", *COLUMNS), row, strict=True)), Entry)


def text(text: str) -> str:
    """Text that SQLite can carry: a topic may hold bytes that no UTF-8 has."""
    return text.encode("utf-8", "backslashreplace").decode()
