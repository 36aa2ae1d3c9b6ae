"""How an edge is: asked at its control socket or, while no agent runs, read from its spool."""

from collections import Counter
from pathlib import Path
from typing import Any

from core.errors import OperatorError, StorageError
from core.model import RowClass
from core.ports import control
from edge.agent import SPOOL_FOLDER
from edge.control import STATUS
from edge.spool import reader


def status(folder: Path) -> dict[str, Any]:
    """What the agent says of itself (`running` is true), or what lies in its spool (`running` is false).

    Raises:
        OperatorError: `folder.missing`, or the agent is too busy to answer.
    """
    if not folder.is_dir():
        raise OperatorError("folder.missing", f"there is no folder {folder}", hint="is it the `folder` of edge.toml?")
    try:
        answer: dict[str, Any] = control.ask(folder, STATUS)
    except StorageError:
        return {"running": False, **_at_rest(folder / SPOOL_FOLDER)}
    return {"running": True, **answer}


def _at_rest(spool: Path) -> dict[str, Any]:
    """Rows without receipt, and what was evicted, by class."""
    waiting = Counter(row.row_class for row in reader.rows(spool) if not row.settled)
    evicted: Counter[RowClass] = Counter()
    for eviction in reader.evictions(spool):
        evicted[eviction.row_class] += eviction.rows
    return {
        "spool_ids": reader.spool_ids(spool),
        "spooled": waiting.total(),
        "waiting": {row_class: waiting[row_class] for row_class in RowClass},
        "evicted": {row_class: evicted[row_class] for row_class in RowClass},
    }
