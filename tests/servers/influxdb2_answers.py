"""A server that answers as InfluxDB 2.x does, and notes what it was asked: for what an 1.8 cannot show."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

import msgspec


class Asked(NamedTuple):
    path: str
    query: dict[str, str]
    body: bytes
    token: str


class Told(NamedTuple):
    status: int
    body: object = None
    headers: tuple[tuple[str, str], ...] = ()
    packed: bool = False
    close: bool = False  # the connection, after the answer, without a word


class Influx2Answers:
    """`answer` gives what is told to each question; None: what a server at rest says."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.answer: Callable[[Asked], Told | None] = lambda _: None
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                server.connections += 1

            def do_GET(self) -> None:
                self._reply()

            def do_POST(self) -> None:
                self._reply()

            def _reply(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                parts = urlsplit(self.path)
                form = body.decode() if parts.path == "/query" else parts.query
                query = {name: texts[0] for name, texts in parse_qs(form).items()}
                asked = Asked(parts.path, query, body, self.headers.get("Authorization", ""))
                server.asked.append(asked)
                told = server.answer(asked) or server.at_rest(asked)
                encode = msgspec.msgpack.encode if told.packed else msgspec.json.encode
                payload = b"" if told.body is None else encode(told.body)
                self.send_response(told.status)
                self.send_header("Content-Type", "application/x-msgpack" if told.packed else "application/json")
                for name, text in told.headers:
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)
                self.close_connection = told.close

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @staticmethod
    def at_rest(asked: Asked) -> Told:
        match asked.path:
            case "/health":
                return Told(200, {"name": "influxdb", "status": "pass", "version": "v2.9.1"})
            case "/query":
                return Told(200, {"results": [{"statement_id": 0}]}, packed=True)
            case _:
                return Told(204)

    def of(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
