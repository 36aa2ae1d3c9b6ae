"""The composition root of an edge: settings in, a whole agent out. The only place that names concrete parts.

A test, or another network server, hands in its own source or transport; the steps of the road stay what they are.
"""

from collections.abc import Callable
from contextlib import ExitStack

from core.ports.clock import Clock, open_clock
from core.ports.control import FolderLock
from edge import control, health
from edge.acceptance import GROUP_ROWS
from edge.health import Past
from edge.inbox import Inbox
from edge.intake import Intake
from edge.loop import Agent
from edge.machine import boot_id, last_written_ms, machine_id, was_reset_by_watchdog
from edge.settings import EdgeSettings
from edge.sources.base import Source, SourceEvent
from edge.sources.chirpstack import ChirpStackSource
from edge.spool import Spool, SpoolLimits
from edge.spool.rows import KIB, MIB
from edge.timekeeper import Timekeeper, load_base, save_base
from edge.transports.base import Transport, TransportEvent
from edge.transports.mqtt import MqttTransport

__all__ = ["Agent", "build_agent"]

SPOOL_FOLDER = "spool"
ROOM = 100  # events of the source in memory beside those of one group
# receipts are written down this late: after a power cut so many rows are sent again, and change nothing in the store
_SETTLE_LINGER_MS = {"default": 60_000, "sd": 300_000}
_PAGE_BYTES = {"default": 2 * KIB, "sd": 1 * KIB}  # measured: a fifth less is written than with pages of twice the size

SourceFactory = Callable[[EdgeSettings, Clock, Callable[[SourceEvent], None]], Source]
TransportFactory = Callable[[EdgeSettings, bytes, Callable[[TransportEvent], None]], Transport]


def chirpstack_source(settings: EdgeSettings, clock: Clock, on_event: Callable[[SourceEvent], None]) -> Source:
    """The network server's events over MQTT."""
    return ChirpStackSource(
        settings.source.broker,
        edge=settings.edge,
        applications=settings.source.applications,
        clock=clock,
        on_event=on_event,
    )


def mqtt_transport(settings: EdgeSettings, farewell: bytes, on_event: Callable[[TransportEvent], None]) -> Transport:
    """The cloud's broker."""
    return MqttTransport(settings.broker, edge=settings.edge, farewell=farewell, on_event=on_event)


def build_agent(
    settings: EdgeSettings,
    *,
    source_factory: SourceFactory = chirpstack_source,
    transport_factory: TransportFactory = mqtt_transport,
    clock: Clock | None = None,
    on_beat: Callable[[], None] = lambda: None,
) -> Agent:
    """An agent that is ready to `run`; it holds its data folder from now on.

    Raises:
        OperatorError: `folder.in_use`.
        StorageError: the disk cannot be used at all.
        ConfigError: the clock file cannot be read.
    """
    with ExitStack() as stack:
        stack.callback(FolderLock(settings.folder).release)
        clock = clock or open_clock(settings.clock)
        boot = boot_id()
        past = Past(last_written_ms(settings.folder / SPOOL_FOLDER), was_reset_by_watchdog())
        spool = Spool.open(
            settings.folder / SPOOL_FOLDER,
            machine=settings.machine or machine_id(),
            boot=boot,
            clock=clock,
            limits=spool_limits(settings),
        )
        stack.callback(spool.close)
        inbox = Inbox(room=min(settings.source.window, GROUP_ROWS) + ROOM)
        stack.callback(control.serve(settings.folder, inbox).close)
        return Agent(
            edge=settings.edge,
            boot=boot,
            clock=clock,
            inbox=inbox,
            spool=spool,
            reader=Intake(settings.codecs),
            source=source_factory(settings, clock, inbox.offer),
            transport=transport_factory(settings, health.farewell(settings.edge, boot=boot), inbox.put),
            timekeeper=_timekeeper(settings, clock, boot),
            window=settings.source.window,
            linger_ms=settings.spool.linger_ms,
            health_ms=int(settings.health_s * 1000),
            on_beat=on_beat,
            closing=stack.pop_all(),
            past=past,
        )


def spool_limits(settings: EdgeSettings) -> SpoolLimits:
    """The spool's limits in its own units."""
    spool = settings.spool
    return SpoolLimits(
        segment_bytes=spool.segment_mib * MIB,
        segment_ms=spool.segment_s * 1000,
        quota_bytes=spool.quota_mib * MIB,
        ballast_bytes=spool.ballast_mib * MIB,
        keep_settled=spool.keep_settled,
        settle_linger_ms=_SETTLE_LINGER_MS[spool.preset],
        page_bytes=_PAGE_BYTES[spool.preset],
        squeeze=spool.preset == "sd",
        sole=spool.preset == "sd",
    )


def _timekeeper(settings: EdgeSettings, clock: Clock, boot: str) -> Timekeeper:
    """What an earlier process of this boot saw of the clock is not forgotten."""
    known = load_base(settings.folder, boot)
    timekeeper = Timekeeper(clock, boot=boot, wait_ms=settings.clock_wait_s * 1000, base_ms=known)
    if known is None and timekeeper.base_ms is not None:
        save_base(settings.folder, boot, timekeeper.base_ms)
    return timekeeper
