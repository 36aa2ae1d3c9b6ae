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

from tests.servers import grafana_alerting, grafana_boards
from tests.servers.grafana_state import Asked, Object, Organisation, Refused, Routes, User, iso

routes = Routes()
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
        self._organisation(_MAIN, admin).made_ms = -(10**15)
        self._routes = [*routes.all, *grafana_boards.routes.all, *grafana_alerting.routes.all]

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

    def _organisation(self, name: str, maker: User) -> Organisation:
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


# organisations, users and members


def _described(org: Organisation) -> Object:
    empty = dict.fromkeys(("address1", "address2", "city", "zipCode", "state", "country"), "")
    return {"id": org.id, "name": org.name, "address": empty}


def _numbered(double: GrafanaDouble, asked: Asked) -> Organisation:
    org = double.organisations.get(int(asked.parts[0]))
    if org is None:
        raise Refused(404, "Organization not found")
    return org


@routes("GET", "/api/health")
def health(_double: GrafanaDouble, _asked: Asked) -> Any:
    return {"database": "ok", "version": "12.2.0", "commit": "double"}


@routes("GET", "/api/org")
def current_organisation(_double: GrafanaDouble, asked: Asked) -> Any:
    return _described(asked.org)


@routes("POST", "/api/user/using/<org>")
def use_organisation(_double: GrafanaDouble, asked: Asked) -> Any:
    asked.user.current = int(asked.parts[0])
    return {"message": "Active organization changed"}


@routes("GET", "/api/orgs")
def list_organisations(double: GrafanaDouble, asked: Asked) -> Any:
    found = sorted(double.organisations.values(), key=lambda one: one.name)
    if asked.query.get("name"):
        found = [one for one in found if one.name == asked.one("name")]
    size, page = int(asked.one("perpage", "1000")), int(asked.one("page", "0"))
    return [{"id": one.id, "name": one.name} for one in found[page * size : (page + 1) * size]]


@routes("POST", "/api/orgs")
def create_organisation(double: GrafanaDouble, asked: Asked) -> Any:
    name = asked.body["name"]
    if not name:
        raise Refused(400, "bad request data")
    if any(one.name == name for one in double.organisations.values()):
        raise Refused(409, "Organization name taken")
    made = double._organisation(name, asked.user)
    return {"message": "Organization created", "orgId": made.id}


@routes("GET", "/api/orgs/name/<name>")
def organisation_by_name(double: GrafanaDouble, asked: Asked) -> Any:
    found = next((one for one in double.organisations.values() if one.name == asked.parts[0]), None)
    if found is None:
        raise Refused(404, "Organization not found")
    return _described(found)


@routes("GET", "/api/orgs/<org>")
def organisation_by_number(double: GrafanaDouble, asked: Asked) -> Any:
    return _described(_numbered(double, asked))


@routes("PUT", "/api/orgs/<org>")
def rename_organisation(double: GrafanaDouble, asked: Asked) -> Any:
    org = _numbered(double, asked)
    if any(one.name == asked.body["name"] and one is not org for one in double.organisations.values()):
        raise Refused(400, "Organization name taken")
    org.name = asked.body["name"]
    return {"message": "Organization updated"}


@routes("DELETE", "/api/orgs/<org>")
def delete_organisation(double: GrafanaDouble, asked: Asked) -> Any:
    if int(asked.parts[0]) not in double.organisations:
        raise Refused(404, "Failed to delete organization. ID not found")
    del double.organisations[int(asked.parts[0])]
    return {"message": "Organization deleted"}


@routes("GET", "/api/orgs/<org>/users")
def list_members(double: GrafanaDouble, asked: Asked) -> Any:
    org = _numbered(double, asked)
    members = [(double.users[user], role) for user, role in sorted(org.members.items())]
    return [
        {
            "orgId": org.id,
            "userId": user.id,
            "uid": f"user{user.id}",
            "email": user.email,
            "name": user.name,
            "avatarUrl": "/public/img/user_profile.png",
            "login": user.login,
            "role": role,
            "lastSeenAt": double.now(),
            "lastSeenAtAge": "< 1 minute",
            "isDisabled": user.disabled,
            "authLabels": None,
            "isExternallySynced": False,
            "isProvisioned": False,
        }
        for user, role in members
    ]


