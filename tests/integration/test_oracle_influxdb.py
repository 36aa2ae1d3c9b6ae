"""The oracle weighs an InfluxDB store by value, and names what is broken in it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from beffroi.oracle import shown
from cloud.stores.base import Point
from cloud.stores.influxdb import InfluxStore
from cloud.stores.influxdb.lines import keyed_ns
from core.model import RowClass
from tests.servers.influxdb import InfluxDb
from tests.support.moving import DEVICES, event, uplink
from tests.support.weighing import Road, breaks, figures, uplinks


@pytest.fixture
def road(influxdb: InfluxDb, tmp_path: Path) -> Iterator[Road]:
    """Twelve uplinks and an event, all stored and settled."""
    influxdb.create("ccpvm", "esternay", "operator")
    (tmp_path / "cloud").mkdir()
    with closing(Road(tmp_path, InfluxStore.open(influxdb.url, secrets=None))) as made:
        made.deliver(*uplinks(1, 12))
        made.deliver(event(DEVICES[0], 3), row_class=RowClass.DIAGNOSTIC)
        made.rotate()
        yield made


def lose(road: Road) -> None:
    road.remove("ccpvm", road.points("ccpvm", "uplink")[4])


def lose_a_reading(road: Road) -> None:
    road.remove("ccpvm", road.points("ccpvm", "light")[4])


def change(road: Road) -> None:
    point = road.points("ccpvm", "light")[3]
    name = next(name for name, field in point.fields.items() if isinstance(field, float))
    road.change("ccpvm", point, fields={name: point.fields[name] + 0.5})  # type: ignore[operator]


def change_a_row(road: Road) -> None:
    point = road.points("ccpvm", "uplink")[3]
    road.change("ccpvm", point, fields={"key": point.fields["key"], "codec": "nothing@1"})


def add_a_reading(road: Road) -> None:
    road.change("ccpvm", (point := road.points("ccpvm", "light")[0]), time_us=point.time_us + 1)


def add_a_row(road: Road) -> None:
    point = road.points("ccpvm", "uplink")[0]
    road.change("ccpvm", point, fields={**point.fields, "key": "up/of/nobody", "origin": "remiremont/x/urgent/1/b"})


def show_twice(road: Road) -> None:
    road.change("ccpvm", road.points("ccpvm", "uplink")[0], into="esternay")


def test_a_sound_store_is_balanced(road: Road) -> None:
    """Every row and every point of it, by value."""
    balance = road.weigh()
    assert balance.balanced, balance
    assert figures(balance) == (13, 13, 0, 0, 0)


@pytest.mark.parametrize(
    ("break_it", "expected", "named"),
    [
        (lose, (1, 0, 0, 0), "lost: "),
        (lose_a_reading, (0, 0, 0, 1), "is missing"),
        (change, (0, 0, 0, 1), "expected"),
        (change_a_row, (0, 0, 0, 1), "codec of ccpvm/uplink"),
        (add_a_reading, (0, 0, 1, 0), "no row makes it"),
        (add_a_row, (0, 0, 1, 0), "up/of/nobody"),
        (show_twice, (0, 1, 0, 0), "esternay/uplink"),
    ],
)
def test_what_is_broken_is_named(
    road: Road, break_it: Callable[[Road], None], expected: tuple[int, int, int, int], named: str
) -> None:
    """A point deleted, changed, invented or shown twice: the balance is off by it alone, and says which."""
    break_it(road)
    balance = road.weigh()
    assert not balance.balanced
    assert breaks(balance) == expected, balance.faults
    assert named in " ".join(balance.faults)


def test_two_rows_of_one_instant_are_two(road: Road) -> None:
    """The store keeps both, each with its own fields, and the oracle finds both."""
    first, second = uplink(DEVICES[0], 40), uplink(DEVICES[0], 40)
    second = msgspec.structs.replace(second, key=second.key + "-again")
    assert keyed_ns(1, first.key) != keyed_ns(1, second.key)
    road.go_on()
    road.deliver(first, second)
    road.rotate()
    balance = road.weigh()
    assert balance.balanced, balance
    assert figures(balance) == (15, 15, 0, 0, 0)


def test_the_command_weighs_a_server(road: Road, influxdb: InfluxDb) -> None:
    """`--influxdb`, and `--secrets` where it asks for some."""
    road.stop()
    asked = ["--spool", str(road.spools), "--influxdb", influxdb.url, "--cloud", str(road.folder / "cloud")]
    territory = Path(__file__).parents[2] / "territories" / "grand-est"
    done = subprocess.run(
        [sys.executable, "-m", "beffroi.oracle", *asked, "--territory", str(territory)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    assert json.loads(done.stdout)["accepted"] == 13


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_slices_give_every_point_once(road: Road, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Also where an instant has more points than a slice."""
    monkeypatch.setattr(shown, "_SLICE", size)
    tags = {"device": "00000000000000ff"}
    points = [Point("event", tags, time_us, {"key": f"{time_us}-{n}"}) for time_us in (1, 5, 6) for n in range(4)]
    assert not road.store.write("esternay", points)
    found = list(shown.each_point(road.store, "esternay", "event"))
    assert sorted(str(point.fields["key"]) for point in found) == sorted(str(point.fields["key"]) for point in points)
