"""What a tenant keeps no longer goes from an embedded store, an hour at a time."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from cloud.retention import Expiry
from cloud.stores.base import Point
from cloud.stores.sqlite import SqliteStore
from core.errors import StorageError
from core.territory import Territory
from core.territory.model import Retention
from tests.support.watched_town import TENANT, town

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
NOON_MS = 1_764_072_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore.open(tmp_path)
    yield opened
    opened.close()


def points(measurement: str, *days: float) -> list[Point]:
    """Of so many days ago."""
    tags = {"commune": "88383", "asset": "lamp"}
    return [Point(measurement, tags, round(NOON_MS - day * DAY_MS) * 1000, {"power_w": 1.0}) for day in days]


def territory(raw_days: int | None, long_days: int | None = None) -> Territory:
    declared = town()
    tenant = msgspec.structs.replace(declared.tenants[TENANT], retention=Retention(raw_days, long_days))
    return replace(declared, tenants={TENANT: tenant})


def test_what_is_older_goes_and_all_else_stays(store: SqliteStore) -> None:
    """Readings by `raw_days`, hours and days by `long_days`, in the tenant's database and the operator's."""
    for database in (TENANT, "operator"):
        for measurement in ("light", "uplink", "state", "hour"):
            store.write(database, points(measurement, 1, 29.9, 30.1, 31, 400))
    expiry = Expiry(store)
    steps = 0
    while expiry.step(territory(30, 365), now_ms=NOON_MS):
        steps += 1
    for database in (TENANT, "operator"):
        for measurement, left in (("light", 2), ("uplink", 2), ("state", 2), ("hour", 4)):
            assert store.count(database, measurement) == left, (database, measurement)
        assert len(store.latest(database, "light")) == 1
    assert steps == 2 * (3 * 3 + 1), "an hour of a measurement each"


def test_it_rests_when_all_was_looked_at(store: SqliteStore) -> None:
    """Ten minutes by the clock."""
    expiry = Expiry(store)
    assert expiry.step(territory(30), now_ms=NOON_MS) == 0
    store.write(TENANT, points("light", 40))
    assert expiry.step(territory(30), now_ms=NOON_MS + 9 * 60_000) == 0
    assert expiry.step(territory(30), now_ms=NOON_MS + 11 * 60_000) == 1
    assert expiry.step(territory(30), now_ms=NOON_MS - DAY_MS) == 0, "a clock that is set back is looked at again"


def test_without_days_everything_is_kept(store: SqliteStore) -> None:
    """For ever."""
    store.write(TENANT, points("light", 5000))
    assert Expiry(store).step(territory(None), now_ms=NOON_MS) == 0
    assert store.count(TENANT, "light") == 1


def test_one_database_that_refuses_keeps_the_others_no_longer(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again the next time."""
    for database in (TENANT, "operator"):
        store.write(database, points("light", 40))
    series = store.series

    def refuse(database: str, *told: object, **more: object) -> list[Point]:
        if database == "operator":
            raise StorageError("store.corrupt", "no database")
        return series(database, *told, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "series", refuse)
    expiry = Expiry(store)
    while expiry.step(territory(30), now_ms=NOON_MS):
        pass
    assert (store.count(TENANT, "light"), store.count("operator", "light")) == (0, 1)
    monkeypatch.undo()
    assert expiry.step(territory(30), now_ms=NOON_MS + 11 * 60_000) == 1
