"""ChirpStack events → rows. Pure: the same event gives the same bytes, whatever the order of its keys and lists."""

import binascii
import hashlib
import re
import zlib

import msgspec

from core.errors import UnreadableError
from core.model import Event, Reception, Row, Unreadable, Uplink
from edge.sources.chirpstack_time import choose_time, parse_time, quality_of
from edge.sources.chirpstack_wire import (
    AckEvent,
    JoinEvent,
    LocationEvent,
    LogEvent,
    StatusEvent,
    TxAckEvent,
    UpEvent,
    WireEvent,
)

MAX_EVENT = 64 * 1024  # bytes; a real one has 1 to 3 thousand
KEPT_OF_LARGE = 4096  # bytes kept of one that is too large
KEPT_OF_TOPIC = 512
_TOPIC = re.compile(r"application/([^/]{1,64})/device/([0-9a-f]{16})/event/([a-z]{1,32})")
_BINARY_STARTS = (b"\x08", b"\x0a", b"\x12")  # fields 1 and 2 of a protobuf message

Detail = dict[str, float | str | bool]

_DECODERS: dict[str, msgspec.json.Decoder[WireEvent]] = {
    name: msgspec.json.Decoder(kind)
    for name, kind in {
        "up": UpEvent,
        "join": JoinEvent,
        "status": StatusEvent,
        "log": LogEvent,
        "ack": AckEvent,
        "txack": TxAckEvent,
        "location": LocationEvent,
    }.items()
}


def parse_event(topic: str, payload: bytes, *, now_ms: int) -> Row:
    """The row of one message of the network server: `Uplink` (without readings), `Event` or `Unreadable`.

    The time is the event's own (`edge.sources.chirpstack_time`); `now_ms` is only for what has none because it cannot
    be read. `clock` is `gps` when GPS time was used, `estimated` when the clock behind it was never set, else
    `synced`: the caller, who knows the host's clock, may say `unsynced`.
    An uplink's `codec` is the `codec` tag of its device profile, "" without one.

    Error codes of `Unreadable`: `source.too_large`, `source.binary`, `source.json`, `source.topic`,
    `source.event_type`, `source.fields` (absent, of a wrong type, out of range), `source.base64`, `source.time`,
    `source.identity` (the event is of another device or application than its topic).
    """
    try:
        return _parse(topic, payload)
    except UnreadableError as error:
        large = len(payload) > MAX_EVENT
        digest = hashlib.sha256(topic.encode() + b"\0" + payload).hexdigest()
        return Unreadable(
            key=f"unreadable:{digest}",
            received_ms=now_ms,
            topic=topic[:KEPT_OF_TOPIC],
            error=error.code,
            hint=error.hint or error.message,
            body=payload[:KEPT_OF_LARGE] if large else payload,
        )


