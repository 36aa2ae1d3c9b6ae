"""What a move cannot write at its new place, kept as evidence: nothing that was deleted at its old place vanishes."""

import json

import msgspec

from cloud.quarantine import Origin, Quarantine
from cloud.schema import EVENT, UPLINK, clock_of, origin_of, uplink_of
from cloud.stores.base import Point, Rejected
from core.errors import RejectedError
from core.model import Event, Row, encode_row
from core.ports.clock import Clock


def keep_refused(quarantine: Quarantine, clock: Clock, database: str, point: Point, rejected: Rejected) -> None:
    """Keep a point that its new database refuses for good; durable when it returns.

    A row's own point (`uplink`, `event`) is kept as the row, by its identity: it has left the store, stays in the
    balance and can be replayed.

    Raises:
        StorageError: nothing was kept.
    """
    error = RejectedError(rejected.code, rejected.message)
    origin = origin_of(point)
    row = None if origin is None else _row(point, rejected.code)
    if origin is None or row is None:
        quarantine.add_point(
            Origin(edge="" if origin is None else origin.edge), database, point, error, now_ms=clock.now_ms()
        )
    else:
        # the point's time is mended already
        kept = Origin(edge=origin.edge, row_id=origin.row_id, boot=origin.boot, offset_ms=0)
        quarantine.add_row(kept, encode_row(row), error, now_ms=clock.now_ms(), returned=True)
    quarantine.commit()


def _row(point: Point, code: str) -> Row | None:
    """The row of its own point; None for any other.

    The readings of an uplink are points of their own, which have moved; the error makes a replay read them from the
    payload again.
    """
    received_ms = point.time_us // 1000
    match point.measurement:
        case name if name == UPLINK:
            uplink = uplink_of(point)
            error = uplink.error or (code if uplink.domain else "")
            return msgspec.structs.replace(uplink, received_ms=received_ms, clock=clock_of(point), error=error)
        case name if name == EVENT:
            said = {key: point.fields[key] for key in Event.__struct_fields__ if key in point.fields}
            facts = {
                "kind": EVENT,
                "type": point.tags["type"],
                "dev_eui": point.tags.get("device", ""),
                "received_ms": received_ms,
                "detail": json.loads(str(point.fields["detail"])),
            }
            return msgspec.convert({**said, **facts}, Event)
        case _:
            return None
