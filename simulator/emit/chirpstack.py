"""Events of a ChirpStack v4 network server as its MQTT integration publishes them (`json = true`), byte for byte.

An event's own fields are always there, zeros too; in the gateways' part (`rxInfo`, `location`) zeros are left out.
`object` is absent: the profiles run no codec at the network server. Times carry 9, 6, 3 or no decimals.
Source: ChirpStack 4.20, package `integration` (pbjson), checked against events recorded from a real server.
"""

import struct
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from simulator.radio import CHANNELS, spreading_factor

_GPS_EPOCH_S = 315_964_800  # 1980-01-06 in Unix time
_LEAP_S = 18  # GPS time is ahead of UTC, since 2017
_BANDWIDTH_HZ = 125_000
_float = struct.Struct("<f")
_RETRANSMISSION = "Uplink was flagged as re-transmission / frame-counter did not increment"


@dataclass(frozen=True, slots=True)
class Identity:
    """What the network server knows of a device. Ids are UUIDs; `device_class` is A, B or C."""

    tenant_id: str
    tenant_name: str
    application_id: str
    application_name: str
    profile_id: str
    profile_name: str
    device_name: str
    dev_eui: str
    device_class: str
    tags: Mapping[str, str]
    region_config_id: str


def timestamp(ns: int) -> str:
    """RFC 3339, UTC, of nanoseconds since the Unix epoch."""
    seconds, fraction = divmod(ns, 1_000_000_000)
    if fraction % 1_000:
        return f"{_second(seconds)}.{fraction:09d}+00:00"
    return f"{_second(seconds)}{_decimals(fraction)}+00:00"


@lru_cache(maxsize=256)  # neighbours in the stream share it
def _second(seconds: int) -> str:
    return f"{_minute(seconds // 60)}{seconds % 60:02d}"


@lru_cache(maxsize=64)
def _minute(minutes: int) -> str:
    return datetime.fromtimestamp(minutes * 60, UTC).strftime("%Y-%m-%dT%H:%M:")


def _decimals(ns: int) -> str:
    """The shortest of 0, 3, 6 and 9 digits that says it all."""
    if ns % 1_000:
        return f".{ns:09d}"
    if ns % 1_000_000:
        return f".{ns // 1_000:06d}"
    return f".{ns // 1_000_000:03d}" if ns else ""


def since_gps_epoch(ns: int) -> str:
    """The duration that `timeSinceGpsEpoch` holds for an instant (ns since the Unix epoch)."""
    seconds, fraction = divmod(ns, 1_000_000_000)
    return f"{seconds - _GPS_EPOCH_S + _LEAP_S}{_decimals(fraction)}s"


class GatewayFace(NamedTuple):
    """A gateway as it is registered; a position of 0 is an unknown one."""

    eui: str
    lat: float = 0.0
    lon: float = 0.0
    altitude_m: float = 0.0

    def location(self) -> str:
        fields = {"latitude": self.lat, "longitude": self.lon, "altitude": self.altitude_m}
        return msgspec.json.encode({key: value for key, value in fields.items() if value}).decode()


_TX_INFO = {
    (dr, channel): (
        f'{{"frequency":{frequency_hz},"modulation":{{"lora":{{"bandwidth":{_BANDWIDTH_HZ},'
        f'"spreadingFactor":{spreading_factor(dr)},"codeRate":"CR_4_5"}}}}}}'
    )
    for dr in range(6)
    for frequency_hz, channel, _ in CHANNELS
}
_CHANNEL = {
    channel: (f',"channel":{channel}' if channel else "") + (f',"rfChain":{rf_chain}' if rf_chain else "")
    for _, channel, rf_chain in CHANNELS
}


@lru_cache(maxsize=256)
def _written(gateways: tuple[GatewayFace, ...]) -> tuple[tuple[str, str], ...]:
    """The constant parts of their receptions; all devices of a site share them."""
    return tuple((f'{{"gatewayId":"{one.eui}"', f',"location":{one.location()}') for one in gateways)


@lru_cache(maxsize=256)
def _battery(level: int) -> str:
    """Where a battery stands, with the level as the shortest text of a 32-bit float (%)."""
    percent = "0.0"
    if level not in (0, 255):
        exact = _float32(_float32(level / 254) * 100)
        percent = repr(
            next(short for digits in range(1, 10) if _float32(short := float(f"{exact:.{digits}g}")) == exact)
        )
    power, unknown = ("true" if found else "false" for found in (level == 0, level == 255))
    return f'"externalPowerSource":{power},"batteryLevelUnavailable":{unknown},"batteryLevel":{percent}'


def _float32(value: float) -> float:
    return float(_float.unpack(_float.pack(value))[0])


