"""The spool of an edge: accepted rows on the disk until the cloud has them. See `edge.spool.spool`."""

from edge.spool.rows import (
    Counters,
    Eviction,
    EvictionReason,
    NewRow,
    Offset,
    Run,
    SpoolLimits,
    StoredRow,
)
from edge.spool.spool import Spool

__all__ = ["Counters", "Eviction", "EvictionReason", "NewRow", "Offset", "Run", "Spool", "SpoolLimits", "StoredRow"]
