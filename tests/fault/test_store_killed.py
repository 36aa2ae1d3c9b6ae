"""kill -9 of the store's writer and of its server, and what another process sees of it."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from random import Random

import pytest

from cloud.stores.base import Point, Store
from cloud.stores.opening import open_store
from core.errors import LinkError
from tests.support.road_stores import RoadStore, Served

pytestmark = pytest.mark.fault

T0 = 1_700_000_000_000_000
OPENED = f"""
T0 = {T0}
import sys
from cloud.settings import StoreSettings
from cloud.stores.base import Point
from cloud.stores.opening import open_store
settings = StoreSettings.model_validate_json(sys.argv[1])
"""
WRITER = (
    OPENED
    + """
store, first = open_store(settings), int(sys.argv[2])
for number in range(first, first + 100_000):
    points = [
        Point(measurement, {"device": f"{k:016x}"}, T0 + number * 40_000_000, {"n": number, f"f{number % 7}": 1.0})
        for k in range(20)
        for measurement in ("uplink", "light")
    ]
    assert store.write("ccpvm", points) == []
    print(number, flush=True)
"""
)
READER = (
    OPENED
    + """
store = open_store(settings, read_only=True)
for line in sys.stdin:
    newest = store.latest("ccpvm", "light")
    print(newest[0].fields["n"] if newest else 0, store.count("ccpvm", "light"), flush=True)
"""
)


def told(store: RoadStore) -> str:
    """What a process needs to open it."""
    return store.settings.model_dump_json(exclude_unset=True)


def test_nothing_acknowledged_is_lost(store: RoadStore) -> None:
    """Its writer is killed at ten seeded moments, in the middle of writes: every one that returned is there, whole."""
    random = Random(20251125)
    acknowledged: list[int] = []
    first = 0
    for _ in range(10):
        command = [sys.executable, "-c", WRITER, told(store), str(first)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            acknowledged += [int(writer.stdout.readline()) for _ in range(random.randrange(1, 40))]
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged += [int(line) for line in writer.stdout if line.endswith("\n")]  # written before the kill
        first = acknowledged[-1] + 1
    with closing(open_store(store.settings, read_only=True)) as seen:
        assert_kept(seen, acknowledged)


def assert_kept(seen: Store, acknowledged: list[int]) -> None:
    """These writes are there, each whole, and so is any other that is there; what is newest is known."""
    for measurement in ("uplink", "light"):
        found = seen.series("ccpvm", measurement, start_us=0, end_us=2**62)
        held: dict[object, int] = {}
        for point in found:
            held[point.fields["n"]] = held.get(point.fields["n"], 0) + 1
        assert set(acknowledged) <= set(held)
        assert set(held.values()) == {20}, "a write is there whole, or not at all"
        newest = seen.latest("ccpvm", measurement)
        assert {point.fields["n"] for point in newest} == {max(int(str(n)) for n in held)}


def test_a_server_that_is_killed_keeps_what_it_acknowledged(influx: Served) -> None:
    """InfluxDB is killed at ten seeded moments of a stream of writes: what it said to have, it has when it is back."""
    with closing(open_store(influx.settings)) as store:
        kill_while_it_writes(influx, store)


def kill_while_it_writes(influx: Served, store: Store) -> None:
    random = Random(20251126)
    acknowledged: list[int] = []
    failures: list[str] = []
    stopping = threading.Event()

    def write() -> None:
        number = 1
        while not stopping.is_set():
            points = [
                Point(
                    measurement, {"device": f"{k:016x}"}, T0 + number * 40_000_000, {"n": number, f"f{number % 7}": 1.0}
                )
                for k in range(20)
                for measurement in ("uplink", "light")
            ]
            try:
                assert store.write("ccpvm", points) == []
            except LinkError as error:
                failures.append(error.code)
                stopping.wait(0.02)
            else:
                acknowledged.append(number)
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(10):
            stopping.wait(random.uniform(0.02, 0.4))
            influx.server.kill()
            influx.server.start_again()
    finally:
        stopping.set()
        writer.join(30)
    assert len(acknowledged) > 10
    assert failures
    assert_kept(store, acknowledged)


def test_another_process_sees_a_write_as_soon_as_it_returned(store: RoadStore) -> None:
    """It reads while this one writes, and never sees half a write."""
    with closing(open_store(store.settings)) as writer:
        read_beside(writer, told(store))


def read_beside(writer: Store, settings: str) -> None:
    command = [sys.executable, "-c", READER, settings]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None

        def ask() -> tuple[int, int]:
            print("?", file=reader.stdin, flush=True)
            assert reader.stdout is not None
            newest, count = reader.stdout.readline().split()
            return int(newest), int(count)

        assert ask() == (0, 0)
        for number in range(1, 60):
            fields = {"n": number, f"f{number % 5}": 1.0}
            writer.write("ccpvm", [Point("light", {"device": f"{k:016x}"}, T0 + number, fields) for k in range(5)])
            assert ask() == (number, 5 * number)
        reader.stdin.close()
