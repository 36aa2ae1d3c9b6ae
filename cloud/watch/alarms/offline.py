"""The alarms of a worker: from the worker that runs, or from its files while none does."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from core.errors import ConfigError, StorageError
from core.ports.control import FolderLock, ask

_READ: Final = ("alarm.list", "alarm.history")
_WAIT_S: Final = 60.0


def ask_alarms(folder: Path, territory: Path, verb: str, question: dict[str, Any], *, now_ms: int) -> Any:
    """The answer to an `alarm.…` verb.

    Args:
        folder: the worker's.
        territory: for the names, while no worker runs.

    Raises:
        OperatorError: what was asked cannot be done; `folder.in_use`: a worker runs and does not answer.
        StorageError: `watch.…`.
    """
    try:
        return ask(folder, verb, timeout_s=_WAIT_S, **question)
    except StorageError as error:
        if error.code != "control.no_service":
            raise
    with _desk(folder, territory, read_only=verb in _READ) as desk:
        from cloud.watch.alarms.verbs import alarm_verbs

        return alarm_verbs(desk, lambda: now_ms)[verb](question)


@contextlib.contextmanager
def _desk(folder: Path, territory: Path, *, read_only: bool) -> Iterator[Any]:
    """The desk of files at rest; who changes them holds the folder meanwhile."""
    from cloud.watch.alarms.desk import AlarmDesk
    from cloud.watch.alarms.journal import FILE_NAME
    from core.territory import load

    if not (folder / FILE_NAME).exists():
        raise StorageError(
            "watch.none", f"there is no {folder / FILE_NAME}", hint="the watch of `beffroi cloud run` makes it"
        )
    try:
        names = load(territory)
    except ConfigError:  # ids will do
        names = None
    with contextlib.ExitStack() as opened:
        if not read_only:
            opened.callback(FolderLock(folder).release)
        desk = AlarmDesk.open(folder, territory=names, read_only=read_only)
        opened.callback(desk.close)
        yield desk
