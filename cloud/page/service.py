"""The page as a service: its port, its store, its territory, its clock. Composition root."""

import errno
import signal
import socket
from collections.abc import Callable

import uvicorn

from cloud.page import words
from cloud.page.app import Hub, build
from cloud.page.desk import Desk
from cloud.page.reader import Reader
from cloud.page.settings import PageSettings
from cloud.stores.opening import open_store
from cloud.territory_watch import TerritoryWatch
from core import territory
from core.errors import OperatorError
from core.ports.clock import open_clock

_LOCAL_NAMES = ["localhost", "127.0.0.1"]


def run(settings: PageSettings, *, on_ready: Callable[[str], None], on_beat: Callable[[], None] = lambda: None) -> None:
    """Serve the page until SIGINT or SIGTERM; `on_ready` gets its address once it can be asked.

    `on_beat` is called after every look at the store.

    Raises:
        ConfigError: the territory, the clock file or the secrets file has faults, the tenant is not declared, or this
            host knows no time zones.
        OperatorError: as `listen`.
    """
    words.paris()
    with listen(settings.host, settings.port) as listener:
        declared = territory.load(settings.territory)
        store = open_store(settings.store, read_only=True)
        reader = Reader(
            store,
            declared,
            clock=open_clock(settings.clock),
            look=TerritoryWatch(settings.territory, declared).look,
            tenant=settings.tenant,
            operator=settings.operator,
        )
        desk = Desk(settings.cloud) if settings.operator else None
        hub = Hub(reader, poll_s=settings.poll_ms / 1000, desk=desk, on_beat=on_beat)
        _serve(hub, listener, settings, on_ready)
        store.close()


def listen(host: str, port: int) -> socket.socket:
    """The page's socket, bound before anything is read.

    Raises:
        OperatorError: `page.port_in_use`, `page.address`.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # now already: what asks early waits instead of being refused
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise OperatorError(
                "page.port_in_use",
                f"port {port} of {host} is taken",
                hint="is the page running already? else choose another port (--port)",
            ) from error
        raise OperatorError(
            "page.address",
            f"cannot answer on {host}, port {port}: {error.strerror}",
            hint="see `host` and `port` in the settings",
        ) from error
    return listener


def _serve(hub: Hub, listener: socket.socket, settings: PageSettings, on_ready: Callable[[str], None]) -> None:
    failures: list[BaseException] = []

    def on_end(failure: BaseException) -> None:
        failures.append(failure)
        server.should_exit = True

    app = build(hub, hosts=["*"] if settings.public or ":" in settings.host else _LOCAL_NAMES, on_end=on_end)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            ws="wsproto",
            timeout_graceful_shutdown=2,  # browsers keep their sockets open for ever
        )
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # uvicorn raises what stopped it once more when it is done
    on_ready(f"http://{settings.host}:{settings.port}")
    server.run(sockets=[listener])
    if failures:
        raise failures[0]
