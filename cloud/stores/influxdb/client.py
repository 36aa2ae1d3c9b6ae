"""HTTP to one InfluxDB: connections that stay open, one for each caller at a time.

Measured against `influxdb-client` (urllib3, reactivex): see the README of `cloud.stores`.
"""

import contextlib
import http.client
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from core.errors import ConfigError, NotConnected

_MAX_IDLE = 8  # connections kept; more callers at once are rare
_FORM = "application/x-www-form-urlencoded"


class Answer(NamedTuple):
    status: int
    body: bytes
    content_type: str
    retry_after: str | None


class Client:
    """Thread-safe. Every method raises `NotConnected` (`store.unreachable`, `store.silent`) when no answer comes."""

    def __init__(self, url: str, *, timeout_s: float, ca: Path | None = None) -> None:
        """
        Args:
            url: without credentials; settings have checked it.
            ca: PEM file of who vouches for an `https` server; the system's authorities when absent.

        Raises:
            ConfigError: `store.ca`.
        """
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self._host, self._port = parts.hostname or "", parts.port
        self._base = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._closed = False
        self._is_https, self._ca = parts.scheme == "https", ca
        if self._is_https:
            try:
                ssl.create_default_context(cafile=ca)
            except OSError as error:
                raise ConfigError("store.ca", f"cannot use {ca}: {error.strerror or error}") from error

    def write(self, bucket: str, organisation: str, lines: bytes, *, secret: str | None) -> Answer:
        """Send line protocol, times in ns."""
        question = urlencode({"org": organisation, "bucket": bucket, "precision": "ns"})
        return self._request("POST", f"/api/v2/write?{question}", authorization(secret), lines)

    def ask(
        self, database: str, organisation: str, statements: str, *, secret: str | None, patience: float = 1.0
    ) -> Answer:
        """Send InfluxQL; times come in ns, values as MessagePack.

        Args:
            patience: how many times as long as usual the answer may take.
        """
        question = {"db": database, "org": organisation, "epoch": "ns", "q": statements}
        headers = {"Accept": "application/x-msgpack", "Content-Type": _FORM, **authorization(secret)}
        return self._request("POST", "/query", headers, urlencode(question).encode(), patience)

    def send(self, method: str, path: str, body: bytes, *, secret: str | None, patience: float = 1.0) -> Answer:
        """Send JSON, or nothing."""
        headers = {"Content-Type": "application/json"} if body else {}
        return self._request(method, path, {**headers, **authorization(secret)}, body, patience)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _request(
        self, method: str, path: str, headers: Mapping[str, str | bytes], body: bytes, patience: float = 1.0
    ) -> Answer:
        """One request. A connection that was kept may have been closed meanwhile by the other side: what fails on it is
        sent once more on a fresh one. Whatever is asked here can be asked twice."""
        timeout_s = self._timeout_s * patience
        kept = self._take()
        if kept is not None:
            with contextlib.suppress(ConnectionError, http.client.RemoteDisconnected, http.client.BadStatusLine):
                return self._exchange(kept, method, path, headers, body, timeout_s)
        return self._exchange(self._connect(), method, path, headers, body, timeout_s)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: Mapping[str, str | bytes],
        body: bytes,
        timeout_s: float,
    ) -> Answer:
        is_reused = connection.sock is not None
        connection.timeout = timeout_s  # of the next connecting
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        try:
            connection.request(method, self._base + path, body=body or None, headers=dict(headers))
            response = connection.getresponse()
            told = response.read()
        except TimeoutError as error:
            connection.close()
            raise NotConnected(
                "store.silent", f"{self.url} does not answer within {timeout_s:g} s", hint="see [store] timeout_s"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if is_reused and isinstance(error, ConnectionError | http.client.BadStatusLine):
                raise
            why = getattr(error, "verify_message", None) or getattr(error, "strerror", None) or type(error).__name__
            raise NotConnected(
                "store.unreachable", f"{self.url} cannot be reached: {why}", hint="is InfluxDB running? see [store] url"
            ) from error
        except BaseException:
            connection.close()
            raise
        answer = Answer(
            response.status, told, response.getheader("Content-Type", ""), response.getheader("Retry-After")
        )
        self._give_back(connection)
        return answer

    def _take(self) -> http.client.HTTPConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if not self._closed and connection.sock is not None and len(self._idle) < _MAX_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        """The authority's file is read at every connection: another one needs no restart.

        Raises:
            NotConnected: `store.ca`: it was readable at the start.
        """
        if not self._is_https:
            return http.client.HTTPConnection(self._host, self._port)
        try:
            tls = ssl.create_default_context(cafile=self._ca)
        except OSError as error:
            raise NotConnected("store.ca", f"cannot use {self._ca}: {error.strerror or error}") from error
        return http.client.HTTPSConnection(self._host, self._port, context=tls)


def authorization(secret: str | None) -> dict[str, str | bytes]:
    """`Token` serves both: `user:password` of 1.x, and a token of 2.x."""
    return {} if secret is None else {"Authorization": f"Token {secret}".encode()}
