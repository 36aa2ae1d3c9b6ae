"""HTTP to one Grafana as its server administrator: each answer as JSON, each failure as one of ours."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from core.errors import ConfigError, LinkError, NotConnected, OperatorError, RejectedError, Throttled
from core.secrets import read_private
from core.settings import is_loopback

PASSWORD_VARIABLE = "BEFFROI_GRAFANA_ADMIN_PASSWORD"  # noqa: S105
SERVER = 0  # requests that concern no organisation are counted here
_ORGANISATION = "X-Grafana-Org-Id"
_ATTEMPTS = 4
_FIRST_PAUSE_S = 0.25
_SHOWN = 300
_NO_ALERTMANAGER = "alerting.notification.configMissing"


class MissingError(RejectedError):
    """404: it is not there."""


class ConflictError(RejectedError):
    """409 or 412: it is there already, or somebody changed it meanwhile."""


class NotReadyError(LinkError):
    """The organisation has no Alertmanager yet: a new one gets it within a minute."""


@dataclass(frozen=True)
class Credentials:
    """Of the server administrator; only basic authentication may make organisations."""

    user: str
    password: str = field(repr=False)


def read_credentials(user: str, file: Path | None, environment: Mapping[str, str]) -> Credentials:
    """The administrator's: from a file of mode 0600, else from the environment; never from an argument.

    Raises:
        ConfigError: `grafana.admin_user`, `grafana.no_credentials`, `secrets.…` of the file.
    """
    if not user or ":" in user:
        raise ConfigError("grafana.admin_user", f"{user!r} can be no user", hint="a name without a colon: admin")
    password = read_private(file).strip("\r\n") if file is not None else environment.get(PASSWORD_VARIABLE, "")
    if not password:
        raise ConfigError(
            "grafana.no_credentials",
            f"Grafana asks for its administrator, and {PASSWORD_VARIABLE} is not set",
            hint=f"export {PASSWORD_VARIABLE}=…, or --admin-file FILE with mode 0600 that holds it alone",
        )
    return Credentials(user, password)


class Client:
    """One server. Off loopback it must be `https`, whose name is checked. No proxy, no redirect, one call at a time:
    Grafana's SQLite locks under parallel writers.

    `requests`: how many were sent, by organisation (0: those of the whole server).
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        timeout_s: float = 30.0,
        pause: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """
        Raises:
            ConfigError: `grafana.url`, `grafana.plain`.
        """
        self.url = _checked(url)
        self.user = credentials.user
        self.requests: Counter[int] = Counter()
        self._pause = pause
        self._http = httpx.Client(
            auth=httpx.BasicAuth(credentials.user, credentials.password),
            timeout=timeout_s,
            trust_env=False,
            transport=transport,
            headers={"Accept": "application/json"},
        )

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        org: int | None = None,
        of: int | None = None,
        body: Any = None,
        params: Mapping[str, str | int] | None = None,
        editable: bool = False,
    ) -> Any:
        """The JSON of a 2xx answer; None where there is none.

        A 500 is sent again a few times: a locked SQLite says no more than that. A 401 never is: after five wrong
        passwords Grafana refuses the right one too.

        Args:
            org: acts inside this organisation, for this call alone.
            of: counted for this organisation, which the path names.
            editable: leave what is written open to changes by hand (`X-Disable-Provenance`).

        Raises:
            MissingError, ConflictError, NotReadyError, RejectedError, OperatorError, NotConnected, Throttled.
        """
        headers = {} if org is None else {_ORGANISATION: organisation_header(org)}
        if editable:
            headers["X-Disable-Provenance"] = "true"
        counted = org if org is not None else (of if of is not None else SERVER)
        for attempt in range(1, _ATTEMPTS + 1):
            self.requests[counted] += 1
            try:
                answer = self._http.request(method, self.url + path, headers=headers, json=body, params=params)
            except httpx.HTTPError as error:
                raise NotConnected(
                    "grafana.unreachable",
                    f"{self.url} does not answer: {_why(error)}",
                    hint="is Grafana running, and is this its URL? Run the command again: it goes on where it stopped",
                ) from error
            if answer.status_code == 500 and attempt < _ATTEMPTS and _NO_ALERTMANAGER not in answer.text:
                self._pause(_FIRST_PAUSE_S * 2 ** (attempt - 1))
                continue
            break
        if answer.is_success:
            return self._json(answer)
        raise self._refusal(f"{method} {path}", answer)

    def _json(self, answer: httpx.Response) -> Any:
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise RejectedError(
                "grafana.not_understood",
                f"{self.url} answers {answer.status_code} with what is not JSON",
                hint="is the URL the one of Grafana itself, with its sub-path?",
            ) from error

    def _refusal(self, what: str, answer: httpx.Response) -> Exception:
        """What is raised for an answer that is no success."""
        told, status = _told(answer), answer.status_code
        where = f"{self.url} answers {what} with {told}"
        match status:
            case 401:
                return OperatorError(
                    "grafana.refused",
                    f"{self.url} refuses the administrator: {told}",
                    hint="is the password right? After 5 wrong ones within 5 minutes Grafana refuses the right one "
                    "too: wait 5 minutes",
                )
            case 403:
                return OperatorError(
                    "grafana.forbidden",
                    where,
                    hint="the user must be a server administrator; or the organisation was deleted meanwhile, "
                    "or the object was provisioned from a file on the server",
                )
            case 404:
                return MissingError("grafana.missing", where, hint="it was deleted meanwhile; apply again")
            case 409 | 412:
                return ConflictError("grafana.conflict", where, hint="somebody changed it meanwhile; plan again")
            case 429:
                return Throttled("grafana.throttled", where, hint="try again in a minute", wait_s=60.0)
            case 500 if _NO_ALERTMANAGER in answer.text:
                return NotReadyError(
                    "grafana.no_alertmanager",
                    f"{self.url}: the organisation has no Alertmanager yet",
                    hint="a new organisation gets one within a minute; apply again then",
                )
            case 500:
                return RejectedError("grafana.failed", where, hint="Grafana's own log says why; apply again")
            case 502 | 503 | 504:
                return NotConnected("grafana.not_ready", where, hint="Grafana is starting, or its proxy; try again")
            case _ if 300 <= status < 400:
                return RejectedError(
                    "grafana.redirected", where, hint="give the URL it redirects to: https, or with its sub-path"
                )
        return RejectedError("grafana.rejected", where, hint="put right what it names, then apply again")


