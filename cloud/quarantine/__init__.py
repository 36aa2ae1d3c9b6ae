"""What could not be stored, kept with its evidence: durable, counted, bounded. `<cloud folder>/quarantine.sqlite`.

Three kinds of entry:
- *row*: an accepted row, by its identity; in the balance, once, until it is replayed;
- *message*: what could not even be opened, by its digest; outside the balance; one that comes again counts `seen`;
- *point*: a line that the store refused although its row is stored; outside the balance.

Adds are collected in one transaction; `commit` makes them durable, and only then may anything be acknowledged.
"""

from cloud.quarantine.entries import FILE_NAME, Counts, Entry, Kind, Origin
from cloud.quarantine.keeper import Quarantine

__all__ = ["FILE_NAME", "Counts", "Entry", "Kind", "Origin", "Quarantine"]
