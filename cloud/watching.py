"""Composes the watch of a worker: its stores, its claim, its alarms, and their two threads."""

import contextlib
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from cloud.alarms import Alarms
from cloud.claims import FolderClaim
from cloud.inbox import Inbox
from cloud.mqtt_claim import MqttClaim
from cloud.settings import CloudSettings
from cloud.stores.base import Store
from cloud.stores.opening import open_store
from cloud.watch.alarms.channels.opening import open_channels
from cloud.watch.alarms.desk import AlarmDesk
from cloud.watch.alarms.road import worker_findings
from cloud.watch.loop import Claim, Watch
from cloud.watch.round import Stores
from core import log
from core.errors import StorageError
from core.ports.clock import Clock
from core.ports.control import Verb
from core.territory import Territory

_log = log.get(__name__)
FAILED: Final = "watch.failed"  # alarm
_DELIVER_S: Final = 2.0
_JOIN_S: Final = 4.0
_SWITCH_S: Final = 0.001  # Python's own 5 ms, at each of the worker's waits, cost a row a third of its way to the store


class Watching:
    """The watch, and the post that takes its messages out. `close` it, whether it ran or not."""

    def __init__(self, watch: Watch, desk: AlarmDesk, clock: Clock) -> None:
        self.watch = watch
        self._desk = desk
        self._clock = clock
        self._threads: list[threading.Thread] = []

    def start(self, stopping: threading.Event) -> None:
        """Both threads, until `stopping` is set."""
        sys.setswitchinterval(_SWITCH_S)
        self._threads = [
            threading.Thread(target=self.watch.run, args=(stopping,), name="watch", daemon=True),
            threading.Thread(target=self._deliver, args=(stopping,), name="post", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Once `stopping` was set. A mail server that takes its time is not waited for: what it took is noted when the
        message is tried again."""
        for thread in self._threads:
            thread.join(_JOIN_S)
        if not any(thread.is_alive() for thread in self._threads):
            self._desk.close()

    @property
    def verbs(self) -> dict[str, Verb]:
        """For the control socket, as they are."""
        return self._desk.verbs(self._clock.now_ms)

    def status(self) -> dict[str, Any]:
        return self.watch.status()

    def _deliver(self, stopping: threading.Event) -> None:
        """A slow mail server delays nothing but the post."""
        refused = ""
        while not stopping.wait(_DELIVER_S):
            try:
                self._desk.deliver(self._clock.now_ms())
                refused = ""
            except StorageError as error:
                if error.code != refused:
                    refused = error.code
                    _log.error("post.refused", code=error.code, message=error.message)


def build_watching(
    settings: CloudSettings,
    store: Store,
    *,
    opened: contextlib.ExitStack,
    territory: Callable[[], Territory],
    alarms: Alarms,
    inbox: Inbox,
    clock: Clock,
) -> Watching | None:
    """The watch that the settings ask for; None where they ask for none.

    Args:
        opened: closes what is opened here.

    Raises:
        ConfigError: the secrets of webhooks cannot be read.
        StorageError: the journal of the alarms cannot be opened.
    """
    if not settings.watch:
        return None
    notify = settings.notify
    desk = AlarmDesk.open(
        settings.folder,
        channels=open_channels(notify),
        linger_s=notify.linger_s,
        expire_h=notify.expire_h,
        territory=territory(),
    )

    def tell(failure: str | None) -> None:
        """From the watch's thread; alarms are the worker's."""
        if failure is None:
            inbox.call(partial(alarms.end, FAILED))
        else:
            inbox.call(partial(alarms.begin, FAILED, failure, hint="see the log: it is a bug"))

    watch = Watch(
        Stores(_reader(settings, store, opened), store),
        claim=_claim(settings),
        territory=territory,
        clock=clock,
        desk=desk,
        conditions=lambda: worker_findings(alarms.holding()),
        held=lambda: [alarm.finding for alarm in desk.holding() if alarm.gone_ms is None],
        every_ms=round(settings.watch_s * 1000),
        on_failure=tell,
    )
    watching = Watching(watch, desk, clock)
    opened.callback(watching.close)
    return watching


def _reader(settings: CloudSettings, store: Store, opened: contextlib.ExitStack) -> Store:
    """What the watch reads from; of files a view of its own, so that it never waits for who writes, nor they for it."""
    if settings.store.kind != "sqlite":
        return store
    reader = open_store(settings.store_at, read_only=True)
    opened.callback(reader.close)
    return reader


def _claim(settings: CloudSettings) -> Claim:
    if settings.store.kind == "sqlite":
        return FolderClaim(settings.store_folder, settings.client_id)
    return MqttClaim(settings.broker, settings.client_id)
