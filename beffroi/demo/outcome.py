"""What a demo ends with: the road weighed by another process."""

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beffroi.demo.layout import Layout
from cloud.stores.opening import open_store
from core.errors import ExitCode, OperatorError

_OF_THE_WATCH = ("state", "alarm", "hour", "day", "heartbeat")


@dataclass(frozen=True)
class Outcome:
    """What a demo ends with: the oracle's balance, and what the simulator had published."""

    balance: dict[str, Any]
    published: dict[str, Any]
    in_transit: int  # published, and neither accepted nor told to be a duplicate by an edge
    seed: int
    elapsed_s: float
    page_moved_s: float | None  # from the first process to the first lamp that changed on the page
    folder: Path | None
    watch: dict[str, int]  # points of what the watch wrote
    failures: tuple[str, ...] = ()

    @property
    def balanced(self) -> bool:
        return bool(self.balance.get("balanced")) and not self.failures

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.DONE if self.balanced else ExitCode.PARTLY

    def as_json(self) -> dict[str, Any]:
        return {
            **self.balance,
            "in_transit": self.in_transit,
            "balanced": self.balanced,
            "seed": self.seed,
            "published": self.published,
            "elapsed_s": round(self.elapsed_s, 1),
            "page_moved_s": None if self.page_moved_s is None else round(self.page_moved_s, 1),
            "watch": self.watch,
            "failures": list(self.failures),
            "folder": str(self.folder) if self.folder else None,
        }

    def as_text(self) -> str:
        b = self.balance
        sum_ = (
            f"{b['stored']} stored + {b['spooled']} spooled + {b['quarantined']} quarantined + {b['evicted']} evicted"
        )
        lines = [f"{b['accepted']} accepted = {sum_}", "balanced" if self.balanced else "NOT BALANCED"]
        lines += [*b["faults"], *self.failures]
        if self.folder:
            lines.append(f"kept in {self.folder}")
        return "\n".join(lines)


def watched(layout: Layout) -> dict[str, int]:
    """How many states, alarms, hours and days the watch wrote: points of all databases."""
    with contextlib.closing(open_store(layout.store_settings, read_only=True)) as store:
        names = store.databases()
        return {f"{what}s": sum(store.count(name, what) for name in names) for what in _OF_THE_WATCH}


def doubts(balance: dict[str, Any], published: dict[str, Any], in_transit: int) -> list[str]:
    """What a balance alone does not show: 0 = 0 balances too, and so does a road that leaks before it accepts."""
    found = []
    if published.get("events") and not balance["accepted"]:
        found.append(f"{published['events']} events were published and none was accepted")
    if in_transit:
        found.append(f"{in_transit} published events reached no edge")
    return found


def weigh(layout: Layout, sites: list[str]) -> dict[str, Any]:
    """The balance, by the oracle in a process of its own."""
    spools = [argument for site in sites for argument in ("--spool", str(layout.spool(site)))]
    answer = subprocess.run(
        [sys.executable, "-m", "beffroi.oracle", *spools, *layout.oracle_arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode not in (ExitCode.DONE, ExitCode.PARTLY):
        raise OperatorError("demo.unweighed", f"the balance could not be weighed: {answer.stderr.strip()[-400:]}")
    balance: dict[str, Any] = json.loads(answer.stdout)
    return balance
