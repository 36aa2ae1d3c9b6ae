"""The worker's files while no worker runs: the same questions as on its control socket, answered here."""

from types import TracebackType
from typing import Any, Self

import msgspec

from cloud.control import list_entries, show_entry
from cloud.quarantine import Quarantine
from cloud.service import Service, build_service
from cloud.settings import CloudSettings
from cloud.stores.sqlite import SqliteStore
from core.errors import StorageError
from core.ports.control import ask

_WAIT_S = 60.0


def status_of_files(settings: CloudSettings) -> dict[str, Any]:
    """What the files say."""
    store = SqliteStore.open(settings.store_folder, read_only=True)
    return {
        "service": "cloud",
        "name": settings.client_id,
        "running": False,
        "databases": store.databases(),
        "quarantine": msgspec.structs.asdict(Quarantine.open_read_only(settings.folder).counts()),
        "alarms": [],
    }


class Asker:
    """Asks the worker that runs in a folder; where none runs, answers from the files.

    To replay without a worker one is made, without its broker, and kept until `__exit__`.
    """

    def __init__(self, settings: CloudSettings) -> None:
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
