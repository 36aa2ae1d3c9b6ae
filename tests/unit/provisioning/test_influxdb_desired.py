"""What a territory asks of InfluxDB: names, retention and shards."""

import pytest

from core.territory import Operator, Tenant, Territory
from core.territory.model import Retention
from provisioning.influxdb.desired import DAY_S, Policy, Use, account_name, desired_databases, shard_s


def territory(*retentions: Retention) -> Territory:
    tenants = {f"t{i}": Tenant(f"t{i}", f"T{i}", (), retention) for i, retention in enumerate(retentions)}
    return Territory(Operator("someone", "Someone"), tenants)


def test_each_tenant_and_the_operator() -> None:
    """The operator's database is `operator`, whatever the operator's own id."""
    databases = desired_databases(territory(Retention(400, 3650), Retention(30, None)))
    assert [database.name for database in databases] == ["t0", "t1", "operator"]
    assert databases[0].raw == Policy("raw", 400 * DAY_S, 30 * DAY_S, default=True)
    assert databases[0].long == Policy("long", 3650 * DAY_S, 364 * DAY_S, default=False)
    assert databases[1].long == Policy("long", 0, 364 * DAY_S, default=False)


@pytest.mark.parametrize(
    ("days", "raw_s"),
    [((400, 30), 400 * DAY_S), ((400, None), 0), ((None, None), 0), ((), 0)],
)
def test_the_operator_keeps_as_long_as_the_longest(days: tuple[int | None, ...], raw_s: int) -> None:
    """For ever is the longest; without a tenant too, for nothing says how long."""
    assert desired_databases(territory(*(Retention(day) for day in days)))[-1].raw.keep_s == raw_s


def test_a_shard_is_never_longer_than_what_is_kept() -> None:
    """InfluxDB refuses it; nor are there ever more than 101 shards of one policy."""
    for days in range(1, 36501, 7):
        shard = shard_s(days * DAY_S)
        assert 3600 <= shard <= days * DAY_S
        assert days * DAY_S / shard <= 101


def test_one_account_a_use() -> None:
    assert [account_name("ccpvm", use) for use in Use] == ["ccpvm-write", "ccpvm-read"]
    assert [use.table for use in Use] == [("influxdb", "write"), ("influxdb", "read")]
