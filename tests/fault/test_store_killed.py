"""kill -9 of the store's writer, and what another process sees of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from cloud.stores.base import Point
from cloud.stores.sqlite import SqliteStore

pytestmark = pytest.mark.fault

T0 = 1_700_000_000_000_000
WRITER = """
import sys
from pathlib import Path
from cloud.stores.base import Point
from cloud.stores.sqlite import SqliteStore
store, first = SqliteStore.open(Path(sys.argv[1])), int(sys.argv[2])
for number in range(first, first + 100_000):
    points = [
        Point(measurement, {"device": f"{k:016x}"}, number * 40_000_000, {"n": number, f"f{number % 7}": 1.0})
        for k in range(20)
        for measurement in ("uplink", "light")
    ]
    assert store.write("ccpvm", points) == []
    print(number, flush=True)
"""
READER = """
import sys
from pathlib import Path
from cloud.stores.sqlite import SqliteStore
store = SqliteStore.open(Path(sys.argv[1]), read_only=True)
for line in sys.stdin:
    newest = store.latest("ccpvm", "light")
    print(newest[0].fields["n"] if newest else 0, store.count("ccpvm", "light"), flush=True)
"""


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """Killed at ten seeded moments, in the middle of writes: every write that returned is there, whole."""
    random = Random(20251125)
    acknowledged: list[int] = []
    first = 0
    for _ in range(10):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(first)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            acknowledged += [int(writer.stdout.readline()) for _ in range(random.randrange(1, 40))]
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged += [int(line) for line in writer.stdout if line.endswith("\n")]  # written before the kill
        first = acknowledged[-1] + 1
    store = SqliteStore.open(tmp_path, read_only=True)
    for measurement in ("uplink", "light"):
        found = store.series("ccpvm", measurement, start_us=0, end_us=2**62)
        held: dict[object, int] = {}
        for point in found:
            held[point.fields["n"]] = held.get(point.fields["n"], 0) + 1
        assert set(acknowledged) <= set(held)
        assert set(held.values()) == {20}, "a write is there whole, or not at all"
        newest = store.latest("ccpvm", measurement)
        assert {point.fields["n"] for point in newest} == {max(int(str(n)) for n in held)}


def test_another_process_sees_a_write_as_soon_as_it_returned(tmp_path: Path) -> None:
    """It reads while this one writes, and never sees half a write."""
    store = SqliteStore.open(tmp_path)
    command = [sys.executable, "-c", READER, str(tmp_path)]
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
            store.write("ccpvm", [Point("light", {"device": f"{k:016x}"}, T0 + number, fields) for k in range(5)])
            assert ask() == (number, 5 * number)
        reader.stdin.close()
    store.close()
