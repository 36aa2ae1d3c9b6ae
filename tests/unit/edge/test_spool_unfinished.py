"""A segment's file whose process was killed while it made it."""

import signal
import subprocess
import sys
from pathlib import Path

from core.model import RowClass
from core.ports.clock import HostClock
from edge.spool import Spool, SpoolLimits
from edge.spool.layout import file_name, identify

# a rollback journal is hot from the first page that is written under it until the commit
CHILD = """
import os, signal, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("CREATE TABLE t (x)")
c.execute("PRAGMA cache_size = 2")
c.execute("BEGIN")
for _ in range(200):
    c.execute("INSERT INTO t VALUES (zeroblob(4000))")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_spool_opens_beside_a_file_that_was_never_finished(tmp_path: Path) -> None:
    """Found by kill -9 of a running road: such a file kept the agent from starting. It holds no row: it goes aside."""
    limits = SpoolLimits()
    spool = Spool.open(tmp_path, machine="m", boot="b", clock=HostClock(), limits=limits)
    spool_id = spool.spool_id
    spool.close()
    path = tmp_path / spool_id / "segments" / file_name(RowClass.URGENT, 513)
    died = subprocess.run([sys.executable, "-c", CHILD, str(path)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert path.with_name(path.name + "-journal").stat().st_size > 0
    assert identify(path) is None
    again = Spool.open(tmp_path, machine="m", boot="c", clock=HostClock(), limits=limits)
    assert again.spool_id == spool_id
    assert again.backlog() == []
    again.close()
    assert not path.exists()
