"""HTTP to one server: every answer as it is, every failure of the link as ours. No proxy, no redirect."""

import base64
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from core.errors import ConfigError, NotConnected, RejectedError
from core.settings import is_loopback

PASSWORD_VARIABLE = "BEFFROI_INFLUXDB_ADMIN_PASSWORD"  # noqa: S105
TOKEN_VARIABLE = "BEFFROI_INFLUXDB_ADMIN_TOKEN"  # noqa: S105
_SHOWN = 300


@dataclass(frozen=True)
class Credentials:
    """Of the administrator. 1.x: user and password; 2.x: token."""

    user: str = "admin"
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes = field(repr=False)  # a token may be in it

    def json(self) -> Any:
        """The body.

        Raises:
            RejectedError: `influxdb.not_understood`.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise RejectedError(
                "influxdb.not_understood",
                f"the server answers {self.status} with what is not JSON",
                hint="is the URL the one of InfluxDB itself?",
            ) from error

    def told(self) -> str:
        """What the server says of a refusal, in one line."""
        try:
            told = json.loads(self.body)
        except ValueError:
            return f"status {self.status}"
        text = (told.get("message") or told.get("error")) if isinstance(told, dict) else None
        return f"{self.status} {str(text)[:_SHOWN]}" if text else f"status {self.status}"


class Link:
    """One URL. Off loopback it must be `https`, whose name is checked: an administrator's password travels on it."""

    def __init__(self, url: str, *, timeout_s: float = 60.0) -> None:
        """
        Raises:
            ConfigError: `influxdb.url`, `influxdb.plain`.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise _bad_url(url if "@" not in url else "the URL") from error
        if parts.username is not None or parts.password is not None:
            raise ConfigError(
                "influxdb.url",
                "the URL holds a user or a password",
                hint="--admin-user, and the password in BEFFROI_INFLUXDB_ADMIN_PASSWORD or --admin-file",
            )
        if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
            raise _bad_url(url)
        self.loopback = is_loopback(host)
        if parts.scheme == "http" and not self.loopback:
            raise ConfigError(
                "influxdb.plain",
                f"{url} is not this machine: the administrator's password would travel in clear",
                hint=f"use https, or a tunnel: ssh -L 8086:127.0.0.1:{port or 8086} {host}",
            )
        self.url = url.rstrip("/")
        self._host, self._port = host, port
        self._base = parts.path.rstrip("/")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._timeout_s = timeout_s

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """One request on a connection of its own.

        Raises:
            NotConnected: `influxdb.unreachable`; also when the server says that it is not ready (502 to 504).
        """
        connection = self._connection()
        try:
            connection.request(method, self._base + path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or getattr(error, "verify_message", None) or type(error).__name__
            raise NotConnected(
                "influxdb.unreachable",
                f"{self.url} does not answer: {why}",
                hint="is InfluxDB running, and is this its URL? Run the command again: it goes on where it stopped",
            ) from error
        finally:
            connection.close()
        if answer.status in (502, 503, 504):
            raise NotConnected(
                "influxdb.unreachable", f"{self.url} is not ready: {answer.told()}", hint="try again in a minute"
            )
        return answer

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)


def basic(user: str, password: str) -> dict[str, str]:
    """The header of RFC 7617."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def require(secret: str, variable: str, version: str) -> None:
    """
    Raises:
        ConfigError: `influxdb.no_credentials`.
    """
    if not secret:
        raise ConfigError(
            "influxdb.no_credentials",
            f"InfluxDB {version} asks for its administrator, and {variable} is not set",
            hint=f"export {variable}=…, or --admin-file FILE with mode 0600 that holds it alone",
        )


def _bad_url(url: str) -> ConfigError:
    return ConfigError("influxdb.url", f"{url} is no URL of a server", hint="such as http://127.0.0.1:8086")
