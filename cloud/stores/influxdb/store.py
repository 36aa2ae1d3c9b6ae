"""`cloud.stores.base.Store` over one InfluxDB, 1.8 or later or 2.x: a database (a pair of buckets) a tenant.

Databases, policies and accounts are made by `beffroi territory apply --only influxdb`, never here. Retention is the
database's own. Points go to its policy `raw`, `ROLLUPS` to `long`.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlencode

from cloud.stores.base import KEY, Point, Rejected
from cloud.stores.checks import MAX_TIME_US
from cloud.stores.influxdb import packs, queries
from cloud.stores.influxdb.answers import TYPE_CONFLICT, Series, asked, told, written
from cloud.stores.influxdb.client import Client
from cloud.stores.influxdb.credentials import Credentials
from cloud.stores.influxdb.database import Database
from cloud.stores.influxdb.deleting import Deletion, delete_v1, delete_v2, is_v2
from cloud.stores.influxdb.kinds import Kinds
from cloud.stores.influxdb.latest import newest, newest_since
from cloud.stores.influxdb.lines import MARK
from cloud.stores.influxdb.quiet import Quiet
from cloud.stores.influxdb.rows import points_of_table, tags_of
from cloud.stores.influxdb.sending import Sender
from core.errors import LinkError, NotConnected, StorageError
from core.topics import SLUG

_PATIENCE: Final = 6  # a deletion goes through every shard, and one that is given up is begun again
_NUMBERS: Final = ("float", "integer")


class InfluxStore:
    """Thread-safe; two threads that write to one database do so side by side, and one that writes much makes two
    requests at once."""

    def __init__(
        self,
        client: Client,
        credentials: Credentials,
        *,
        organisation: str,
        read_only: bool,
        now_ns: Callable[[], int],
    ) -> None:
        self._client = client
        self._credentials = credentials
        self._organisation = organisation
        self._read_only = read_only
        self._databases: dict[str, Database] = {}
        self._existing: set[str] = set()
        self._marks: dict[tuple[str, str], Sequence[str]] = {}  # by database and measurement
        self._is_v2: bool | None = None
        self._lock = threading.Lock()
        self._sender = Sender(client, credentials, organisation=organisation, on_refusal=self._forget)
        self._now_ns = now_ns
        self._next_stamp = 0

    @classmethod
    def open(
        cls,
        url: str,
        *,
        secrets: Path | None,
        read_only: bool = False,
        organisation: str = "-",
        timeout_s: float = 10.0,
        ca: Path | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> Self:
        """The store behind a URL; nothing is asked of it yet.

        Args:
            secrets: the file with what opens each database; None where the server asks for nothing.
            organisation: of a 2.x server; 1.x does not look at it.
            timeout_s: how long one answer may take.
            now_ns: tells writes of one point apart, in the order of their processes.

        Raises:
            ConfigError: the secrets file or `ca` cannot be used.
        """
        credentials = Credentials(secrets, read_only=read_only)
        client = Client(url, timeout_s=timeout_s, ca=ca)
        return cls(client, credentials, organisation=organisation, read_only=read_only, now_ns=now_ns)

    def databases(self) -> list[str]:
        """Names of the databases that exist and that there are credentials for."""
        if self._credentials.is_open:
            answer = self._client.ask("", self._organisation, queries.databases(), secret=None)
            (found,) = asked(*answer[:3], database="the server", retry_after=answer.retry_after)
            names = {str(name) for series in found for (name,) in series.values}
            return sorted(name for name in names if SLUG.fullmatch(name))
        names = set(self._credentials.databases())
        for name in names - self._existing:
            if self._exists(name):
                self._existing.add(name)
        return sorted(names & self._existing)

    def _exists(self, database: str) -> bool:
        try:
            (found,) = self._ask(database, [queries.databases()])
        except StorageError:
            return True  # whatever is wrong with it is told to who asks for its points
        return any(name == database for series in found for (name,) in series.values)

    def write(self, database: str, points: Sequence[Point]) -> list[Rejected]:
        """Make the points durable; those refused for good come back. A write without points tells whether the database
        takes any.

        Raises:
            LinkError: the store is down as a whole; what of the points was stored is not known.
            StorageError: this database refuses; what of the points was stored is not known.
        """
        known = self._writable(database)
        with known.gate.writing():
            return self._write(database, known, points)

    def _write(self, database: str, known: Database, points: Sequence[Point]) -> list[Rejected]:
        try:
            made = known.renderer.render(points, stamp=self._stamp(len(points)))
        except StorageError:
            self._sender.post(
                database, []
            )  # of a database that is gone 1.x says to who asks that he may not: a write is told
            raise
        if not made.lines:
            self._sender.post(database, [])
            return made.rejected
        unfit = self._sender.send(database, made, points)
        if not unfit:
            known.recent.note(made.owners)
            return made.rejected
        if any(said.code == TYPE_CONFLICT for _, said in unfit):
            known.renderer.forget()  # somebody else fixed the kind of a field
        found = [Rejected(made.indices[at], said.code, said.message) for at, said in unfit]
        return sorted([*made.rejected, *found], key=lambda one: one.index)

    def _stamp(self, points: int) -> int:
        """For the first of so many points: higher than any before, also than those of an earlier process."""
        with self._lock:
            stamp = max(self._next_stamp, self._now_ns())
            self._next_stamp = stamp + points
        return stamp

    def latest(
        self, database: str, measurement: str, where: Mapping[str, str] | None = None, *, since_us: int | None = None
    ) -> list[Point]:
        """The newest value of every field of each series whose tags match, at the time of its newest point."""

        def ask(text: str) -> list[Series]:
            return self._ask(database, [text])[0]

        if since_us is None:
            return newest(ask, measurement, where or {})
        if since_us > MAX_TIME_US:
            return []
        marks = self._marks.get((database, measurement), queries.MARKS)
        found = newest_since(ask, measurement, where or {}, since_us, marks=marks)
        if found:
            self._marks[database, measurement] = (KEY,) if KEY in found[0].fields else (MARK,)
        return found

    def series(
        self,
        database: str,
        measurement: str,
        *,
        start_us: int,
        end_us: int,
        where: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> list[Point]:
        """The points with start ≤ time < end, by time; at most the first `limit`."""
        condition = queries.condition(start_us=start_us, end_us=end_us, where=where)
        if queries.is_empty(start_us, end_us) or limit == 0:
            return []
        (tables,) = self._ask(database, [queries.points(measurement, condition, limit=limit)])
        return [point for table in tables for point in points_of_table(measurement, table, unpacked=True)]

    def sums(
        self,
        database: str,
        measurement: str,
        field: str,
        *,
        start_us: int,
        end_us: int,
        where: Mapping[str, str] | None = None,
    ) -> list[tuple[dict[str, str], float]]:
        """Tags and sum of one numeric field for each series that has it in start ≤ time < end."""
        condition = queries.condition(start_us=start_us, end_us=end_us, where=where)
        if queries.is_empty(start_us, end_us) or self._kinds_of(database, measurement).get(field) not in _NUMBERS:
            return []
        (found,) = self._ask(database, [queries.sums(measurement, field, condition)])
        return [(tags_of(series), float(total)) for series in found for _, total in series.values if total is not None]

    def raw(self, database: str, *, device: str, start_us: int, end_us: int) -> list[Point]:
        """The `uplink` points of one device, by time."""
        return self.series(database, "uplink", start_us=start_us, end_us=end_us, where={"device": device})

    def count(self, database: str, measurement: str, *, start_us: int | None = None, end_us: int | None = None) -> int:
        """How many points a measurement has."""
        if queries.is_empty(start_us or 0, 2**62 if end_us is None else end_us):
            return 0
        return self._count(database, [measurement], queries.condition(start_us=start_us, end_us=end_us))

    def delete_range(
        self, database: str, measurement: str | Sequence[str], *, start_us: int, end_us: int, where: Mapping[str, str]
    ) -> int:
        """Delete the points with start ≤ time < end whose tags match (`""`: without this tag); how many.

        On 2.x, whose predicates cannot ask for the absence of a tag, what has it is written again afterwards.
        """
        known = self._writable(database)
        condition = queries.condition(start_us=start_us, end_us=end_us, where=where)
        names = [measurement] if isinstance(measurement, str) else measurement
        if queries.is_empty(start_us, end_us) or not (number := self._count(database, names, condition)):
            return 0
        deletion = Deletion(names, start_us, end_us, where)
        with known.gate.deleting():
            try:
                if self._is_second():
                    spared = delete_v2(self, database, deletion, partial(self._delete, database))
                    if spared:
                        self._write(database, known, spared)
                else:
                    delete_v1(deletion, lambda text: self._ask(database, [text], patience=_PATIENCE)[0])
            except LinkError:
                known.quiet.disturb()
                raise
            finally:
                known.recent.forget()
        return number

    def probe(self) -> None:
        """See whether the server answers at all.

        Raises:
            LinkError: it does not, or says that it cannot work.
        """
        answer = self._client.send("GET", "/ping", b"", secret=None)
        if answer.status >= 300:
            raise NotConnected("store.failed", f"{self._client.url} answers a ping with {answer.status}")

    def close(self) -> None:
        self._sender.close()
        self._client.close()

    def _writable(self, database: str) -> Database:
        if not SLUG.fullmatch(database):
            raise StorageError("store.name", f"{database!r} is not the name of a database")
        if self._read_only:
            raise StorageError("store.read_only", f"{database} is open for reading only")
        with self._lock:
            known = self._databases.get(database)
            if known is None:
                kinds = Kinds(lambda measurement: self._kinds_of(database, measurement))
                quiet = Quiet(database, lambda: self._running(database))
                known = self._databases[database] = Database(kinds, quiet)
        known.quiet.wait()
        return known

    def _forget(self, database: str) -> None:
        """It refuses: it may have been made anew when it works again."""
        self._existing.discard(database)
        with self._lock:
            known = self._databases.get(database)
        if known is not None:
            known.renderer.forget()

    def _running(self, database: str) -> list[Series]:
        """What a server of 1.x is doing; 2.x does not tell."""
        return [] if self._is_second() else self._ask(database, [queries.running()])[0]

    def _kinds_of(self, database: str, measurement: str) -> dict[str, str]:
        (found,) = self._ask(database, [queries.field_kinds(measurement)])
        return packs.kinds({str(name): str(kind) for series in found for name, kind in series.values})

    def _count(self, database: str, measurements: Sequence[str], condition: str) -> int:
        (found,) = self._ask(database, [queries.count(*measurements, condition=condition)])
        return sum(number or 0 for series in found for row in series.values for number in row[1:])

    def _ask(self, database: str, statements: Sequence[str], *, patience: float = 1.0) -> list[list[Series]]:
        if not SLUG.fullmatch(database):
            raise StorageError("store.name", f"{database!r} is not the name of a database")
        text = "; ".join(statements)
        secret = self._credentials.of(database)
        answer = self._client.ask(database, self._organisation, text, secret=secret, patience=patience)
        if answer.status == 401 and (fresh := self._credentials.instead_of(database, secret)) is not None:
            answer = self._client.ask(database, self._organisation, text, secret=fresh, patience=patience)
        try:
            return asked(*answer[:3], database=database, retry_after=answer.retry_after)
        except StorageError:
            self._existing.discard(database)
            raise

    def _delete(self, database: str, measurement: str, body: bytes) -> None:
        """2.x: `/api/v2/delete`."""
        bucket = f"{database}/{queries.policy(measurement)}"
        answer = self._client.send(
            "POST",
            f"/api/v2/delete?{urlencode({'org': self._organisation, 'bucket': bucket})}",
            body,
            secret=self._credentials.of(database),
            patience=_PATIENCE,
        )
        judged = written(answer.status, answer.body, database=database, retry_after=answer.retry_after)
        if judged is not None:
            raise StorageError("store.delete", f"{database}: {told(answer.body)}")

    def _is_second(self) -> bool:
        if self._is_v2 is None:
            self._is_v2 = is_v2(self._client)
        return self._is_v2
