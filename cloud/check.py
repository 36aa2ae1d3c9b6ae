"""`cloud check`: whether a worker could run with these settings, and what stands in its way."""

import contextlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

import msgspec

from cloud.schema import ALARM
from cloud.settings import CloudSettings, StoreSettings
from cloud.sqlitefile import probe_folder
from cloud.stores.base import Store
from cloud.stores.opening import open_store
from cloud.watch.alarms.channels.email import EmailChannel
from core.errors import BeffroiError, ExitCode, NotConnected, StorageError
from core.ports.mqtt import Connected, Disconnected, LinkEvent, MqttLink
from core.secrets import WEBHOOK_SIGN, load_secrets
from core.territory import OPERATOR, Territory, TerritoryError, load

_BROKER_S = 5.0


class Finding(msgspec.Struct, frozen=True):
    """One thing that was tried. `exit_code` says what a script should do about it."""

    name: str
    ok: bool
    text: str
    hint: str = ""
    exit_code: int = ExitCode.DONE


def examine(settings: CloudSettings, *, broker_s: float = _BROKER_S) -> list[Finding]:
    """Try everything, also after the first thing that fails.

    Args:
        broker_s: how long the broker may take to answer.
    """
    return [
        _try("territory", lambda: _territory(settings.territory)),
        _try("folder", lambda: _folder(settings.folder)),
        *_store(settings),
        _try("broker", lambda: _broker(settings, broker_s)),
        *_notify(settings),
    ]


def verdict(findings: list[Finding]) -> ExitCode:
    """Bad settings before what is only out of reach."""
    codes = {finding.exit_code for finding in findings}
    return next((code for code in (ExitCode.SETTINGS, ExitCode.UNREACHABLE) if code in codes), ExitCode.DONE)


def _try(name: str, ask: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, ask())
    except TerritoryError as error:
        return Finding(name, False, "; ".join(str(fault) for fault in error.faults), error.hint, error.exit_code)
    except BeffroiError as error:
        return _failed(name, error)


def _failed(name: str, error: BeffroiError) -> Finding:
    return Finding(name, False, f"{error.message} [{error.code}]", error.hint, error.exit_code)


def _territory(folder: Path) -> str:
    territory: Territory = load(folder)
    return (
        f"{len(territory.communes)} communes, {len(territory.sites)} sites, {len(territory.devices)} devices"
        f" (digest {territory.digest})"
    )


def _folder(folder: Path) -> str:
    if folder.exists():
        probe_folder(folder)
        return f"{folder} can be written to"
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if not (above.is_dir() and os.access(above, os.W_OK)):
        raise StorageError("store.folder", f"{folder} cannot be made in {above}", hint="make it, owned by the service")
    return f"{folder} will be made"


def _store(settings: CloudSettings) -> list[Finding]:
    """The store, and each database of it that the territory needs."""
    if settings.store.kind == "sqlite":
        return [_try("store", lambda: _files(settings.store_at))]
    try:
        store = open_store(settings.store)
    except BeffroiError as error:
        return [_failed("store", error)]
    with contextlib.closing(store):
        reached = _try("store", lambda: _server(settings.store.url, store))
        if not reached.ok:
            return [reached]
        return [reached, *(_try(f"store {name}", partial(_database, store, name)) for name in _needed(settings))]


def _files(at: StoreSettings) -> str:
    """Opened read-only: a look makes nothing."""
    with contextlib.closing(open_store(at, read_only=True)) as store:
        names = store.databases()
    return f"{_folder(at.folder or Path())}; databases: {', '.join(names) or 'none yet'}"


def _server(url: str, store: Store) -> str:
    store.probe()
    return f"{url} answers"


def _needed(settings: CloudSettings) -> list[str]:
    """One database a tenant, and the operator's; the operator's alone where the territory cannot be read."""
    try:
        return sorted({*load(settings.territory).tenants, OPERATOR})
    except BeffroiError:
        return [OPERATOR]


def _database(store: Store, name: str) -> str:
    """A write without points, and a question that is answered with little: both rights are needed."""
    store.write(name, [])
    store.latest(name, ALARM, {"kind": "none"})
    return "can be written to and read"


def _notify(settings: CloudSettings) -> list[Finding]:
    """Whether the mail server lets us in, and the secrets can be read; nothing is sent."""
    found = []
    if settings.notify.webhook is not None:
        found.append(_try("notify.webhook", partial(_signs, settings.notify.webhook.secrets)))
    if settings.notify.smtp is not None:
        found.append(_try("notify.smtp", EmailChannel(settings.notify.smtp).probe))
    return found


def _signs(path: Path | None) -> str:
    if path is None:
        return "webhooks are not signed"
    return f"webhooks are signed for: {', '.join(sorted(load_secrets(path).table(WEBHOOK_SIGN))) or 'nobody'}"


def _broker(settings: CloudSettings, wait_s: float) -> str:
    """Connect under another client id and without a session: a running worker is not disturbed."""
    events: SimpleQueue[LinkEvent] = SimpleQueue()
    where = f"{settings.broker.host}:{settings.broker.port}"
    link = MqttLink(
        settings.broker,
        client_id=f"{settings.client_id}-check",
        keep_session=False,
        subscriptions=[],
        on_event=events.put,
    )
    link.start()
    try:
        event = events.get(timeout=wait_s)
    except Empty:
        raise NotConnected("broker.silent", f"{where} does not answer") from None
    finally:
        link.stop()
    match event:
        case Connected():
            return f"{where} answers"
        case Disconnected(reason=reason):
            raise NotConnected("broker.unreachable", f"{where}: {reason}", hint="see [broker]; is the broker running?")
        case _:
            raise NotConnected("broker.strange", f"{where} answers out of turn")