def organisation_header(org: int) -> str:
    """The value of the header that chooses an organisation. Grafana ignores what is no number, or 0, and acts on the
    user's current organisation: what was meant for one commune would land in another.

    Raises:
        ValueError: not a positive whole number.
    """
    if type(org) is not int or org < 1:
        raise ValueError(f"{org!r} is no organisation")
    return str(org)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _bad_url(url if "@" not in url else "the URL") from error
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            "grafana.url",
            "the URL holds a user or a password",
            hint=f"--admin-user, and the password in {PASSWORD_VARIABLE} or --admin-file",
        )
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise _bad_url(url)
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigError(
            "grafana.plain",
            f"{url} is not this machine: the administrator's password would travel in clear",
            hint=f"use https, or a tunnel: ssh -L 3000:127.0.0.1:{port or 3000} {host}",
        )
    return url.rstrip("/")


def _bad_url(url: str) -> ConfigError:
    return ConfigError("grafana.url", f"{url} is no URL of a server", hint="such as http://127.0.0.1:3000")


def _told(answer: httpx.Response) -> str:
    """What the server says of a refusal, in one line: never what was sent."""
    try:
        told = answer.json()
    except ValueError:
        return f"status {answer.status_code}"
    text = told.get("message") if isinstance(told, dict) else None
    return f"{answer.status_code} {' '.join(str(text).split())[:_SHOWN]}" if text else f"status {answer.status_code}"


def _why(error: httpx.HTTPError) -> str:
    cause = error.__cause__ or error
    return str(getattr(cause, "strerror", None) or error) or type(error).__name__
