"""Runs the moves of a prepared folder again and again, each time killed (SIGKILL) one instant later.

    python -m tests.support.killed_moves PREPARED OUT      prints how many instants there are

An instant is before or after anything that the store or the journal writes. `OUT/<n>` is what instant n left behind.
"""

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from cloud.moves import Journal, Moves
from cloud.stores.sqlite import SqliteStore
from tests.support.moving import DEVICES, Span, never, territory

A1, A2 = DEVICES
ROWS_A_STEP = 2
OLD: list[Span] = [(A1, "lamp-1", 0, None)]
NEW: list[Span] = [(A1, "lamp-1", 0, 10), (A1, "lamp-2", 10, 30), (A2, "lamp-1", 10, None)]
_WRITES = frozenset({"write", "delete_range", "apply", "hold", "mark_deleted", "release", "finish_pending"})


class Watched:
    """Passes everything on; the process dies at the chosen instant."""

    def __init__(self, watched: object, instants: "count[int]", fatal: int) -> None:
        self._watched = watched
        self._instants = instants
        self._fatal = fatal

    def __getattr__(self, name: str) -> Any:
        passed = getattr(self._watched, name)
        if name not in _WRITES:
            return passed

        def call(*arguments: Any, **named: Any) -> Any:
            self._maybe_die()
            answer = passed(*arguments, **named)
            self._maybe_die()
            return answer

        return call

    def _maybe_die(self) -> None:
        if next(self._instants) == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def run(folder: Path, fatal: int) -> None:
    """All the moves from OLD to NEW, or to the fatal instant."""
    instants = count()
    store: Any = Watched(SqliteStore.open(folder / "store"), instants, fatal)
    journal: Any = Watched(Journal.open(folder), instants, fatal)
    moves = Moves(store, journal, keep=never, rows=ROWS_A_STEP)
    new = territory(NEW)
    moves.follow(new)
    while moves.step(new, mono_ms=0).unfinished:
        pass


def main(prepared: Path, out: Path) -> None:
    for fatal in count():
        folder = out / str(fatal)
        shutil.copytree(prepared, folder)
        child = os.fork()
        if child == 0:
            run(folder, fatal)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            shutil.rmtree(folder)
            sys.stdout.write(f"{fatal if os.waitstatus_to_exitcode(status) == 0 else -1}\n")
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
