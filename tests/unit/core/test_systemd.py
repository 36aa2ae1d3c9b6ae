"""What systemd hears of a service."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.ports.systemd import Notifier
from tests.support.notify_socket import NotifySocket


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture(params=[False, True], ids=["path", "abstract"])
def systemd(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NotifySocket]:
    with NotifySocket(tmp_path, watchdog_s=40, abstract=request.param) as listening:
        yield listening


def heard(systemd: NotifySocket) -> list[str]:
    words = []
    while (word := systemd.next(timeout_s=0.001)) is not None:
        words.append(word)
    return words


def test_ready_once_then_a_beat_each_quarter_of_the_patience(systemd: NotifySocket, hand: Hand) -> None:
    """A loop that comes round a hundred times a second does not drown systemd."""
    with Notifier(systemd.environment, mono_s=hand) as notifier:
        assert heard(systemd) == []
        for _ in range(100):
            notifier.beat()
        assert heard(systemd) == ["READY=1", "WATCHDOG=1"]
        hand.s += 9.9
        notifier.beat()
        assert heard(systemd) == []
        hand.s += 0.1
        notifier.beat()
        notifier.beat()
        assert heard(systemd) == ["WATCHDOG=1"]
    assert heard(systemd) == ["STOPPING=1"]
    notifier.beat()
    assert heard(systemd) == []


def test_without_a_watchdog_only_ready(tmp_path: Path, hand: Hand) -> None:
    """Type=notify without WatchdogSec, or a watchdog that waits for another process."""
    with NotifySocket(tmp_path) as systemd:
        for more in ({}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}):
            with Notifier({**systemd.environment, **more}, mono_s=hand) as notifier:
                notifier.beat()
            assert heard(systemd) == ["READY=1", "STOPPING=1"]
        own = {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": str(os.getpid())}
        with Notifier({**systemd.environment, **own}, mono_s=hand) as notifier:
            notifier.beat()
        assert heard(systemd) == ["READY=1", "WATCHDOG=1", "STOPPING=1"]


@pytest.mark.parametrize("name", ["", "relative", "vsock:2:1234"])
def test_nothing_where_systemd_did_not_ask(name: str, hand: Hand) -> None:
    """No socket is made for a name that is none of ours."""
    with Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1"}, mono_s=hand) as notifier:
        notifier.beat()
        assert notifier._socket is None


def test_systemd_that_is_gone_or_does_not_read_stops_nothing(tmp_path: Path, hand: Hand) -> None:
    """A beat is a word, not a wait."""
    with NotifySocket(tmp_path, watchdog_s=0.000001) as deaf, Notifier(deaf.environment, mono_s=hand) as notifier:
        for _ in range(2_000):
            hand.s += 1
            notifier.beat()
    with Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}, mono_s=hand) as notifier:
        notifier.beat()
