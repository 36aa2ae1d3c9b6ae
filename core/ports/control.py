"""A service's control socket: one JSON question a connection, one JSON answer. Mode 0600, in its data folder.

Question: {"verb": "status", ...arguments}. Answer: {"ok": true, "answer": ...} or {"ok": false, "code", "message",
"hint"}. The server answers from a thread of its own; each verb is a function that must be safe to call from there.
"""

import fcntl
import json
import os
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core import log
from core.errors import BeffroiError, OperatorError, StorageError

Verb = Callable[[dict[str, Any]], Any]
SOCKET_NAME = "control.sock"
LOCK_NAME = "lock"
_LIMIT = 64 * 1024 * 1024
_PATIENCE_S = 0.2
_SHOWN = 500  # characters of a failure that nobody foresaw
_log = log.get(__name__)


def ask(folder: Path, verb: str, *, timeout_s: float = 10.0, **arguments: Any) -> Any:
    """The answer of the service that runs in `folder`.

    Raises:
        StorageError: `control.no_service` when none runs there.
        OperatorError: what the service itself refused.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(timeout_s)
        try:
            with _Short(folder) as path:
                link.connect(path)
            link.sendall(json.dumps({"verb": verb, **arguments}).encode() + b"\n")
            answer = json.loads(_read_line(link))
        except (OSError, ValueError) as error:
            raise StorageError("control.no_service", f"no service answers in {folder}: {error}") from error
    if not answer["ok"]:
        raise OperatorError(answer["code"], answer["message"], hint=answer["hint"])
    return answer["answer"]


class _Short:
    """A path to the socket that fits the 107 bytes a Unix socket allows, whatever the folder's depth."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fd = -1

    def __enter__(self) -> str:
        self._fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._fd}/{SOCKET_NAME}"

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _read_line(link: socket.socket) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        chunk = link.recv(65536)
        if not chunk or len(line) > _LIMIT:
            break
        line += chunk
    return bytes(line)


class ControlServer:
    """Answers `ask` until closed."""

    def __init__(self, folder: Path, verbs: Mapping[str, Verb]) -> None:
        self._verbs = dict(verbs)
        self._closed = threading.Event()
        self._path = folder / SOCKET_NAME
        self._path.unlink(missing_ok=True)  # the lock of the folder is held: nobody else answers there
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _Short(folder) as path:
            before = os.umask(0o177)
            try:
                self._socket.bind(path)
            finally:
                os.umask(before)
        self._socket.listen(8)
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._socket.accept()
            except OSError as error:
                if self._closed.is_set():
                    return
                # an asker that left in the queue, or no descriptor left for now: those who ask later are answered
                _log.warning("control.accept", reason=str(error))
                self._closed.wait(_PATIENCE_S)
                continue
            with link:
                link.settimeout(10.0)
                try:
                    link.sendall(self._answer(_read_line(link)))
                except OSError:
                    continue  # the asker went away

    def _answer(self, line: bytes) -> bytes:
        try:
            return _line(self._ask(line))
        except BeffroiError as error:
            return _line({"ok": False, "code": error.code, "message": error.message, "hint": error.hint})
        except Exception as error:  # noqa: BLE001 - see below
            # the border between an asker and the service: a verb that fails as nobody foresaw is a bug to be told, and
            # whoever looks into it needs this socket
            _log.exception("control.failed")
            said = f"{type(error).__name__}: {error}"
            return _line({"ok": False, "code": "control.failed", "message": said[:_SHOWN], "hint": "see the log"})

    def _ask(self, line: bytes) -> dict[str, Any]:
        try:
            question = json.loads(line)
            verb = self._verbs[question.pop("verb")]
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            return {"ok": False, "code": "control.unknown", "message": "unknown verb", "hint": ", ".join(self._verbs)}
        return {"ok": True, "answer": verb(question)}

    def close(self) -> None:
        self._closed.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._path.unlink(missing_ok=True)


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"


class FolderLock:
    """One service a data folder. The lock dies with the process, whatever ends it.

    Args:
        name: of the file that is locked.

    Raises:
        OperatorError: `folder.in_use`.
    """

    def __init__(self, folder: Path, *, name: str = LOCK_NAME) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / name).open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise OperatorError(
                "folder.in_use",
                f"another service already runs in {folder}",
                hint="stop it, or choose another data folder",
            ) from error

    def release(self) -> None:
        self._file.close()
