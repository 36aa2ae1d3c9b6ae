"""The balance, weighed by another process: what the spools committed against what the store holds, by value.

    python -m beffroi.oracle --spool DIR… --store DIR --cloud DIR --territory DIR
    python -m beffroi.oracle --spool DIR… --influxdb URL --secrets FILE --cloud DIR --territory DIR

It reads files and the store, and none of the services' own counters but one: how many rows a spool says it accepted in
segments that are gone. For every committed row it says in which place of `stored, quarantined, spooled, evicted` it is
(the first that applies), and it names what breaks the promise:

- *lost*: a row that was committed and is in none of them, whether or not its segment is still there;
- *duplicate*: a row, or a point of one, that the store shows more than once;
- *phantom*: what the store shows of a row that no spool ever committed;
- *wrong*: a row of which the store shows other points than the territory and the committed bytes make: other values,
  another time, database, device or asset, or none; or one whose settled segment is missing where it is to be kept.

A row on its way from one place to another (the journal of a worker that died in a move) counts as stored.
"""

from beffroi.oracle.balance import Balance, weigh

__all__ = ["Balance", "weigh"]
