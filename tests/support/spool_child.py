"""A process that fills a spool until it is killed: `python -m tests.support.spool_child FOLDER SEED`.

After each commit it prints one line a row: `row CLASS SEQ KEY`; after each settled receipt: `settled CLASS FIRST LAST`.
"""

import sys
from pathlib import Path
from random import Random

from core.model import RowClass
from core.ports.clock import HostClock
from edge.spool import Run, Spool
from tests.support.spools import limits, receipt, row


def tell(*words: object) -> None:
    """One whole line, out of this process."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(folder: Path, seed: int) -> None:
    random = Random(seed)
    spool = Spool.open(
        folder,
        machine="machine-a",
        boot=f"boot-{seed}",
        clock=HostClock(),
        limits=limits(keep_settled=True, segment_bytes=8_000, settle_linger_ms=random.choice([0, 20, 10_000])),
    )
    tell("opened", spool.spool_id)
    number = 0
    while True:
        group: dict[RowClass, list[str]] = {}
        for _ in range(random.choice([1, 1, 2, 5, 30])):
            number += 1
            row_class = random.choice(list(RowClass))
            group.setdefault(row_class, []).append(f"{seed}-{number}")
            spool.append(row(group[row_class][-1], row_class, size=random.choice([60, 400])))
        for run in spool.commit():
            for seq, key in enumerate(group[run.row_class], run.first):
                tell("row", run.row_class, seq, key)
        backlog = spool.backlog()
        if backlog and random.random() < 0.5:
            run = random.choice(backlog)
            part = Run(run.spool_id, run.row_class, run.first, min(run.last, run.first + 40), run.boot)
            if spool.settle(receipt(spool, part)):
                tell("settled", part.row_class, part.first, part.last)
        if random.random() < 0.3:
            spool.maintain()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
