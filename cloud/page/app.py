"""The page over HTTP: one poll for all browsers, a view for each, and the read-only JSON endpoints."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from fastapi import FastAPI, Request, Response
from nicegui import Client, ui
from nicegui import app as pages
from starlette.middleware.trustedhost import TrustedHostMiddleware

from cloud.page import answers
from cloud.page.alarms import Alarm
from cloud.page.desk import Desk, Verdict
from cloud.page.reader import Reader
from cloud.page.story import Story
from cloud.page.view import View
from cloud.page.wrong_way import not_found

_CSS = Path(__file__).with_name("page.css")
_FAVICON = Path(__file__).with_name("favicon.svg")
_SLOWEST_S = 30.0  # a poll that takes longer is no longer a poll
_LONGEST_REST_S = 60.0  # a watchdog waits for the next one
# The browser itself refuses whatever would leave this host. Vue compiles templates, hence 'unsafe-eval'.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; frame-ancestors 'self'"
)


class Hub:
    """Polls the reader in one thread and tells every view what changed.

    Args:
        desk: where alarms are acknowledged; None: nowhere, whatever a browser asks.
        on_beat: called after every poll: a watchdog's seam.
    """

    def __init__(
        self, reader: Reader, *, poll_s: float, desk: Desk | None = None, on_beat: Callable[[], None] = lambda: None
    ) -> None:
        self.reader = reader
        self._desk = desk
        self.views: set[View] = set()
        self._poll_s = poll_s
        self._on_beat = on_beat
        self._polled_at = 0.0
        self._rest_s = poll_s
        self._thread = ThreadPoolExecutor(1, "page-reader")  # one thread: a panel waits for the poll, never beside it

    async def run(self) -> None:
        """Poll until cancelled; a store that takes long to read is left alone nine tenths of the time, but for a
        minute at most."""
        loop = asyncio.get_running_loop()
        while True:
            started_at = loop.time()
            changes = await loop.run_in_executor(self._thread, self.reader.poll)
            self._polled_at = loop.time()
            self._on_beat()
            for view in list(self.views):
                view.show(self.reader.snapshot, changes)
            spent_s = self._polled_at - started_at
            self._rest_s = max(self._poll_s - spent_s, min(9 * spent_s, _LONGEST_REST_S))
            await asyncio.sleep(self._rest_s)

    async def tell(self, asset: str) -> Story | None:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.reader.story, asset)

    async def remember(self) -> list[Alarm]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.reader.history)

    @property
    def acknowledges(self) -> bool:
        return self._desk is not None and self.reader.is_operator

    async def acknowledge(self, alarm: Alarm, who: str, note: str) -> Verdict:
        """Tell the worker; the next poll shows it. Beside the reader's thread: it waits for another process."""
        if self._desk is None or not self.reader.is_operator:
            return Verdict(False, "Cette page ne peut rien acquitter.")
        return await asyncio.to_thread(self._desk.acknowledge, alarm, who=who, note=note)

    def is_alive(self) -> bool:
        return asyncio.get_running_loop().time() - self._polled_at < _SLOWEST_S + self._rest_s

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)


def build(hub: Hub, *, hosts: list[str], on_end: Callable[[BaseException], None]) -> FastAPI:
    """The application. Call it once a process: NiceGUI keeps its pages in its own modules.

    Args:
        hosts: names under which a browser may ask for the page; `*` for any.
        on_end: told why the poll ended by itself.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        poll = asyncio.create_task(hub.run(), name="poll")
        poll.add_done_callback(lambda task: None if task.cancelled() else on_end(task.exception() or RuntimeError()))
        yield
        poll.cancel()
        hub.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts)  # no other site's page may ask through a browser
    app.middleware("http")(_keep_inside)
    _add_endpoints(app, hub)
    _add_page(hub)
    pages.add_exception_handler(404, not_found)
    ui.run_with(
        app,
        title="Beffroi",
        language="fr",
        favicon=_FAVICON,
        tailwind=False,
        show_welcome_message=False,
        binding_refresh_interval=None,
        reconnect_timeout=30.0,  # a phone that slept comes back to the same page
    )
    return app


async def _keep_inside(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call(request)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _add_endpoints(app: FastAPI, hub: Hub) -> None:
    @app.get("/api/state")
    async def state() -> Response:
        return _json(answers.state(hub.reader.snapshot))

    @app.get("/api/assets")
    async def assets() -> Response:
        return _json(answers.assets(hub.reader.snapshot))

    @app.get("/api/outlines")
    async def outlines() -> Response:
        return _json(answers.outlines(hub.reader.snapshot))

    @app.get("/healthz")
    async def healthz() -> Response:
        alive = hub.is_alive()
        return _json({"ok": alive}, status=200 if alive else 503)


def _add_page(hub: Hub) -> None:
    ui.add_head_html(f"<style>{_CSS.read_text('utf-8')}</style>", shared=True)

    @ui.page("/")
    def page(client: Client) -> None:
        view = View(
            hub.reader.snapshot,
            tell=hub.tell,
            remember=hub.remember,
            acknowledge=hub.acknowledge if hub.acknowledges else None,
        )
        hub.views.add(view)
        client.on_delete(lambda: hub.views.discard(view))


def _json(answer: dict[str, object], *, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(answer),
        status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
