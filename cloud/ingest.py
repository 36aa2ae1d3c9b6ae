"""From a message to points: unpack, place, make points. What cannot be taken is set aside with its reason.

Nothing here is acknowledged: `cloud.writing` writes the batch, and only then are receipts and PUBACKs made.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from cloud.alarms import Alarms
from cloud.batch import Batch, Refusal, RowRef, RowsInHand
from cloud.receipts import Receipts, Verdict, answer
from cloud.reports import site_points
from cloud.schema import row_ms, row_points
from cloud.sources.base import Delivery
from core import log, topics
from core.envelope import Header, unpack, unpack_header
from core.errors import UNDECODABLE, EnvelopeError, RejectedError, UnreadableError
from core.model import ClockQuality, Unreadable, Uplink, decode_row
from core.ports.clock import Clock
from core.receipt import Deferred, Receipt
from core.territory import Geometry, Placement, Site, Territory
from decoders.registry import Decoded

_log = log.get(__name__)
_DIGEST = re.compile(r"[0-9a-f]{12}")
_documents = msgspec.json.Decoder(dict[str, Any])

UNKNOWN_EDGE = "identity.unknown_edge"
NEWER_VERSION = "envelope.newer_version"
_DECLARE = "declare it in sites.toml: its rows then flow by themselves"
_TILL_MENDED = frozenset({UNKNOWN_EDGE, NEWER_VERSION})  # refusals that only a person can end


class Ingest:
    """Takes messages into a batch. Used by the worker's thread alone.

    Args:
        territory: in force; replaced whole, between two batches.
        decode: `decoders.registry.decode`, for payloads that the edge could not decode.
        receipts: where an edge is told what became of its rows.
    """

    def __init__(
        self,
        territory: Territory,
        *,
        receipts: Receipts,
        alarms: Alarms,
        clock: Clock,
        decode: Callable[[str, int, bytes, int], Decoded],
    ) -> None:
        self.territory = territory
        self.batch = Batch()
        self._receipts = receipts
        self._alarms = alarms
        self._clock = clock
        self._decode = decode

    def start_batch(self) -> None:
        """What was in hand is written; what comes now is the next batch."""
        self.batch = Batch()

    def take(self, delivery: Delivery) -> None:
        """Take one message as it came from the broker."""
        self.batch.begin(self._clock.mono_ms())
        try:
            self._take(topics.parse(delivery.topic), delivery)
        except EnvelopeError as error:
            self._refuse(delivery, error)

    def take_rows(self, message: RowsInHand) -> None:
        """Take rows of a site that is declared."""
        site = self.territory.sites[message.header.edge]
        self.batch.begin(self._clock.mono_ms())
        self.batch.messages.append(message)
        self.batch.held_bytes += sum(map(len, message.rows))
        for index, stored in enumerate(message.rows):
            self._take_row(RowRef(message, index), stored, site)

    def _take(self, topic: topics.EdgeTopic, delivery: Delivery) -> None:
        match topic.leaf:
            case topics.UP:
                self._take_up(topic.edge, delivery)
            case topics.HEALTH:
                self._take_health(topic.edge, delivery)
            case leaf:
                raise EnvelopeError("topic.foreign", f"nobody tells the worker anything on {leaf!r}")

    def _take_up(self, edge: str, delivery: Delivery) -> None:
        header, _ = unpack_header(delivery.payload)
        if header.edge != edge:
            raise EnvelopeError("envelope.foreign_edge", f"the header says {header.edge!r}, the topic {edge!r}")
        if edge not in self.territory.sites:
            raise EnvelopeError(UNKNOWN_EDGE, f"no site declares the edge {edge!r}", hint=_DECLARE)
        rows = unpack(delivery.payload).rows
        for code in _TILL_MENDED:
            self._alarms.end(code, site=edge)

        def finished(verdicts: Sequence[Verdict]) -> None:
            told = answer(header, rows, verdicts)
            self._receipts.add(edge, told, delivery.ack, mono_ms=self._clock.mono_ms())

        self.take_rows(RowsInHand(header, rows, topic=delivery.topic, finished=finished))

    def _take_row(self, ref: RowRef, stored: bytes, site: Site) -> None:
        header = ref.message.header
        try:
            row = decode_row(stored)
            at_ms = row_ms(row, header.offset_ms)
            placement: Placement | None = None
            geometry: Geometry | None = None
            mended = False
            if isinstance(row, Uplink) and row.error:
                row = self._read_again(row, at_ms)
                mended = not row.error
            if isinstance(row, Unreadable):
                ref.topic = row.topic
            elif row.dev_eui:
                placement = self.territory.place(row.dev_eui, at_ms, site=site.id)
                if placement.asset:
                    geometry = self.territory.assets[placement.asset].geometry
            made = row_points(
                row,
                ref.row_id,
                edge=header.edge,
                boot=header.boot,
                offset_ms=header.offset_ms,
                placement=placement,
                site=site,
                geometry=geometry,
                mended=mended,
            )
        except (UnreadableError, RejectedError) as error:
            self.batch.unfit.append((ref, error))
        else:
            self.batch.add(made, ref)

    def _read_again(self, row: Uplink, at_ms: int) -> Uplink:
        """The uplink with the readings its edge could not make, where this worker's codecs can."""
        decoded = self._decode(_native(row.codec), row.f_port, row.payload, at_ms)
        if decoded.error:
            return row
        return msgspec.structs.replace(
            row, codec=decoded.codec, domain=decoded.domain, readings=decoded.readings, error=""
        )

    def _take_health(self, edge: str, delivery: Delivery) -> None:
        site = self.territory.sites.get(edge)
        if site is None:
            self._alarms.begin(UNKNOWN_EDGE, f"no site declares the edge {edge!r}", hint=_DECLARE, site=edge)
        elif delivery.payload:  # an empty one only clears what the broker retained
            document = _document(delivery.payload)
            for made in site_points(document, name=edge, at_ms=_told_ms(document, self._clock.now_ms()), site=site):
                self.batch.add(made)
        self.batch.acks.append(delivery.ack)

    def _refuse(self, delivery: Delivery, error: EnvelopeError) -> None:
        """Keep the message as evidence. Where its header can be read, the edge is told to keep its rows."""
        edge, deferred = _deferral(delivery, error)
        if edge and error.code in _TILL_MENDED:
            self._alarms.begin(error.code, error.message, hint=error.hint, site=edge)

        def finish() -> None:
            if deferred is None:
                delivery.ack()
            else:
                told = Receipt(deferred=(deferred,))
                self._receipts.add(edge, told, delivery.ack, mono_ms=self._clock.mono_ms())

        self.batch.refusals.append(Refusal(delivery.topic, delivery.payload, error, finish))
        self.batch.held_bytes += len(delivery.payload)


