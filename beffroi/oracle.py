"""The balance, weighed by another process: what the spools committed against what the store holds, by value.

    python -m beffroi.oracle --spool DIR… --store DIR --cloud DIR --territory DIR

It reads files only, and none of the services' own counters. For every committed row it says in which place of
`stored, quarantined, spooled, evicted` it is (the first that applies), and it names what breaks the promise:

- *lost*: a row that is in none of them;
- *duplicate*: a row that the store shows more than once;
- *phantom*: a row that the store shows and no spool ever committed (needs spools that keep what they settled);
- *wrong*: a row that the store shows with another time, payload or value than was committed, or at another place.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from cloud import schema
from cloud.quarantine import Quarantine
from cloud.stores.base import Point, Store
from cloud.stores.sqlite import SqliteStore
from core import quantities, territory
from core.model import Event, RowClass, Uplink, decode_row, row_time_us
from core.territory import Territory
from edge.spool import reader
from edge.spool.rows import Eviction

_EXAMPLES = 5


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of rows; `faults` names up to five rows of each kind that breaks the promise."""

    accepted: int
    stored: int
    quarantined: int
    spooled: int
    evicted: int
    lost: int
    duplicates: int
    phantom: int
    wrong: int
    faults: tuple[str, ...] = ()

    @property
    def balanced(self) -> bool:
        """accepted = stored + spooled + quarantined + evicted, and nothing visible twice, invented or changed."""
        kept = self.stored + self.spooled + self.quarantined + self.evicted
        return self.accepted == kept and not (self.lost or self.duplicates or self.phantom or self.wrong)


class _Stored:
    """The store's contents, indexed by event key."""

    def __init__(self, store: Store) -> None:
        self.rows: dict[str, list[tuple[str, Point]]] = defaultdict(list)
        self._readings: dict[tuple[str, str, str, str, int], Point] = {}
        for database in store.databases():
            for measurement in (schema.UPLINK, schema.EVENT):
                for point in _all(store, database, measurement):
                    self.rows[str(point.fields["key"])].append((database, point))
            for measurement in (*schema.DOMAINS, schema.SUSPECT):
                for point in _all(store, database, measurement):
                    place = (database, measurement, point.tags.get("device", ""), point.tags.get("channel", ""))
                    self._readings[(*place, point.time_us)] = point

    def reading(self, database: str, expected: Point) -> Point | None:
        """The stored point of the same series and time."""
        tags = expected.tags
        return self._readings.get(
            (database, expected.measurement, tags.get("device", ""), tags.get("channel", ""), expected.time_us)
        )


def _all(store: Store, database: str, measurement: str) -> Iterable[Point]:
    return store.series(database, measurement, start_us=0, end_us=2**62)


def weigh(
    spools: Iterable[Path], *, store: Store, quarantine: Quarantine | None, declared: Territory, complete: bool = True
) -> Balance:
    """The balance of these spools (path → edge id is read in the spool) against the store.

    Args:
        complete: the spools keep what they settled, so that the store can hold nothing they do not know.
    """
    held = _Stored(store)
    quarantined = quarantine.identities() if quarantine is not None else frozenset()
    counts: Counter[str] = Counter()
    faults: dict[str, list[str]] = defaultdict(list)
    known: set[str] = set()
    seen: set[tuple[str, RowClass, int]] = set()
    for folder in spools:
        edge = folder.parent.name
        for row in reader.rows(folder):
            identity = (row.spool_id, row.row_class, row.seq)
            if identity in seen:
                continue  # the same row in a copied spool
            seen.add(identity)
            known.add(row.key)
            counts["accepted"] += 1
            name = f"{edge}/{row.spool_id}/{row.row_class}/{row.seq} ({row.key})"
            shown = held.rows.get(row.key, [])
            if shown:
                counts["stored"] += 1
                if len(shown) > 1:
                    faults["duplicates"].append(f"{name}: in {', '.join(database for database, _ in shown)}")
                faults["wrong"] += [f"{name}: {what}" for what in _differences(row, *shown[0], held, declared)]
            elif identity in quarantined:
                counts["quarantined"] += 1
            elif not row.settled:
                counts["spooled"] += 1
            else:
                faults["lost"].append(name)
        for eviction in reader.evictions(folder):
            counts.update(_evicted(eviction, held, known))
    if complete:
        faults["phantom"] = [key for key in held.rows if key not in known]
    return Balance(
        accepted=counts["accepted"],
        stored=counts["stored"],
        quarantined=counts["quarantined"],
        spooled=counts["spooled"],
        evicted=counts["evicted"],
        lost=len(faults["lost"]),
        duplicates=len(faults["duplicates"]),
        phantom=len(faults["phantom"]),
        wrong=len(faults["wrong"]),
        faults=tuple(f"{kind}: {what}" for kind, names in faults.items() for what in names[:_EXAMPLES]),
    )


