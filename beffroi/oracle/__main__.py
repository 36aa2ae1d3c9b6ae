"""`python -m beffroi.oracle`: see the package."""

import argparse
import json
import sys
from pathlib import Path

import msgspec

import beffroi.oracle
from beffroi.oracle.balance import weigh
from cloud.moves import held_rows
from cloud.quarantine import Quarantine
from cloud.settings import StoreSettings
from cloud.stores.opening import open_store
from core import territory

_PATIENCE_S = 300.0  # whole hours of all devices are asked for, of a server that may be busy


def main(arguments: list[str]) -> int:
    """Print the balance as one JSON object; 0 when balanced, 3 when not."""
    about = (beffroi.oracle.__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m beffroi.oracle", description=about)
    parser.add_argument("--spool", action="append", type=Path, required=True, help="spool folder, one per edge")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--store", type=Path, help="folder of the SQLite store")
    where.add_argument("--influxdb", metavar="URL", help="the InfluxDB store")
    parser.add_argument("--secrets", type=Path, help="what opens its databases; absent: it asks for nothing")
    parser.add_argument("--organisation", default="-", help="of InfluxDB 2.x")
    parser.add_argument("--cloud", type=Path, required=True, help="data folder of the worker (quarantine, moves)")
    parser.add_argument("--territory", type=Path, required=True)
    parser.add_argument("--partial", action="store_true", help="the spools forget what they settled")
    chosen = parser.parse_args(arguments)
    server = {"url": chosen.influxdb, "secrets": chosen.secrets, "organisation": chosen.organisation}
    at = StoreSettings(folder=chosen.store)
    if chosen.influxdb:
        at = StoreSettings(kind="influxdb", timeout_s=_PATIENCE_S, **server)
    store = open_store(at, read_only=True)
    try:
        balance = weigh(
            chosen.spool,
            store=store,
            quarantine=Quarantine.open_read_only(chosen.cloud),
            declared=territory.load(chosen.territory),
            moving=held_rows(chosen.cloud),
            complete=not chosen.partial,
        )
    finally:
        store.close()
    sys.stdout.write(json.dumps({**msgspec.structs.asdict(balance), "balanced": balance.balanced}) + "\n")
    return 0 if balance.balanced else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
