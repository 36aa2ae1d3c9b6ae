"""The poll rests after a slow store, and is known to be alive while it does."""

import asyncio
from typing import Any

import pytest

from cloud.page.app import Hub

WATCHDOG_S = 300.0  # deploy/systemd/beffroi-page.service


@pytest.mark.parametrize("took_s", [0.01, 4.0, 40.0])
def test_a_slow_store_neither_ends_the_page_nor_makes_it_look_dead(
    monkeypatch: pytest.MonkeyPatch, took_s: float
) -> None:
    """Nine tenths of the time are the store's own, but never so much that a watchdog misses a beat."""
    now_s = 0.0
    rests: list[float] = []
    alive: list[bool] = []

    class Reader:
        snapshot = None

        def poll(self) -> None:
            nonlocal now_s
            now_s += took_s

    async def sleep(seconds: float) -> None:
        nonlocal now_s
        rests.append(seconds)
        now_s += seconds
        alive.append(hub.is_alive())
        raise asyncio.CancelledError

    async def run() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now_s)
        monkeypatch.setattr(asyncio, "sleep", sleep)
        with pytest.raises(asyncio.CancelledError):
            await hub.run()

    reader: Any = Reader()
    hub = Hub(reader, poll_s=1.0)
    asyncio.run(run())
    hub.close()
    assert alive == [True]
    assert rests[0] >= min(9 * took_s, 30.0)
    assert took_s + rests[0] < WATCHDOG_S / 2
