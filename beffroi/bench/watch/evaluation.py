"""Several seeds, side by side, and what they come to together."""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Final

import msgspec

from beffroi.bench.figures import percentile
from beffroi.bench.watch.matching import EMPTYING, RULES, Comparison, Tally
from beffroi.bench.watch.watching import WARM_UP_DAYS, watch
from core import console
from core import territory as declarations
from simulator.scenario import FleetName

TUNING: Final = range(1, 100)
EVALUATION: Final = range(1000, 1010)
"""Seeds 1 to 99 are for tuning the constants; from 1000 on they are never looked at for that."""

TARGET: Final = 0.98
_ASKED: Final = (*(rule.kind for rule in RULES if rule.asked), EMPTYING)
_TOLD: Final = 8  # cases of each matter that are told one by one


class Evaluation(msgspec.Struct):
    """All seeds together."""

    tallies: dict[str, Tally]
    others: dict[str, int]
    points: int
    watch_s: float

    @property
    def met(self) -> bool:
        """Whether recall and precision are what the issue asks for, in every matter it names."""
        return all(
            share is not None and share >= TARGET
            for kind in _ASKED
            for share in (self.tallies[kind].recall, self.tallies[kind].precision)
        )


def evaluate(
    folder: Path, seeds: Sequence[int], *, days: float, name: FleetName, processes: int, note: Callable[[str], None]
) -> Evaluation:
    """Watch the hard scenario of each seed for so many days."""
    tallies = {kind: Tally(delays_ms=[], missed=[], wrong=[]) for kind in (*(rule.kind for rule in RULES), EMPTYING)}
    others: Counter[str] = Counter()
    total = Evaluation(tallies, {}, 0, 0.0)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max(1, min(processes, len(seeds))), mp_context=context) as pool:
        waiting = {pool.submit(_one, folder, seed, days, name): seed for seed in seeds}
        for done, finished in enumerate(as_completed(waiting), 1):
            comparison, points, watch_s = finished.result()
            note(f"seed {waiting[finished]}: {points:,} points watched in {watch_s:.0f} s ({done} of {len(seeds)})")
            for kind, tally in comparison.tallies.items():
                tallies[kind].add(tally)
            others.update(comparison.others)
            total.points += points
            total.watch_s += watch_s
    total.others = dict(others)
    return total


def _one(folder: Path, seed: int, days: float, name: FleetName) -> tuple[Comparison, int, float]:
    watched = watch(declarations.load(folder), seed=seed, days=days, name=name)
    for tally in watched.comparison.tallies.values():
        tally.missed[:] = [f"seed {seed}: {case}" for case in tally.missed]
        tally.wrong[:] = [f"seed {seed}: {case}" for case in tally.wrong]
    return watched.comparison, watched.points, watched.watch_s


def as_text(found: Evaluation, *, seeds: Sequence[int], days: float) -> str:
    """The confusion table, then the cases that were missed or wrong."""
    rows = []
    for kind, tally in found.tallies.items():
        shares = [one for one in (tally.recall, tally.precision) if one is not None]
        good = len(shares) == 2 and min(shares) >= TARGET
        asked = ("met" if good else "MISSED") if kind in _ASKED else ""
        rows.append(
            (
                kind,
                str(tally.asked),
                str(tally.found),
                str(tally.asked - tally.found),
                str(tally.raised - tally.right),
                *("" if one is None else f"{one:.3f}" for one in (tally.recall, tally.precision)),
                *_delays(tally),
                asked,
            )
        )
    header = ("matter", "asked", "found", "missed", "wrong", "recall", "precision", "median", "p95", f"≥ {TARGET}")
    lines = [
        f"seeds {_span(seeds)}, {days:g} days each after {WARM_UP_DAYS} of warming up, scenario hard",
        console.table(rows, header=header),
        "median, p95: time to detect, in time in which it was to be seen",
    ]
    for kind, tally in found.tallies.items():
        for what, cases in (("missed", tally.missed), ("wrong", tally.wrong)):
            lines += [f"{kind}, {what}: {case}" for case in cases[:_TOLD]]
            if len(cases) > _TOLD:
                lines.append(f"{kind}, {what}: and {len(cases) - _TOLD} more")
    if found.others:
        lines.append("not compared: " + ", ".join(f"{count} {kind}" for kind, count in sorted(found.others.items())))
    return "\n".join(lines)


def _span(seeds: Sequence[int]) -> str:
    whole = list(seeds) == list(range(seeds[0], seeds[-1] + 1))
    return f"{seeds[0]}-{seeds[-1]}" if whole and len(seeds) > 1 else ",".join(map(str, seeds))


def _delays(tally: Tally) -> tuple[str, str]:
    if not tally.delays_ms:
        return "", ""
    median, p95 = (percentile(tally.delays_ms, share) / 60_000 for share in (0.5, 0.95))
    return _time(median), _time(p95)


def _time(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def as_json(found: Evaluation, *, seeds: Sequence[int], days: float) -> dict[str, Any]:
    return {
        "seeds": list(seeds),
        "days": days,
        "met": found.met,
        "points": found.points,
        "watch_s": round(found.watch_s, 1),
        "matters": {
            kind: {
                "asked": tally.asked,
                "found": tally.found,
                "raised": tally.raised,
                "right": tally.right,
                "recall": tally.recall,
                "precision": tally.precision,
                "median_s": percentile(tally.delays_ms, 0.5) / 1000 if tally.delays_ms else None,
                "p95_s": percentile(tally.delays_ms, 0.95) / 1000 if tally.delays_ms else None,
                "missed": tally.missed,
                "wrong": tally.wrong,
            }
            for kind, tally in found.tallies.items()
        },
        "others": found.others,
    }
