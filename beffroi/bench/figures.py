"""What a bench gives back: figures with their unit and target, and the machine they were measured on."""

import math
import os
import platform
import sqlite3
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import console


@dataclass(frozen=True)
class Figure:
    """One measured value. `at_most`/`at_least`: the target, when there is one."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if self.at_most is not None:
            return self.value <= self.at_most
        return self.value >= self.at_least if self.at_least is not None else None

    @property
    def target(self) -> str:
        if self.at_most is not None:
            return f"≤ {self.at_most:g} {self.unit}"
        return f"≥ {self.at_least:g} {self.unit}" if self.at_least is not None else ""


def machine() -> dict[str, str | int]:
    """What the figures were measured on."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    return {
        "processor": model or platform.machine(),
        "cores": os.cpu_count() or 0,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8").splitlines()
    except OSError:
        return []


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def as_json(figures: Sequence[Figure], **facts: Any) -> dict[str, Any]:
    return {
        "machine": machine(),
        **facts,
        "figures": [
            {"name": f.name, "value": round(f.value, 4), "unit": f.unit, "target": f.target, "met": f.met}
            for f in figures
        ],
    }


def as_text(figures: Sequence[Figure]) -> str:
    told = {True: "met", False: "MISSED", None: ""}
    rows = [(f.name, f"{f.value:,.2f} {f.unit}", f.target, told[f.met]) for f in figures]
    where = machine()
    return (
        console.table(rows, header=("what", "measured", "target", ""))
        + f"\non {where['processor']}, {where['cores']} cores, Python {where['python']}"
    )
