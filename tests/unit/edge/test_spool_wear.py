"""What a commit costs a memory card: the order of magnitude, in a short form of `beffroi bench edge --wear`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.agent import spool_limits
from edge.settings import EdgeSettings
from tests.support.spools import KIB, StillClock, lamp_status, memory_folder, open_spool, settle_all

MOST = {"default": 11 * KIB, "sd": 24 * KIB}  # bytes a commit


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


def handed_over() -> int:
    """Bytes this process has given to the system to write. Source: proc(5), `io`, `wchar`."""
    for line in Path("/proc/self/io").read_text("ascii").splitlines():
        if line.startswith("wchar:"):
            return int(line.split()[1])
    raise AssertionError("the system does not count")


@pytest.mark.parametrize(("preset", "rows"), [("default", 1), ("sd", 30)])
def test_a_commit_writes_little(tmp_path: Path, preset: str, rows: int) -> None:
    """At one uplink a second: a row by itself, or squeezed rows of half a minute; journal, file and receipts."""
    clock = StillClock()
    source = {"applications": ["7c1f0c52-3c1b-4d57-9a39-2f3f5d9d8a01"]}
    settings = EdgeSettings.model_validate(
        {"edge": "e", "folder": tmp_path, "source": source, "spool": {"preset": preset}}
    )
    spool = open_spool(tmp_path, clock=clock, keeping=spool_limits(settings))
    commits = 1_200 // rows
    before = handed_over()
    for commit in range(commits):
        for number in range(rows):
            spool.append(lamp_status(commit * rows + number))
        spool.commit()
        settle_all(spool)
        clock.pass_ms(rows * 1_000)
        spool.maintain()
    spent = (handed_over() - before) / commits
    spool.close()
    assert spent < MOST[preset]
