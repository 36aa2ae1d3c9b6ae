"""A Grafana in this process that answers as the recordings of tests/grafana_api do: directly, or over HTTP on loopback.

Its contract test replays the recordings. What it was never seen to do, it does not do: an unknown path is an error of
the test, not a 404.
"""

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from tests.servers import grafana_alerting, grafana_boards, grafana_people, grafana_rules, grafana_sources
from tests.servers.grafana_state import Asked, Organisation, Refused, User, iso

ADMIN = ("admin", "admin-pass")
_START_MS = 1_795_547_765_000  # 2026-11-24T19:16:05Z, when the recordings were made
_MAIN = "Main Org."
_NEEDS = {
    ("GET", "/api/org"): "orgs:read",
    ("GET", "/api/orgs"): "orgs:read",
    ("GET", "/api/folders"): "folders:read",
    ("POST", "/api/folders"): "folders:create",
    ("GET", "/api/datasources"): "datasources:read",
    ("POST", "/api/dashboards/db"): "any of dashboards:create, dashboards:write",
}
_VIEWERS = {("GET", "/api/org"), ("GET", "/api/folders"), ("GET", "/api/datasources")}
_WRONG_PASSWORDS = 5


class GrafanaDouble:
    """`clock`: milliseconds, of whatever clock the test has. `alertmanager_s`: how long a new organisation is without.

    `interrupt(number, method, path)` is called before each request, `lose(number)` after it: each may raise. `lock(n)`
    answers the next n requests as a locked SQLite does. `asked` are the requests that came.
    """

    def __init__(self, *, clock: Callable[[], int] | None = None, alertmanager_s: int = 0) -> None:
        self.clock = clock or (lambda: _START_MS)
        self.alertmanager_s = alertmanager_s
        self.asked: list[tuple[str, str]] = []
        self.interrupt: Callable[[int, str, str], None] = lambda _number, _method, _path: None
        self.lose: Callable[[int], None] = lambda _number: None
        self._numbers: Counter[str] = Counter()
        self._locked = 0
        self._wrong: Counter[str] = Counter()
        self._one_at_a_time = threading.Lock()
        admin = User(self.number("user"), ADMIN[0], "admin@localhost", "", ADMIN[1], server_admin=True)
        self.users = {admin.id: admin}
        self.organisations: dict[int, Organisation] = {}
        self.make_organisation(_MAIN, admin).made_ms = -(10**15)
        parts = (grafana_people, grafana_sources, grafana_boards, grafana_alerting, grafana_rules)
        self._routes = [route for part in parts for route in part.routes.all]

    # what its parts use

    def number(self, of: str) -> int:
        self._numbers[of] += 1
        return self._numbers[of]

    def make_uid(self) -> str:
        return f"made{self.number('uid'):010}"

    def make_board_uid(self) -> str:
        return f"00000000-0000-4000-8000-{self.number('uid'):012}"

    def now(self) -> str:
        return iso(self.clock())

    def lock(self, times: int) -> None:
        self._locked = times

    def organisation(self, name: str) -> Organisation:
        return next(one for one in self.organisations.values() if one.name == name)

    def make_organisation(self, name: str, maker: User) -> Organisation:
        made = Organisation(self.number("organisation"), name, self.clock(), {maker.id: "Admin"})
        self.organisations[made.id] = made
        return made

    # one request

    def answer(self, method: str, url: str, headers: dict[str, str], content: bytes) -> tuple[int, Any]:
        """Status and JSON; the JSON is None where there is no content. Header names in lower case."""
        number = len(self.asked)
        parts = urlsplit(url)
        self.interrupt(number, method, parts.path)
        self.asked.append((method, parts.path))
        answer = self._answer(method, parts.path, parts.query, headers, content)
        self.lose(number)
        return answer

    def _answer(self, method: str, path: str, asked: str, headers: dict[str, str], content: bytes) -> tuple[int, Any]:
        with self._one_at_a_time:
            try:
                self._open()
                user = self._user(headers)
                query = parse_qs(asked)
                if switched := query.pop("orgId", None):
                    self._switch(user, headers, int(switched[0]))
                body = json.loads(content) if content else None
                org = self._chosen(user, headers, method, path)
                return self._route(method, path, Asked(org, user, (), query, body, "x-disable-provenance" in headers))
            except Refused as refused:
                return refused.status, refused.body

    def _open(self) -> None:
        if self._locked:
            self._locked -= 1
            raise Refused(500, "Internal Server Error")

    def _route(self, method: str, path: str, asked: Asked) -> tuple[int, Any]:
        for known, pattern, function, status in self._routes:
            if known == method and (found := pattern.fullmatch(path)):
                asked.parts = tuple(unquote(part) for part in found.groups())
                return status, function(self, asked)
        raise AssertionError(f"the double was never seen to answer {method} {path}")

    def _user(self, headers: dict[str, str]) -> User:
        unauthorised = {"extra": None, "message": "Invalid username or password", "statusCode": 401, "traceID": ""}
        unauthorised["messageId"] = "password-auth.failed"
        scheme, _, encoded = headers.get("authorization", "").partition(" ")
        if scheme != "Basic":
            raise Refused(401, {**unauthorised, "message": "Unauthorized", "messageId": "session.token.missing"})
        login, _, password = base64.b64decode(encoded).decode().partition(":")
        found = next((user for user in self.users.values() if user.login == login.lower()), None)
        if found is None or found.password != password or self._wrong[login] >= _WRONG_PASSWORDS:
            self._wrong[login] += 1
            raise Refused(401, unauthorised)
        if found.disabled:
            raise Refused(401, {**unauthorised, "message": "Unauthorized", "messageId": "identity.disabled"})
        return found

    def _switch(self, user: User, headers: dict[str, str], org: int) -> None:
        if headers.get("x-grafana-org-id") == str(org):
            return
        user.current = org
        raise Refused(302, None)

    def _chosen(self, user: User, headers: dict[str, str], method: str, path: str) -> Organisation:
        """The header's organisation; what is no number, or 0, is silently ignored."""
        said = headers.get("x-grafana-org-id", "")
        number = int(said) if said.isdecimal() and int(said) else user.current
        org = self.organisations.get(number)
        role = org.members.get(user.id) if org is not None else None
        # Of an organisation that was deleted a moment ago the server still knows that it was one.
        if org is None and user.server_admin and number <= self._numbers["organisation"]:
            raise Refused(404, "Organization not found")
        allowed = user.server_admin or (role is not None and (method, path) in _VIEWERS)
        if org is None or not allowed:
            needed = _NEEDS.get((method, path), "server admin")
            said = f"You'll need additional permissions to perform this action. Permissions needed: {needed}"
            raise Refused(403, {"accessErrorId": "ACE0000000000", "message": said, "title": "Access denied"})
        return org

    # how it is reached

    def transport(self) -> httpx.MockTransport:
        def respond(request: httpx.Request) -> httpx.Response:
            status, body = self.answer(request.method, str(request.url), dict(request.headers), request.content)
            return httpx.Response(status) if _silent(body, status) else httpx.Response(status, json=body)

        return httpx.MockTransport(respond)

    @contextmanager
    def serve(self) -> Iterator[str]:
        """On a free port of loopback; its URL."""
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # as Go's server: else each answer waits 40 ms for an acknowledgement
            wbufsize = -1

            def _respond(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, body = double.answer(self.command, self.path, headers, self.rfile.read(length))
                content = b"" if _silent(body, status) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _respond  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Nothing: the test says what matters."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        server = Server(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _silent(body: Any, status: int) -> bool:
    """Without content: but an empty list of templates is the word null."""
    return body is None and status not in (200,)
