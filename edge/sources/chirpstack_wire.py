"""ChirpStack 4 events as JSON: what we read of them. Unknown keys are ignored; any minor release may add some.

An event's own fields are always there, zeros too. Messages of a gateway (`rxInfo`, `txInfo`, `location`) leave out
what is zero, so that an absent `rssi`, `snr` or `channel` means 0 and a location may be `{}`.
Source: ChirpStack 4.20, packages `integration` (emits all fields) and `gw`, `common` (do not).
"""

from typing import Annotated

import msgspec
from msgspec import Meta

Uint32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Eui = Annotated[str, Meta(pattern="^[0-9a-fA-F]{16}$")]
Identifier = Annotated[str, Meta(max_length=64)]


class _Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class DeviceInfo(_Wire, frozen=True, kw_only=True):
    application_id: Identifier
    dev_eui: Eui
    device_name: str = ""
    device_profile_name: str = ""
    tags: dict[str, str] = {}


class RxInfo(_Wire, frozen=True, kw_only=True):
    gateway_id: Eui
    rssi: Int32 = 0
    snr: float = 0.0
    channel: Uint32 = 0
    gw_time: str = ""
    ns_time: str = ""
    time_since_gps_epoch: str = ""


class Lora(_Wire, frozen=True, kw_only=True):
    spreading_factor: Uint32 = 0


class Modulation(_Wire, frozen=True, kw_only=True):
    lora: Lora = Lora()  # absent for FSK and LR-FHSS


class TxInfo(_Wire, frozen=True, kw_only=True):
    frequency: Uint32 = 0
    power: Int32 = 0
    modulation: Modulation = Modulation()


class Location(_Wire, frozen=True, kw_only=True):
    latitude: float = 0.0
    longitude: float = 0.0
    altitude: float = 0.0
    accuracy: float = 0.0
    source: str = ""


class WireEvent(_Wire, frozen=True, kw_only=True):
    """What every event has. `deduplication_id` is "" where the event answers no uplink (and `log` has none)."""

    time: Identifier
    device_info: DeviceInfo
    deduplication_id: Identifier = ""


class UpEvent(WireEvent, frozen=True, kw_only=True):
    dev_addr: Identifier = ""
    dr: Annotated[int, Meta(ge=0, le=15)] = 0
    f_cnt: Uint32
    f_port: Annotated[int, Meta(ge=0, le=255)]
    confirmed: bool = False
    data: str  # base64
    rx_info: tuple[RxInfo, ...] = ()
    tx_info: TxInfo = TxInfo()


class JoinEvent(WireEvent, frozen=True, kw_only=True):
    dev_addr: Identifier
    region_config_id: str = ""


class StatusEvent(WireEvent, frozen=True, kw_only=True):
    """`battery_level` is 0 both for external power and for unknown: only the two booleans tell."""

    margin: Int32
    external_power_source: bool
    battery_level_unavailable: bool
    battery_level: float


class LogEvent(WireEvent, frozen=True, kw_only=True):
    level: Identifier
    code: Identifier
    description: str
    context: dict[str, str] = {}


class AckEvent(WireEvent, frozen=True, kw_only=True):
    """An answer that never came has no deduplication id: no uplink brought it."""

    queue_item_id: Identifier
    acknowledged: bool
    f_cnt_down: Uint32


class TxAckEvent(WireEvent, frozen=True, kw_only=True):
    downlink_id: Uint32
    queue_item_id: Identifier = ""
    f_cnt_down: Uint32 = 0
    gateway_id: str = ""
    tx_info: TxInfo = TxInfo()


class LocationEvent(WireEvent, frozen=True, kw_only=True):
    location: Location
