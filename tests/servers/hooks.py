"""A real HTTP server in the test's own process that takes webhooks: it keeps what it is sent, and answers as told."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self


class Post(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class HookServer:
    """Listens on a free port of this machine until left. `status` is its answer; 0: it hangs up without one."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.status = 200
        self.location = ""
        outer = self

        class Answer(BaseHTTPRequestHandler):
            timeout = 10

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posts.append(Post(self.path, dict(self.headers), body))
                if not outer.status:
                    self.close_connection = True
                    return
                self.send_response(outer.status)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.send_header("Content-Length", "5")
                self.end_headers()
                self.wfile.write(b"sorry")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/beffroi"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
