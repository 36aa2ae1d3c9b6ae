"""The worker's files while no worker runs: the same questions as on its control socket, answered here.

The worker's own modules are imported only then, so that one that runs is asked quickly.
"""

import contextlib
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from core.errors import LinkError, OperatorError, StorageError
from core.ports.control import FolderLock, ask

if TYPE_CHECKING:
    from cloud.service import Service
    from cloud.settings import CloudSettings

_WAIT_S = 60.0


def status_of_files(settings: "CloudSettings") -> dict[str, Any]:
    """What the files say."""
    import msgspec

    from cloud.quarantine import Quarantine
    from cloud.stores.opening import open_store

    store: dict[str, Any] = {"databases": []}
    try:
        with contextlib.closing(open_store(settings.store_at, read_only=settings.store.kind == "sqlite")) as opened:
            store = {"databases": opened.databases()}
    except (LinkError, StorageError) as error:
        store["store"] = f"{error.message} [{error.code}]"  # all else can be told
    return {
        "service": "cloud",
        "name": settings.client_id,
        "running": _is_held(settings.folder),  # one that runs and is too busy to answer
        **store,
        "quarantine": msgspec.structs.asdict(Quarantine.open_read_only(settings.folder).counts()),
        "alarms": [],
    }


def _is_held(folder: Path) -> bool:
    if not folder.exists():
        return False
    try:
        FolderLock(folder).release()
    except OperatorError:
        return True
    return False


class Asker:
    """Asks the worker that runs in a folder; where none runs, answers from the files.

    To replay without a worker one is made, without its broker, and kept until `__exit__`.
    """

    def __init__(self, settings: "CloudSettings") -> None:
        self._settings = settings
        self._service: Service | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._service is not None:
            self._service.close()

    def ask(self, verb: str, question: dict[str, Any]) -> Any:
        """The answer to a `quarantine.…` verb."""
        try:
            return ask(self._settings.folder, verb, timeout_s=_WAIT_S, **question)
        except StorageError as error:
            if error.code != "control.no_service":
                raise
        return self._answer(verb, question)

    def _answer(self, verb: str, question: dict[str, Any]) -> Any:
        from cloud.control import list_entries, show_entry
        from cloud.quarantine import Quarantine
        from cloud.service import build_service

        held = Quarantine.open_read_only(self._settings.folder)
        match verb:
            case "quarantine.list":
                return list_entries(held, question)
            case "quarantine.show":
                return show_entry(held, question)
            case _:
                if self._service is None:
                    self._service = build_service(self._settings)
                return self._service.verbs()[verb](question)