def application_of(topic: str) -> str:
    """The application id of an event's topic, "" when it is not one."""
    parts = topic.split("/", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "application" else ""


def _parse(topic: str, payload: bytes) -> Row:
    if len(payload) > MAX_EVENT:
        raise UnreadableError(
            "source.too_large",
            f"{len(payload)} bytes; the first {KEPT_OF_LARGE} are kept (at most {MAX_EVENT} are read)",
        )
    found = _TOPIC.fullmatch(topic)
    if found is None:
        raise UnreadableError(
            "source.topic", "not a topic of ChirpStack's events: are the topic templates the defaults?"
        )
    application, dev_eui, kind = found.groups()
    event = _read(kind, payload)
    device = event.device_info
    if (device.application_id, device.dev_eui.lower()) != (application, dev_eui):
        raise UnreadableError(
            "source.identity", f"the event is of device {device.dev_eui} in application {device.application_id}"
        )
    event_ms = parse_time(event.time)
    if event_ms is None:
        raise UnreadableError("source.time", f"{event.time!r} is not a time between 1970 and 2099")
    if isinstance(event, UpEvent):
        return _uplink(event, event_ms)
    return _diagnostic(kind, event, event_ms)


def _read(kind: str, payload: bytes) -> WireEvent:
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise UnreadableError("source.event_type", f"events {kind!r} are not known to this version")
    if not payload.lstrip().startswith(b"{"):
        if payload.startswith(_BINARY_STARTS):
            raise UnreadableError(
                "source.binary",
                "the event is binary",
                hint="set `json = true` in [integration.mqtt] of the network server",
            )
        raise UnreadableError("source.json", "the message is not a JSON object")
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as error:
        raise UnreadableError("source.fields", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError("source.json", str(error)) from error


def _payload(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text.encode(), strict_mode=True)
    except ValueError as error:
        raise UnreadableError("source.base64", f"`data` is not base64: {error}") from error


def _uplink(event: UpEvent, event_ms: int) -> Uplink:
    device = event.device_info
    dev_eui = device.dev_eui.lower()
    received_ms, clock = choose_time(event_ms, event.rx_info)
    heard = [Reception(one.gateway_id.lower(), one.rssi, one.snr, one.channel) for one in event.rx_info]
    return Uplink(
        key=f"up:{dev_eui}:{event.deduplication_id or event.time}",
        received_ms=received_ms,
        clock=clock,
        application=device.application_id,
        dev_eui=dev_eui,
        device_name=device.device_name,
        profile=device.device_profile_name,
        dev_addr=event.dev_addr,
        f_port=event.f_port,
        f_cnt=event.f_cnt,
        dr=event.dr,
        confirmed=event.confirmed,
        frequency_hz=event.tx_info.frequency,
        spreading_factor=event.tx_info.modulation.lora.spreading_factor,
        payload=_payload(event.data),
        receptions=tuple(sorted(heard, key=lambda one: (one.gateway, one.channel, one.rssi_dbm, one.snr_db))),
        codec=device.tags.get("codec", ""),
    )


def _diagnostic(kind: str, event: WireEvent, event_ms: int) -> Event:
    device = event.device_info
    dev_eui = device.dev_eui.lower()
    identity, detail = _facts(event)
    received_ms, clock = quality_of(event_ms)
    return Event(
        key=f"{kind}:{dev_eui}:{identity}",
        received_ms=received_ms,
        clock=clock,
        type=kind,
        application=device.application_id,
        dev_eui=dev_eui,
        device_name=device.device_name,
        profile=device.device_profile_name,
        detail=detail,
    )


def _facts(event: WireEvent) -> tuple[str, Detail]:
    """What makes the event itself again when it is redelivered, and what it says.

    `up`, `status` and `ack` of one uplink share a deduplication id: the event type in the key keeps them apart.
    """
    identity = event.deduplication_id or event.time
    match event:
        case JoinEvent():
            return identity, {"dev_addr": event.dev_addr, "region": event.region_config_id}
        case StatusEvent():
            return identity, _status(event)
        case AckEvent():
            return identity, {
                "queue_item_id": event.queue_item_id,
                "acknowledged": event.acknowledged,
                "f_cnt_down": float(event.f_cnt_down),
            }
        case TxAckEvent():
            return str(event.downlink_id), {
                "downlink_id": float(event.downlink_id),
                "queue_item_id": event.queue_item_id,
                "f_cnt_down": float(event.f_cnt_down),
                "gateway": event.gateway_id.lower(),
                "frequency_hz": float(event.tx_info.frequency),
                "power_dbm": float(event.tx_info.power),
            }
        case LogEvent():
            context = msgspec.json.encode(event.context, order="sorted")
            return f"{event.time}:{event.code}:{zlib.crc32(context):08x}", {
                "level": event.level,
                "code": event.code,
                "description": event.description,
                "context": context.decode(),
            }
        case LocationEvent(location=where):
            return identity, {
                "latitude_deg": where.latitude,
                "longitude_deg": where.longitude,
                "altitude_m": where.altitude,
                "accuracy_m": where.accuracy,
                "source": where.source,
            }
    raise TypeError(f"no facts of {type(event).__name__}")


def _status(event: StatusEvent) -> Detail:
    """A battery level is only given when there is one: ChirpStack says 0 for external power and for unknown."""
    detail: Detail = {
        "margin_db": float(event.margin),
        "external_power": event.external_power_source,
        "battery_unknown": event.battery_level_unavailable,
    }
    if not event.external_power_source and not event.battery_level_unavailable:
        detail["battery_pct"] = event.battery_level
    return detail
