"""Sends what was rendered: the parcels of a large write side by side, each request until all that fits is stored."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Final

from cloud.stores.base import Point
from cloud.stores.influxdb import queries
from cloud.stores.influxdb.answers import TooLarge, Unfit, written
from cloud.stores.influxdb.client import Client
from cloud.stores.influxdb.credentials import Credentials
from cloud.stores.influxdb.guilty import send_all
from cloud.stores.influxdb.rendering import Parcel, Rendered, parcels
from core.errors import StorageError

_THREADS: Final = 4  # for what goes beside the request of a write's own thread


class Sender:
    """Thread-safe; `close` it.

    Args:
        on_refusal: told which database has just refused: it may have been made anew when it works again.
    """

    def __init__(
        self, client: Client, credentials: Credentials, *, organisation: str, on_refusal: Callable[[str], None]
    ) -> None:
        self._client = client
        self._credentials = credentials
        self._organisation = organisation
        self._on_refusal = on_refusal
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="influxdb")  # made when they are needed

    def close(self) -> None:
        self._threads.shutdown()

    def send(self, database: str, made: Rendered, points: Sequence[Point]) -> list[tuple[int, Unfit]]:
        """Send all lines; the numbers of those that are unfit. When it ends, in whatever way, nothing is under way.

        Args:
            points: that were rendered.

        Raises:
            LinkError, StorageError: what of the lines was stored is not known.
        """

        def send(parcel: Parcel) -> list[tuple[int, Unfit]]:
            return self._send_parcel(database, made, points, parcel)

        mine, *others = parcels(made)
        answers = [self._threads.submit(send, parcel) for parcel in others]
        try:
            unfit = send(mine)
        finally:
            wait(answers)
        for answer in answers:
            unfit += answer.result()
        return unfit

    def _send_parcel(
        self, database: str, made: Rendered, points: Sequence[Point], parcel: Parcel
    ) -> list[tuple[int, Unfit]]:
        policy = queries.LONG if parcel.lasting else queries.RAW
        unfit: list[tuple[int, Unfit]] = []
        for request in parcel.requests:
            unfit += send_all(
                request,
                lambda part: self.post(database, [made.lines[at] for at in part], policy=policy),
                time_of=lambda at: points[made.indices[at]].time_us,
            )
        return unfit

    def post(self, database: str, lines: Sequence[str], *, policy: str = queries.RAW) -> Unfit | TooLarge | None:
        """One request, with fresh credentials where the file has some; None: every line is durable.

        Raises:
            LinkError, StorageError: as `answers.written`.
        """
        body = "\n".join(lines).encode()
        bucket = f"{database}/{policy}"
        secret = self._credentials.of(database)
        answer = self._client.write(bucket, self._organisation, body, secret=secret)
        if answer.status == 401 and (fresh := self._credentials.instead_of(database, secret)) is not None:
            answer = self._client.write(bucket, self._organisation, body, secret=fresh)
        try:
            return written(answer.status, answer.body, database=database, retry_after=answer.retry_after)
        except StorageError:
            self._on_refusal(database)
            raise
