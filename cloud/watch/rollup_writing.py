"""Writes what a rollup has to change."""

from collections.abc import Sequence

from cloud.stores.base import Point, Store
from cloud.watch.rollup_fields import Repair, repair
from cloud.watch.rollup_reading import Reading, Scope
from core import log
from core.territory import OPERATOR

_log = log.get(__name__)


def put(store: Store, database: str, measurement: str, start_ms: int, change: Repair) -> None:
    """Make the stored points of an instant those that are wanted.

    Raises:
        LinkError, StorageError: the store's; done again, it comes out the same.
    """
    start_us = start_ms * 1000
    for owner in change.stale:
        where = owner._asdict()
        store.delete_range(database, measurement, start_us=start_us, end_us=start_us + 1, where=where)
    write(store, database, change.fresh)


def write(store: Store, database: str, points: Sequence[Point]) -> None:
    """
    Raises:
        LinkError, StorageError: the store's.
    """
    for refused in store.write(database, points) if points else ():
        _log.error("rollup.refused", database=database, code=refused.code, message=refused.message)


def copy(tenants: Reading, operators: Reading, store: Store, measurement: str, start_ms: int, communes: Scope) -> None:
    """Make the operator's points of these communes those of the tenant.

    Raises:
        LinkError, StorageError: the store's.
    """
    mine = tenants.rolled(measurement, start_ms, communes)
    wanted = {owner: fields for owner, fields in mine.items() if owner.is_commune}
    stored = operators.rolled(measurement, start_ms, communes)
    put(store, OPERATOR, measurement, start_ms, repair(measurement, start_ms, wanted, stored))