def _evicted(eviction: Eviction, held: _Stored, known: set[str]) -> Counter[str]:
    """How the rows of an evicted range count: those the store shows are stored (the first that applies)."""
    shown = {
        key
        for key, places in held.rows.items()
        for _, point in places
        if key not in known
        and point.fields.get("spool_id") == eviction.spool_id
        and point.fields.get("row_class") == eviction.row_class
        and eviction.first <= int(point.fields["seq"]) <= eviction.last
    }
    known |= shown
    # the log counts unsettled rows; one of them may have reached the store before its receipt could reach the edge
    gone = min(eviction.rows, eviction.last - eviction.first + 1 - len(shown))
    return Counter(accepted=gone + len(shown), stored=len(shown), evicted=gone)


def _differences(
    row: reader.CommittedRow, database: str, point: Point, held: _Stored, declared: Territory
) -> Iterator[str]:
    """Where the stored row is not what was committed."""
    committed = decode_row(row.stored)
    time_us = row_time_us(committed, row.offset_ms)
    if point.time_us != time_us:
        yield f"stored at {point.time_us} µs, committed at {time_us} µs"
    if isinstance(committed, Event):
        if json.loads(str(point.fields.get("detail"))) != committed.detail:
            yield "another detail"
        return
    if not isinstance(committed, Uplink):
        yield "an unreadable row was stored"
        return
    for name, expected in (
        ("payload", committed.payload.hex()),
        ("f_port", committed.f_port),
        ("f_cnt", committed.f_cnt),
    ):
        if point.fields.get(name) != expected:
            yield f"{name} is {point.fields.get(name)!r}, committed {expected!r}"
    placement = declared.place(committed.dev_eui, time_us // 1000, site=str(point.fields.get("edge")))
    # a device that became another tenant's than its site's is shown to the operator alone
    belongs = (territory.OPERATOR, "") if placement.foreign else (placement.database, placement.asset)
    if (shown_at := (database, point.tags.get("asset", ""))) != belongs:
        yield f"in {shown_at[0]} as {shown_at[1]!r}, belongs to {belongs[0]} as {belongs[1]!r}"
    for reading in committed.readings:
        measurement = committed.domain if quantities.is_plausible(reading.quantity, reading.value) else schema.SUSPECT
        tags = {"device": committed.dev_eui, "channel": reading.channel}
        at_us = time_us if reading.measured_ms is None else reading.measured_ms * 1000
        found = held.reading(database, Point(measurement, tags, at_us, {}))
        if found is None or found.fields.get(reading.quantity) != reading.value:
            yield f"{reading.quantity} of channel {reading.channel!r} is not {reading.value!r}"


def main(arguments: list[str]) -> int:
    """Print the balance as one JSON object; 0 when balanced, 3 when not."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m beffroi.oracle", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--spool", action="append", type=Path, required=True, help="spool folder, one per edge")
    parser.add_argument("--store", type=Path, required=True, help="folder of the SQLite store")
    parser.add_argument("--cloud", type=Path, required=True, help="data folder of the worker (quarantine)")
    parser.add_argument("--territory", type=Path, required=True)
    parser.add_argument("--partial", action="store_true", help="the spools forget what they settled")
    chosen = parser.parse_args(arguments)
    store = SqliteStore.open(chosen.store, read_only=True)
    try:
        quarantine = Quarantine.open_read_only(chosen.cloud)
        balance = weigh(
            chosen.spool,
            store=store,
            quarantine=quarantine,
            declared=territory.load(chosen.territory),
            complete=not chosen.partial,
        )
    finally:
        store.close()
    sys.stdout.write(json.dumps({**msgspec.structs.asdict(balance), "balanced": balance.balanced}) + "\n")
    return 0 if balance.balanced else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