@routes("POST", "/api/orgs/<org>/users")
def add_member(double: GrafanaDouble, asked: Asked) -> Any:
    user = _by_name(double, asked.body["loginOrEmail"])
    if asked.body["role"] not in ("Viewer", "Editor", "Admin", "None"):
        raise Refused(400, "bad request data")
    if user is None:
        raise Refused(404, "User not found")
    org = double.organisations.get(int(asked.parts[0]))
    if org is None:
        raise Refused(500, "Could not add user to organization")
    if user.id in org.members:
        raise Refused(409, {"message": "User is already member of this organization", "userId": user.id})
    org.members[user.id] = asked.body["role"]
    return {"message": "User added to organization", "userId": user.id}


@routes("PATCH", "/api/orgs/<org>/users/<user>")
def change_member(double: GrafanaDouble, asked: Asked) -> Any:
    org, user = _numbered(double, asked), int(asked.parts[1])
    if user not in org.members:
        raise Refused(500, "Failed update org user")
    org.members[user] = asked.body["role"]
    return {"message": "Organization user updated"}


@routes("DELETE", "/api/orgs/<org>/users/<user>")
def remove_member(double: GrafanaDouble, asked: Asked) -> Any:
    org, user = _numbered(double, asked), int(asked.parts[1])
    if org.members.get(user) == "Admin" and list(org.members.values()).count("Admin") == 1:
        raise Refused(400, "Cannot remove last organization admin")
    org.members.pop(user, None)
    return {"message": "User removed from organization"}


@routes("POST", "/api/admin/users")
def create_user(double: GrafanaDouble, asked: Asked) -> Any:
    body = asked.body
    login, email, password = body.get("login", ""), body.get("email", ""), body.get("password", "")
    if not password:
        raise Refused(400, "bad request data")
    if len(password) < 4:
        said = {"messageId": "password.password-policy-too-short", "message": "New password is too short"}
        raise Refused(400, {"statusCode": 400, **said})
    if _by_name(double, login) or (email and _by_name(double, email)):
        raise Refused(412, f"User with email '{email}' or username '{login}' already exists")
    org = body.get("OrgId", 1)
    user = User(double.number("user"), login.lower(), email, body.get("name", ""), password, current=org)
    double.users[user.id] = user
    double.organisations[org].members[user.id] = "Viewer"
    return {"id": user.id, "uid": double.make_uid(), "message": "User created"}


@routes("GET", "/api/users/<user>/orgs")
def organisations_of_user(double: GrafanaDouble, asked: Asked) -> Any:
    user = int(asked.parts[0])
    return [
        {"orgId": org.id, "name": org.name, "role": org.members[user]}
        for org in double.organisations.values()
        if user in org.members
    ]


@routes("PUT", "/api/users/<user>")
def update_user(double: GrafanaDouble, asked: Asked) -> Any:
    user = double.users[int(asked.parts[0])]
    user.name, user.email = asked.body["name"], asked.body["email"]
    return {"message": "User updated"}


@routes("PUT", "/api/admin/users/<user>/permissions")
def change_permissions(double: GrafanaDouble, asked: Asked) -> Any:
    double.users[int(asked.parts[0])].server_admin = asked.body["isGrafanaAdmin"]
    return {"message": "User permissions updated"}


@routes("PUT", "/api/admin/users/<user>/password")
def change_password(double: GrafanaDouble, asked: Asked) -> Any:
    double.users[int(asked.parts[0])].password = asked.body["password"]
    return {"message": "User password updated"}


@routes("POST", "/api/admin/users/<user>/disable")
def disable_user(double: GrafanaDouble, asked: Asked) -> Any:
    double.users[int(asked.parts[0])].disabled = True
    return {"message": "User disabled"}


@routes("DELETE", "/api/admin/users/<user>")
def delete_user(double: GrafanaDouble, asked: Asked) -> Any:
    user = int(asked.parts[0])
    if double.users.pop(user, None) is None:
        raise Refused(404, "user not found")
    for org in double.organisations.values():
        org.members.pop(user, None)
    return {"message": "User deleted"}


def _by_name(double: GrafanaDouble, name: str) -> User | None:
    return next((user for user in double.users.values() if name.lower() in (user.login, user.email.lower())), None)
