"""The control socket and the folder lock."""

import contextlib
import errno
import socket
import stat
from pathlib import Path

import pytest

from core.errors import OperatorError, StorageError
from core.ports.control import SOCKET_NAME, ControlServer, FolderLock, ask


def test_a_verb_is_answered_and_an_error_keeps_its_code(tmp_path: Path) -> None:
    """Answers and refusals come back as they were given; the socket is for its owner alone."""

    def refuse(_: dict[str, object]) -> None:
        raise OperatorError("thing.refused", "not now", hint="later")

    server = ControlServer(tmp_path, {"status": lambda q: {"seen": q.get("n")}, "refuse": refuse})
    try:
        assert ask(tmp_path, "status", n=3) == {"seen": 3}
        assert stat.S_IMODE((tmp_path / SOCKET_NAME).stat().st_mode) == 0o600
        with pytest.raises(OperatorError) as caught:
            ask(tmp_path, "refuse")
        assert (caught.value.code, caught.value.hint) == ("thing.refused", "later")
        with pytest.raises(OperatorError) as caught:
            ask(tmp_path, "nonsense")
        assert caught.value.code == "control.unknown"
    finally:
        server.close()
    with pytest.raises(StorageError) as gone:
        ask(tmp_path, "status")
    assert gone.value.code == "control.no_service"


def test_a_verb_that_fails_as_nobody_foresaw_is_told_and_the_next_one_answered(tmp_path: Path) -> None:
    """A bug in one verb, an answer that is no JSON or a question nested without end cost that one answer."""
    verbs = {"bug": lambda q: q["absent"], "odd": lambda _: {1, 2}, "surrogate": lambda _: "\ud800"}
    server = ControlServer(tmp_path, {**verbs, "status": lambda _: "up"})
    try:
        for verb in ("bug", "odd"):
            with pytest.raises(OperatorError) as caught:
                ask(tmp_path, verb)
            assert caught.value.code == "control.failed"
        assert ask(tmp_path, "surrogate") == "\ud800"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link, contextlib.chdir(tmp_path):
            link.connect(SOCKET_NAME)
            link.sendall(b'{"verb":' + b"[" * 200_000 + b"\n")
            assert b"control.unknown" in link.recv(1000)
        assert ask(tmp_path, "status") == "up"
    finally:
        server.close()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ECONNABORTED])
def test_a_connection_that_cannot_be_taken_is_not_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """No descriptor left, or an asker that went away in the queue: whoever asks later is answered."""
    accept, failures = socket.socket.accept, [number, number]

    def flaky(listening: socket.socket) -> object:
        if failures:
            raise OSError(failures.pop(), "not now")
        return accept(listening)

    monkeypatch.setattr(socket.socket, "accept", flaky)
    monkeypatch.setattr("core.ports.control._PATIENCE_S", 0.0)
    server = ControlServer(tmp_path, {"status": lambda _: "up"})
    try:
        assert ask(tmp_path, "status") == "up"
        assert not failures
    finally:
        server.close()


def test_a_deep_folder_still_has_its_socket(tmp_path: Path) -> None:
    """The 107 bytes of a Unix socket's path do not limit the data folder's depth."""
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    server = ControlServer(deep, {"status": lambda _: "up"})
    try:
        assert ask(deep, "status") == "up"
    finally:
        server.close()


def test_one_service_a_folder(tmp_path: Path) -> None:
    """A second service in the same folder is refused with what to do; the lock goes with its holder."""
    lock = FolderLock(tmp_path)
    with pytest.raises(OperatorError) as caught:
        FolderLock(tmp_path)
    assert caught.value.code == "folder.in_use"
    lock.release()
    FolderLock(tmp_path).release()
