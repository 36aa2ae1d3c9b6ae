"""The least cloud an edge can talk to: it remembers every row and answers a receipt for each message."""

import threading

from core import envelope, receipt, topics
from core.model import Row, RowClass, decode_row
from core.ports.mqtt import Arrived, LinkEvent, MqttLink
from core.receipt import Kept, Receipt
from core.settings import BrokerSettings


class TinyCloud:
    """Keeps what one edge sends. `mute`: takes messages and answers nothing."""

    def __init__(self, port: int, edge: str) -> None:
        self._edge = edge
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, RowClass, int], bytes] = {}
        self._health: list[bytes] = []
        self._messages: list[envelope.Envelope] = []
        self.mute = False
        self._link = MqttLink(
            BrokerSettings(port=port, keepalive_s=5),
            client_id=f"tiny-cloud-{edge}",
            keep_session=True,
            subscriptions=[topics.of_edge(edge, topics.UP), topics.of_edge(edge, topics.HEALTH)],
            on_event=self._take,
            retry_s=0.05,
            retry_max_s=0.5,
        )
        self._link.start()

    def _take(self, event: LinkEvent) -> None:
        if not isinstance(event, Arrived):
            return
        if topics.parse(event.topic).leaf == topics.HEALTH:
            with self._lock:
                self._health.append(event.payload)
        else:
            message = envelope.unpack(event.payload)
            with self._lock:
                self._messages.append(message)
                for seq, row in enumerate(message.rows, message.header.first):
                    self._rows[message.header.spool_id, message.header.row_class, seq] = row
            if not self.mute:
                self.answer(message)
        self._link.ack(event)

    def answer(self, message: envelope.Envelope) -> None:
        """Say that all rows of a message are stored."""
        h = message.header
        kept = Kept(
            spool_id=h.spool_id,
            row_class=h.row_class,
            first=h.first,
            last=h.last,
            crc32=h.crc32,
            stored=h.last - h.first + 1,
        )
        self._link.publish(topics.of_edge(self._edge, topics.RECEIPT), receipt.encode(Receipt(kept=(kept,))))

    @property
    def rows(self) -> list[Row]:
        """Every row once, by identity."""
        with self._lock:
            return [decode_row(stored) for stored in self._rows.values()]

    @property
    def keys(self) -> list[str]:
        """Event keys of all rows: one that is there twice was accepted twice."""
        return [row.key for row in self.rows]

    @property
    def messages(self) -> list[envelope.Envelope]:
        with self._lock:
            return list(self._messages)

    @property
    def health(self) -> list[bytes]:
        with self._lock:
            return list(self._health)

    def close(self) -> None:
        self._link.stop()
