"""The network server between the radio and its broker: what it publishes of a device's life."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

import msgspec

from simulator.devices.base import Device, Fact, Frame, Join
from simulator.emit.chirpstack import EventWriter
from simulator.outages import SiteOutages
from simulator.radio import CHANNELS, Air, Reception, Session, airtime_ms

_STATUS_EVERY_MS = 86_400_000  # how often it asks a device how it is
_WINDOW_NS = 201_000_000  # deduplication: from the arrival of a frame's first copy to its event
_WINDOW_SPREAD_NS = 15_000_000
_JOIN_BYTES = 10  # a join-request is 23 bytes long: this much more than a frame without payload
_CHANNELS = len(CHANNELS)
_COUNTERS_APART = 1_013_904_223  # no two concentrators were started together
_NOBODY: frozenset[int] = frozenset()


class Kind(StrEnum):
    """The events the simulated network server publishes."""

    UP = "up"
    JOIN = "join"
    STATUS = "status"
    LOG = "log"


class Event(msgspec.Struct, frozen=True, gc=False):
    """What goes to the broker at `at_ms`, not before. `key`: its deduplication id. `copy`: it went there before."""

    at_ms: int
    topic: str
    payload: bytes
    kind: Kind
    edge: str
    dev_eui: str
    key: str
    copy: bool = False


@dataclass(slots=True)
class Node:
    """One device where it is: its life, its air, its session, and how its events are written.

    `gps`: which of the site's gateways know the time of reception. `rng`: of the network server, for this device.
    `outages`: of its site; None: there are none.
    """

    dev_eui: str
    asset: str
    edge: str
    start_ms: int
    device: Device
    air: Air
    session: Session
    writer: EventWriter
    gps: tuple[bool, ...]
    rng: Random
    late_copies: float = 0.0
    outages: SiteOutages | None = None


def listen(node: Node) -> Iterator[Event | Fact]:
    """Everything the network server publishes of this device, and what nobody heard, in order of time."""
    session, hear, outages = node.session, node.air.hear, node.outages
    next_status_ms = node.start_ms + node.rng.randrange(_STATUS_EVERY_MS)
    deaf, joins = _NOBODY, False
    for act in node.device.life():
        if outages is not None and not isinstance(act, Fact):
            deaf = outages.deaf(act.at_ms)
            joins = joins or isinstance(act, Join)
            if not node.air.is_heard(deaf):
                yield _fact(node, act.at_ms, "unheard", {})
                if isinstance(act, Frame):
                    session.next_f_cnt()
                continue
            if joins:  # until it has a session, whatever it would say is another try
                yield _join(node, act.at_ms)
                joins = False
                continue
        if isinstance(act, Frame):
            f_cnt = session.next_f_cnt()
            receptions = hear(session.dr, deaf)
            if not receptions:
                yield _fact(node, act.at_ms, "lost", {"f_cnt": f_cnt, "dev_addr": session.dev_addr})
                continue
            asked = act.at_ms >= next_status_ms
            if asked:
                next_status_ms += _STATUS_EVERY_MS
            yield from _up(node, act, f_cnt, receptions, asked=asked)
            session.note_heard()
        elif isinstance(act, Fact):
            yield _fact(node, act.at_ms, act.fact, act.detail)
        else:
            yield _join(node, act.at_ms)


def _fact(node: Node, at_ms: int, fact: str, detail: dict[str, str | int | float]) -> Fact:
    """It says whose it is."""
    return Fact(at_ms, fact, {"dev_eui": node.dev_eui, "asset": node.asset, **detail})


def _behind_ns(node: Node, at_ms: int) -> int:
    """How far the clock of the network server's host is behind."""
    return 0 if node.outages is None else node.outages.behind_ms(at_ms) * 1_000_000


def _join(node: Node, at_ms: int) -> Event:
    """The device tries until it is heard; the simulation keeps the try that was."""
    node.session.join()
    delay_ms = airtime_ms(node.session.dr, _JOIN_BYTES)
    published_ns = (at_ms + delay_ms) * 1_000_000 + _WINDOW_NS + int(node.rng.random() * _WINDOW_SPREAD_NS)
    key = _uuid(node.rng)
    told_ns = published_ns - _behind_ns(node, at_ms)
    payload = node.writer.join(deduplication_id=key, time_ns=told_ns, dev_addr=node.session.dev_addr)
    return _event(node, Kind.JOIN, published_ns, key, payload)


def _up(node: Node, frame: Frame, f_cnt: int, receptions: list[Reception], *, asked: bool) -> Sequence[Event | Fact]:
    """The event of a frame that was heard; at times an answer to the network beside it, or a copy after its window."""
    rng, session, writer = node.rng, node.session, node.writer
    random, dr, payload = rng.random, session.dr, frame.payload
    rx_ns = (frame.at_ms + airtime_ms(dr, len(payload))) * 1_000_000 + int(random() * 1_000_000)
    rx_us = rx_ns // 1000
    late = len(receptions) > 1 and random() < node.late_copies
    channel = int(random() * _CHANNELS)
    behind_ns = _behind_ns(node, frame.at_ms)
    heard, first_ns, timed_ns = [], 0, 0
    for gateway, rssi_dbm, snr_db, delay_us in receptions[:-1] if late else receptions:
        ns_ns = rx_ns + delay_us * 1000 + 7
        if not first_ns or ns_ns < first_ns:
            first_ns = ns_ns
        gps_ns = rx_us * 1000 if node.gps[gateway] else 0
        timed_ns = timed_ns or gps_ns
        counter = (rx_us + gateway * _COUNTERS_APART) & 0xFFFF_FFFF
        uplink_id, told_ns = rng.getrandbits(32), ns_ns - behind_ns
        heard.append(writer.reception(gateway, uplink_id, gps_ns, told_ns, rssi_dbm, snr_db, channel, counter))
    published_ns = first_ns + _WINDOW_NS + int(random() * _WINDOW_SPREAD_NS)
    key = _uuid(rng)
    told_ns = timed_ns or published_ns - behind_ns
    written = writer.up(key, told_ns, session.dev_addr, dr, channel, f_cnt, frame.f_port, payload, heard)
    up = Event(published_ns // 1_000_000 + 1, writer.up_topic, written, Kind.UP, node.edge, node.dev_eui, key)
    if not asked and not late:
        return (up,)
    told: list[Event | Fact] = [up]
    if asked:
        margin_db = max(-32, min(31, round(receptions[0].snr_db + rng.gauss(0, 2))))
        told_ns = published_ns - behind_ns - 40_000
        answer = writer.status(deduplication_id=key, time_ns=told_ns, margin_db=margin_db, battery=node.device.battery)
        told.insert(random() < 0.5, _event(node, Kind.STATUS, published_ns, key, answer))
    if late:
        logged_ns = published_ns + rng.randrange(500_000_000, 3_000_000_000)
        copy_key = _uuid(rng)
        text = writer.retransmission(deduplication_id=copy_key, time_ns=logged_ns - behind_ns, f_cnt=f_cnt)
        told.append(_fact(node, up.at_ms, "late_copy", {"key": key, "f_cnt": f_cnt}))
        told.append(_event(node, Kind.LOG, logged_ns, copy_key, text))
    return told


def _event(node: Node, kind: Kind, published_ns: int, key: str, payload: bytes) -> Event:
    """`at_ms` is the first millisecond that is not before anything the event says."""
    return Event(
        published_ns // 1_000_000 + 1, node.writer.topic(kind.value), payload, kind, node.edge, node.dev_eui, key
    )


def _uuid(rng: Random) -> str:
    """A random UUID (version 4)."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
