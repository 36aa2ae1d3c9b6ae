"""A double of InfluxDB 2.x's API for organisations, buckets, InfluxQL mappings and tokens, in memory, on loopback.

Source of its answers: InfluxDB OSS v2 API reference (`/api/v2/orgs`, `/buckets`, `/dbrps`, `/authorizations`,
`/setup`) and the published handlers of the 2.x branch: names are unique (422), an unknown organisation's filter is a
404, a bucket named `a/b` has a virtual mapping with the bucket's own id, the first mapping of a database is its
default, and a token is shown once when tokens are hashed (2.9's default).
"""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

OPERATOR_TOKEN = "operator-token-of-the-double"

Refusal = tuple[int, dict[str, Any]]


class Influx2Double:
    """`hashed`: tokens are never shown again. `requests`: method and path of each one answered."""

    def __init__(self, *, hashed: bool = True, version: str = "v2.9.1") -> None:
        self.hashed, self.version = hashed, version
        self.orgs: dict[str, dict[str, Any]] = {}
        self.buckets: dict[str, dict[str, Any]] = {}
        self.mappings: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self._made = 0
        double = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                status, told = double.respond(self.command, self.path, self.headers.get("Authorization", ""), body)
                payload = b"" if status == 204 else json.dumps(told).encode()
                self.send_response(status)
                self.send_header("X-Influxdb-Build", "OSS")
                self.send_header("X-Influxdb-Version", double.version)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def rights(self, token: str) -> set[tuple[str, str]]:
        """What a token may do: (action, bucket's name)."""
        return {
            (right["action"], self.buckets[right["resource"]["id"]]["name"])
            for known in self.tokens.values()
            if known["token"] == token and known["status"] == "active"
            for right in known["permissions"]
        }

    def respond(self, method: str, target: str, authorization: str, body: dict[str, Any]) -> Refusal:
        parts = urlsplit(target)
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.requests.append((method, target))
        if parts.path in ("/ping", "/health"):
            return 204, {}
        if parts.path == "/api/v2/setup":
            return 200, {"allowed": False}
        if authorization != f"Token {OPERATOR_TOKEN}":
            return 401, {"code": "unauthorized", "message": "unauthorized access"}
        _, _, _, kind, *ident = parts.path.split("/")
        handler = getattr(self, f"_{kind}")
        answer: Refusal = handler(method, ident[0] if ident else "", asked, body)
        return answer

    def _orgs(self, method: str, ident: str, asked: dict[str, str], body: dict[str, Any]) -> Refusal:
        if method == "POST":
            return self._make(self.orgs, {"name": body["name"]}, unique=("name",))
        found = [org for org in self.orgs.values() if org["name"] == asked["org"]]
        if not found:
            return 404, {"code": "not found", "message": f'organization name "{asked["org"]}" not found'}
        return 200, {"orgs": found}

    def _buckets(self, method: str, ident: str, asked: dict[str, str], body: dict[str, Any]) -> Refusal:
        if method == "POST":
            made = {"orgID": body["orgID"], "name": body["name"], "type": "user"}
            return self._make(self.buckets, {**made, "retentionRules": body["retentionRules"]}, unique=("name",))
        if method == "PATCH":
            bucket = self.buckets[ident]
            rule = {**(bucket["retentionRules"] or [{}])[0], **body["retentionRules"][0]}
            if 0 < rule["everySeconds"] < rule["shardGroupDurationSeconds"]:
                return 422, {"code": "unprocessable entity", "message": "shard-group duration must be shorter"}
            bucket["retentionRules"] = [rule]
            return 200, bucket
        found = [b for b in self.buckets.values() if asked.get("name", b["name"]) == b["name"]]
        offset = int(asked.get("offset", 0))
        return 200, {"buckets": found[offset : offset + min(int(asked.get("limit", 20)), 100)]}

    def _dbrps(self, method: str, ident: str, asked: dict[str, str], body: dict[str, Any]) -> Refusal:
        if method == "POST":
            first = not any(m["database"] == body["database"] for m in self.mappings.values())
            made = {**body, "default": bool(body["default"]) or first}
            answer = self._make(self.mappings, made, unique=("database", "retention_policy"))
            if answer[0] == 201 and made["default"]:
                self._default(answer[1])
            return answer
        if method == "DELETE":
            self.mappings.pop(ident, None)
            return 204, {}
        if method == "PATCH":
            self._default(self.mappings[ident])
            return 200, {"content": self.mappings[ident]}
        virtual = [
            {
                "id": bucket["id"],
                "bucketID": bucket["id"],
                "database": bucket["name"].partition("/")[0],
                "retention_policy": bucket["name"].partition("/")[2] or "autogen",
                "default": True,
                "virtual": True,
            }
            for bucket in self.buckets.values()
        ]
        return 200, {"content": [*self.mappings.values(), *virtual]}

    def _default(self, mapping: dict[str, Any]) -> None:
        for other in self.mappings.values():
            if other["database"] == mapping["database"]:
                other["default"] = other is mapping

    def _authorizations(self, method: str, ident: str, asked: dict[str, str], body: dict[str, Any]) -> Refusal:
        if method == "POST":
            token = hashlib.sha256(f"token {self._made}".encode()).hexdigest()
            made = {**body, "token": token, "status": "active"}
            return self._make(self.tokens, made)
        if method == "DELETE":
            return (204, {}) if self.tokens.pop(ident, None) else (404, {"code": "not found", "message": "not found"})
        if method == "PATCH":
            self.tokens[ident] |= body
            return 200, self._shown(self.tokens[ident])
        return 200, {"authorizations": [self._shown(token) for token in self.tokens.values()]}

    def _shown(self, token: dict[str, Any]) -> dict[str, Any]:
        return {**token, "token": "" if self.hashed else token["token"]}

    def _make(self, kept: dict[str, dict[str, Any]], made: dict[str, Any], *, unique: tuple[str, ...] = ()) -> Refusal:
        if unique and any(all(other[key] == made[key] for key in unique) for other in kept.values()):
            return 422, {"code": "conflict", "message": "exists already"}
        self._made += 1
        ident = f"{self._made:016x}"
        kept[ident] = {"id": ident, **made}
        return 201, kept[ident]