def _document(payload: bytes) -> dict[str, Any]:
    try:
        return _documents.decode(payload)
    except UNDECODABLE as error:
        raise EnvelopeError("health.unreadable", str(error)) from error


def _told_ms(document: dict[str, Any], now_ms: int) -> int:
    """When an edge said so: a report that waited at the broker, or is retained there, is no news. A last will cannot
    know its time, and a clock that was never set does not: now."""
    at_ms = document.get("at_ms")
    if isinstance(at_ms, int) and at_ms > 0 and document.get("clock") == ClockQuality.SYNCED:
        return min(at_ms, now_ms)
    return now_ms


def _native(codec: str) -> str:
    """The name of a native codec without the version its edge had; a JavaScript codec stays `name@digest`."""
    name, _, version = codec.partition("@")
    return codec if _DIGEST.fullmatch(version) else name


def _deferral(delivery: Delivery, error: EnvelopeError) -> tuple[str, Deferred | None]:
    """The edge of the topic ("" when it has none), and what to tell it."""
    try:
        topic = topics.parse(delivery.topic)
    except EnvelopeError:
        return "", None
    header = _header(delivery.payload) if topic.leaf == topics.UP else None
    if header is None or header.edge != topic.edge:
        return topic.edge, None
    return topic.edge, Deferred(
        spool_id=header.spool_id,
        row_class=header.row_class,
        first=header.first,
        last=header.last,
        reason=error.code,
    )


def _header(payload: bytes) -> Header | None:
    try:
        return unpack_header(payload)[0]
    except EnvelopeError:
        return None
