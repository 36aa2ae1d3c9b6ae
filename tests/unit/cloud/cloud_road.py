"""The worker's stages on a clock, a broker and a store that tests own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cloud.alarms import Alarms
from cloud.backpressure import Refusals
from cloud.counters import Counters
from cloud.ingest import Ingest
from cloud.quarantine import Quarantine
from cloud.receipts import Receipts
from cloud.sources.base import Delivery
from cloud.stores.base import COLLISION, KEY, Point, Rejected
from cloud.stores.checks import fault
from cloud.writing import BatchWriter
from core import envelope, receipt, topics
from core.envelope import Header
from core.errors import NotConnected, StorageError
from core.model import Reading, Reception, Row, RowClass, Uplink, encode_row
from core.receipt import Receipt
from core.territory import Asset, Assignment, Commune, Device, DeviceState, Kind, Operator, Site, Tenant, Territory
from decoders import registry

NOON_MS = 1_764_072_000_000  # 2025-11-25 12:00 UTC
LAMP = "0018b20000000001"  # of Remiremont (CCPVM)
STRANGER = "0018b20000000002"  # of Esternay
STOCK = "0018b20000000003"  # nobody's
EDGE = "remiremont"


class Clock:
    def __init__(self) -> None:
        self.mono = 1_000_000
        self.wall = NOON_MS

    def now_ms(self) -> int:
        return self.wall

    def mono_ms(self) -> int:
        return self.mono

    def synced(self) -> bool:
        return True

    def advance(self, ms: int) -> None:
        self.mono += ms
        self.wall += ms


class MemoryStore:
    """Keeps points as the contract says; databases can be made to refuse, points to be rejected."""

    def __init__(self) -> None:
        self.held: dict[str, dict[tuple[str, tuple[tuple[str, str], ...], int], Point]] = {}
        self.writes: list[str] = []
        self.refusing: dict[str, StorageError] = {}
        self.down: NotConnected | None = None
        self.rejects: Mapping[str, str] = {}  # measurement → code

    def databases(self) -> list[str]:
        return sorted(self.held)

    def write(self, database: str, points: Sequence[Point]) -> list[Rejected]:
        self.writes.append(database)
        if self.down is not None:
            raise self.down
        if database in self.refusing:
            raise self.refusing[database]
        rejected = []
        for index, point in enumerate(points):
            code = self.rejects.get(point.measurement)
            if code is not None:
                rejected.append(Rejected(index, code, "refused by the test"))
                continue
            if (wrong := fault(point)) is not None:
                rejected.append(Rejected(index, *wrong))
                continue
            series = (point.measurement, tuple(sorted(point.tags.items())), point.time_us)
            held = self.held.setdefault(database, {})
            before = held.get(series)
            if before and before.fields.get(KEY, point.fields.get(KEY)) != point.fields.get(
                KEY, before.fields.get(KEY)
            ):
                rejected.append(Rejected(index, COLLISION, "the place is another's"))
                continue
            fields = {**(before.fields if before else {}), **point.fields}
            held[series] = Point(point.measurement, point.tags, point.time_us, fields)
        return rejected

    def points(self, database: str, measurement: str) -> list[Point]:
        return [point for point in self.held.get(database, {}).values() if point.measurement == measurement]

    def latest(self, database: str, measurement: str, where: Mapping[str, str] | None = None) -> list[Point]:
        wanted = where or {}
        newest: dict[tuple[tuple[str, str], ...], Point] = {}
        for point in self.points(database, measurement):
            if all(point.tags.get(tag, "") == text for tag, text in wanted.items()):
                newest[tuple(sorted(point.tags.items()))] = point
        return list(newest.values())

    def close(self) -> None:
        pass


def territory(*, stock_at: str = "", sites: Sequence[str] = (EDGE, "esternay")) -> Territory:
    """Two tenants with a lamp each; a device in stock, or assigned to the asset `stock_at`."""
    communes = [
        Commune(insee="88383", name="Remiremont", tenant="ccpvm", lat=48.0, lon=6.6),
        Commune(insee="51237", name="Esternay", tenant="esternay", lat=48.7, lon=3.6),
    ]
    places = [
        Site(id=EDGE, name="Remiremont", commune="88383", tenant="ccpvm", lat=48.0, lon=6.6),
        Site(id="esternay", name="Esternay", commune="51237", tenant="esternay", lat=48.7, lon=3.6),
    ]
    assets = [
        Asset(id="REM-1", kind=Kind.LAMP, commune="88383", lat=48.0, lon=6.6),
        Asset(id="REM-2", kind=Kind.LAMP, commune="88383", lat=48.0, lon=6.6),
        Asset(id="EST-1", kind=Kind.LAMP, commune="51237", lat=48.7, lon=3.6),
    ]
    assignments = [
        Assignment(dev_eui=LAMP, asset="REM-1", start_ms=0),
        Assignment(dev_eui=STRANGER, asset="EST-1", start_ms=0),
        *([Assignment(dev_eui=STOCK, asset=stock_at, start_ms=0)] if stock_at else []),
    ]
    devices = [Device(dev_eui=eui, profile="lamp", state=DeviceState.INSTALLED) for eui in (LAMP, STRANGER, STOCK)]
    return Territory(
        operator=Operator("us", "Us"),
        tenants={
            "ccpvm": Tenant(id="ccpvm", name="CCPVM", communes=("88383",)),
            "esternay": Tenant(id="esternay", name="Esternay", communes=("51237",)),
        },
        communes={commune.insee: commune for commune in communes},
        sites={site.id: site for site in places if site.id in sites},
        assets={asset.id: asset for asset in assets},
        devices={device.dev_eui: device for device in devices},
        assignments=tuple(assignments),
        digest=f"digest-{stock_at}-{len(sites)}",
    )


def uplink(n: int, *, dev_eui: str = LAMP, power_w: float = 40.0) -> Uplink:
    return Uplink(
        key=f"up/{dev_eui}/{n}",
        received_ms=NOON_MS + n * 1000,
        application="a",
        dev_eui=dev_eui,
        f_port=25,
        f_cnt=n,
        payload=b"\x01",
        codec="nas-ul20xx-1.1@1",
        domain="light",
        readings=(Reading("power_w", power_w),),
        receptions=(Reception("7276ff002e0601ab", -90, 5.0),),
    )


def header(rows: int, *, edge: str = EDGE, first: int = 1, spool_id: str = "spool") -> Header:
    return Header(
        edge=edge, spool_id=spool_id, row_class=RowClass.MEASUREMENT, first=first, last=first + rows - 1, boot="boot"
    )


def pack(*rows: Row | bytes, edge: str = EDGE, first: int = 1) -> bytes:
    stored = [row if isinstance(row, bytes) else encode_row(row) for row in rows]
    return envelope.pack(header(len(stored), edge=edge, first=first), stored)


def up(edge: str = EDGE) -> str:
    return topics.of_edge(edge, topics.UP)


class Road:
    """Ingest, writer, quarantine and receipts as the service composes them."""

    def __init__(self, folder: Path, *, quarantine_bytes: int = 1_000_000) -> None:
        self.clock = Clock()
        self.store = MemoryStore()
        self.quarantine = Quarantine.open(folder, limit_bytes=quarantine_bytes, version="0")
        self.said: list[tuple[str, Receipt | str]] = []  # in order: (topic, receipt) and ("ack", name)
        self.receipts = Receipts(self._publish)
        self.alarms = Alarms(self.clock)
        self.refusals = Refusals()
        self.counters = Counters()
        self.store_is_usable: NotConnected | None = None
        self.ingest = Ingest(
            territory(), receipts=self.receipts, alarms=self.alarms, clock=self.clock, decode=registry.decode
        )
        self.writer = BatchWriter(
            self.store,
            self.quarantine,
            refusals=self.refusals,
            alarms=self.alarms,
            counters=self.counters,
            clock=self.clock,
            probe=self._probe,
        )

    def _publish(self, topic: str, message: bytes) -> None:
        self.said.append((topic, receipt.decode(message)))

    def _probe(self) -> None:
        if self.store_is_usable is not None:
            raise self.store_is_usable

    def deliver(self, payload: bytes, *, topic: str = up(), name: str = "m") -> None:
        self.ingest.take(Delivery(topic, payload, ack=lambda: self.said.append(("ack", name))))

    def flush(self) -> None:
        """Write what is in hand, then tell the edges."""
        self.writer.write(self.ingest.batch)
        self.ingest.start_batch()
        self.receipts.send(mono_ms=self.clock.mono_ms(), all_now=True)

    def told(self) -> Receipt:
        """The one receipt that was sent."""
        (told,) = [what for topic, what in self.said if topic != "ack"]
        assert isinstance(told, Receipt)
        return told

    def acked(self) -> list[str]:
        return [str(name) for what, name in self.said if what == "ack"]

    def reasons(self) -> list[str]:
        return [entry.reason for entry in self.quarantine.entries()]
