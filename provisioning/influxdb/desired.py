"""What a territory asks of InfluxDB: a database a tenant and the operator's own, each with two retention policies."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from core.secrets import INFLUXDB_READ, INFLUXDB_WRITE, TablePath
from core.territory import OPERATOR, Territory

DAY_S = 86_400
FOREVER_S = 0  # as both servers say it

# Kept for at most … → one shard holds … (Source: InfluxDB 1.8, "Schema design", shard group duration management).
# Above five years we leave its 30 days for the 52 weeks it advises for endless data: `long` has 24 points a day and
# series, so that 10 years of a commune are 11 shards and not 122, each with an index and files of its own, for every
# one of 150 tenants. The price: a shard is dropped whole once its newest point is too old, so that points stay for up
# to one shard longer than is asked.
_SHARDS_S = (
    (1 * DAY_S, 6 * 3600),
    (7 * DAY_S, 1 * DAY_S),
    (90 * DAY_S, 7 * DAY_S),
    (5 * 365 * DAY_S, 30 * DAY_S),
)
_LARGEST_SHARD_S = 364 * DAY_S


class Use(StrEnum):
    """What one account of a database is for."""

    WRITE = "write"  # the worker: writes, reads and deletes (it moves uplinks)
    READ = "read"  # the page and the boards

    @property
    def table(self) -> TablePath:
        """Where the secrets file keeps its credentials, by database."""
        return INFLUXDB_WRITE if self is Use.WRITE else INFLUXDB_READ


@dataclass(frozen=True)
class Policy:
    """How long points are kept, and how much time one shard holds."""

    name: str
    keep_s: int
    shard_s: int
    default: bool


@dataclass(frozen=True)
class Database:
    name: str
    raw: Policy
    long: Policy

    @property
    def policies(self) -> tuple[Policy, Policy]:
        return self.raw, self.long


def account_name(database: str, use: Use) -> str:
    """`ccpvm-write`, `ccpvm-read`."""
    return f"{database}-{use}"


def desired_databases(territory: Territory) -> tuple[Database, ...]:
    """One for each tenant, then the operator's, which keeps as long as the tenant that keeps longest: what nobody
    declared yet may turn out to be any tenant's.
    """
    tenants = territory.tenants.values()
    return (
        *(_database(tenant.id, tenant.retention.raw_days, tenant.retention.long_days) for tenant in tenants),
        _database(
            OPERATOR,
            _longest(tenant.retention.raw_days for tenant in tenants),
            _longest(tenant.retention.long_days for tenant in tenants),
        ),
    )


def shard_s(keep_s: int) -> int:
    """The time one shard holds, for points that are kept `keep_s` (0: for ever)."""
    if keep_s == FOREVER_S:
        return _LARGEST_SHARD_S
    return next((shard for longest, shard in _SHARDS_S if keep_s <= longest), _LARGEST_SHARD_S)


def _database(name: str, raw_days: int | None, long_days: int | None) -> Database:
    return Database(name, _policy("raw", raw_days, default=True), _policy("long", long_days, default=False))


def _policy(name: str, days: int | None, *, default: bool) -> Policy:
    keep_s = FOREVER_S if days is None else days * DAY_S
    return Policy(name, keep_s, shard_s(keep_s), default)


def _longest(days: Iterable[int | None]) -> int | None:
    known = list(days)
    return None if None in known or not known else max(day for day in known if day is not None)
