"""What an edge says of itself: its health document (retained, on the `health` topic) and its own diagnostic rows.

The document is JSON; the worker writes every key to the measurement `site`, nested ones joined by `_`
(`accepted_urgent`); the page adds the road's balance up from them, the simulator follows `accepted`.

| Key | What it says |
|---|---|
| `version` | of this format |
| `edge`, `boot`, `spool_id`, `software` | who: site's edge id, boot of the host, spool that new rows get, our version |
| `state` | `online`; `offline` in the last will and at an orderly end |
| `at_ms`, `uptime_s`, `clock` | when (ms UTC), seconds since the agent started, `synced` or `unsynced` |
| `accepted`, `stored`, `quarantined`, `evicted` | rows by class, since the spool folder was made |
| `corrupt` | the part of `evicted` that could not be read any more, by class |
| `spooled` | rows without receipt |
| `open_rows` | rows that wait for a commit: not accepted yet |
| `source_accepted`, `duplicates` | events of the network server since the agent started: accepted, and seen before |
| `source_connected` | whether the network server's broker is reached |
| `messages`, `window` | messages without receipt, and how many there may be |
| `deferred`, `held` | rows the cloud could not keep yet; rows that wait for the host's clock |
| `rss_bytes` | resident memory of the agent |
| `conditions` | what a person should mend: condition → code |
"""

import msgspec

from core.model import ClockQuality, Event, RowClass
from edge.spool.rows import Run

ONLINE, OFFLINE = "online", "offline"
FORMAT = 1


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """One report; the keys are the module's table."""

    version: int = FORMAT
    edge: str
    state: str = ONLINE
    boot: str
    spool_id: str
    software: str
    at_ms: int
    uptime_s: float
    clock: str
    accepted: dict[RowClass, int]
    stored: dict[RowClass, int]
    quarantined: dict[RowClass, int]
    evicted: dict[RowClass, int]
    corrupt: dict[RowClass, int]
    spooled: int
    open_rows: int
    source_accepted: int
    duplicates: int
    source_connected: bool
    messages: int
    window: int
    deferred: int
    held: int
    rss_bytes: int
    conditions: dict[str, str]


class Past(msgspec.Struct, frozen=True):
    """What an agent finds of the one before it.

    `alive_ms`: when that one wrote to its disk for the last time (ms UTC, by the clock it had then); None: there was
    none. `watchdog`: a hardware watchdog has started this host anew.
    """

    alive_ms: int | None = None
    watchdog: bool = False


def encode(health: Health) -> bytes:
    return msgspec.json.encode(health)


def farewell(edge: str, *, boot: str) -> bytes:
    """The last will: all that can be said of an edge that vanished."""
    return msgspec.json.encode({"version": FORMAT, "edge": edge, "state": OFFLINE, "boot": boot})


def health_event(health: Health, *, clock: ClockQuality) -> Event:
    """The report as a diagnostic row: its history survives an outage of the link."""
    facts: dict[str, float | str | bool] = {}
    for key, value in msgspec.to_builtins(health).items():
        below = value if isinstance(value, dict) else {"": value}
        for name, fact in below.items():
            facts[f"{key}_{name}" if name else key] = fact if isinstance(fact, (str, bool)) else float(fact)
    key = f"health:{health.edge}:{health.spool_id}:{health.boot}:{health.at_ms}"
    return Event(key=key, type="health", received_ms=health.at_ms, clock=clock, detail=facts)


def boot_event(health: Health, *, mono_ms: int, clock: ClockQuality, past: Past | None = None) -> Event:
    """The agent has started: what it can tell of the one before it, of whose end nobody was told why."""
    past = past or Past()
    return Event(
        key=f"boot:{health.edge}:{health.spool_id}:{health.boot}:{mono_ms}",
        type="boot",
        received_ms=health.at_ms,
        clock=clock,
        detail={
            "cause": "unknown",
            "boot": health.boot,
            "spool_id": health.spool_id,
            "software": health.software,
            "spooled": float(health.spooled),
            "host_uptime_s": mono_ms / 1000,
            "watchdog": past.watchdog,
            **({} if past.alive_ms is None else {"alive_ms": float(past.alive_ms)}),
        },
    )


def eviction_event(edge: str, run: Run, *, at_ms: int, clock: ClockQuality) -> Event:
    """Rows left the spool undelivered; the eviction log has the details."""
    return Event(
        key=f"eviction:{edge}:{run.spool_id}:{run.row_class}:{run.first}:{run.last}",
        type="eviction",
        received_ms=at_ms,
        clock=clock,
        detail={
            "spool_id": run.spool_id,
            "row_class": str(run.row_class),
            "first": float(run.first),
            "last": float(run.last),
        },
    )