class EventWriter:
    """Writes the events of one device; whatever does not change is written once."""

    def __init__(self, identity: Identity, gateways: Sequence[GatewayFace]) -> None:
        self._topic = f"application/{identity.application_id}/device/{identity.dev_eui}/event/"
        self.up_topic = self._topic + "up"
        self._device = (
            '"deviceInfo":'
            + msgspec.json.encode(
                {
                    "tenantId": identity.tenant_id,
                    "tenantName": identity.tenant_name,
                    "applicationId": identity.application_id,
                    "applicationName": identity.application_name,
                    "deviceProfileId": identity.profile_id,
                    "deviceProfileName": identity.profile_name,
                    "deviceName": identity.device_name,
                    "devEui": identity.dev_eui,
                    "deviceClassEnabled": f"CLASS_{identity.device_class}",
                    "tags": dict(identity.tags),
                }
            ).decode()
        )
        self._region = f'"regionConfigId":"{identity.region_config_id}"}}'
        self._gateways = _written(tuple(gateways))

    def topic(self, event: str) -> str:
        return self._topic + event

    def up(
        self,
        deduplication_id: str,
        time_ns: int,
        dev_addr: str,
        dr: int,
        channel: int,
        f_cnt: int,
        f_port: int,
        payload: bytes,
        receptions: Sequence[str],
    ) -> bytes:
        """`up`: a data frame, as heard by these gateways (`reception`)."""
        told = b2a_base64(payload, newline=False).decode()
        return (
            f'{{"deduplicationId":"{deduplication_id}","time":"{timestamp(time_ns)}",{self._device},'
            f'"devAddr":"{dev_addr}","adr":true,"dr":{dr},"fCnt":{f_cnt},"fPort":{f_port},"confirmed":false,'
            f'"data":"{told}","rxInfo":[{",".join(receptions)}],"txInfo":{_TX_INFO[dr, channel]},'
            f"{self._region}"
        ).encode()

    def reception(
        self,
        gateway: int,
        uplink_id: int,
        gps_ns: int,
        ns_ns: int,
        rssi_dbm: int,
        snr_db: float,
        channel: int,
        counter: int,
    ) -> str:
        """One entry of `rxInfo`: what a gateway (by its place) says of a frame.

        `gps_ns`: when it received it, 0 when it has no GPS; `ns_ns`: when the network server had it; `counter`: 32
        bits of the concentrator's own clock.
        """
        head, location = self._gateways[gateway]
        told = f',"uplinkId":{uplink_id}' if uplink_id else ""
        since = ""
        if gps_ns:
            told += f',"gwTime":"{timestamp(gps_ns)}"'
            since = f',"timeSinceGpsEpoch":"{since_gps_epoch(gps_ns)}"'
        rssi = f',"rssi":{rssi_dbm}' if rssi_dbm else ""
        snr = f',"snr":{snr_db}' if snr_db else ""
        context = b2a_base64(counter.to_bytes(4, "big"), newline=False).decode()
        return (
            f'{head}{told},"nsTime":"{timestamp(ns_ns)}"{since}{rssi}{snr}{_CHANNEL[channel]}'
            f'{location},"context":"{context}","crcStatus":"CRC_OK"}}'
        )

    def join(self, *, deduplication_id: str, time_ns: int, dev_addr: str) -> bytes:
        """`join`: the network answers a join-request."""
        return (
            f'{{"deduplicationId":"{deduplication_id}","time":"{timestamp(time_ns)}",{self._device},'
            f'"devAddr":"{dev_addr}",{self._region}'
        ).encode()

    def status(self, *, deduplication_id: str, time_ns: int, margin_db: int, battery: int = 0) -> bytes:
        """`status`: the answer of a device travels in an uplink and shares its deduplication id.

        `margin_db`: SNR of the last request at the device, -32 to 31. `battery`: 0 on the mains, 1 to 254 (full), 255
        when the device cannot tell.
        """
        return (
            f'{{"deduplicationId":"{deduplication_id}","time":"{timestamp(time_ns)}",{self._device},'
            f'"margin":{margin_db},{_battery(battery)}}}'
        ).encode()

    def retransmission(self, *, deduplication_id: str, time_ns: int, f_cnt: int) -> bytes:
        """`log`: a copy of a frame came after its deduplication window."""
        return (
            f'{{"time":"{timestamp(time_ns)}",{self._device},"level":"WARNING","code":"UPLINK_F_CNT_RETRANSMISSION",'
            f'"description":"{_RETRANSMISSION}",'
            f'"context":{{"deduplication_id":"{deduplication_id}","f_cnt_up":"{f_cnt}"}}}}'
        ).encode()
