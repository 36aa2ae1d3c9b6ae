"""What a move cannot write at its new place, kept as evidence: nothing that was deleted at its old place vanishes."""

import json

import msgspec

from cloud.quarantine import Origin, Quarantine
from cloud.schema import EVENT, UPLINK
from cloud.stores.base import Point, Rejected
from core.errors import RejectedError
from core.model import Event, Reception, Row, RowId, Uplink, encode_row
from core.ports.clock import Clock


def keep_refused(quarantine: Quarantine, clock: Clock, database: str, point: Point, rejected: Rejected) -> None:
    """Keep a point that its new database refuses for good; durable when it returns.

    A row's own point (`uplink`, `event`) is kept as the row, by its identity: it has left the store, stays in the
    balance and can be replayed.

    Raises:
        StorageError: nothing was kept.
    """
    error = RejectedError(rejected.code, rejected.message)
    row = _row(point, rejected.code)
    if row is None:
        origin = Origin(edge=str(point.fields.get("edge", "")))
        quarantine.add_point(origin, database, point, error, now_ms=clock.now_ms())
    else:
        quarantine.add_row(_origin(point), encode_row(row), error, now_ms=clock.now_ms(), returned=True)
    quarantine.commit()


def _origin(point: Point) -> Origin:
    said = point.fields
    row_id = msgspec.convert({name: said[name] for name in ("spool_id", "row_class", "seq")}, RowId)
    # the point's time is mended already
    return Origin(edge=str(said["edge"]), row_id=row_id, boot=str(said["boot"]), offset_ms=0)


def _row(point: Point, code: str) -> Row | None:
    """The row of its own point; None for any other.

    Of an uplink the store has payload and best reception; its readings are points of their own, which have moved. The
    error makes a replay read them from the payload again.
    """
    said = {**point.fields, "dev_eui": point.tags.get("device", ""), "received_ms": point.time_us // 1000}
    match point.measurement:
        case name if name == UPLINK:
            said["error"] = said["error"] or (code if said["readings"] else "")
            receptions = (msgspec.convert(said, Reception),) if "gateway" in said else ()
            uplink: dict[str, object] = {
                key: said[key] for key in Uplink.__struct_fields__ if key in said and key != "readings"
            }
            uplink["payload"] = bytes.fromhex(str(said["payload"]))
            return msgspec.structs.replace(msgspec.convert({"kind": UPLINK, **uplink}, Uplink), receptions=receptions)
        case name if name == EVENT:
            event = {key: said[key] for key in Event.__struct_fields__ if key in said}
            facts = {"kind": EVENT, "type": point.tags["type"], "detail": json.loads(str(said["detail"]))}
            return msgspec.convert({**event, **facts}, Event)
        case _:
            return None
