"""NAS UL20xx street light controllers, firmware 1.1: the codec. Each port has a module of its own beside this one.

Device warnings (a lamp that failed, a DALI error, an alert of the meter, a clock that is not set) are readings like
any other.

- A status or usage has the time of its uplink. The device's clock is a fact beside it (`device_time_s`); before
  2015 it was never set: `clock_state` says so and no time is given. Only a satellite fix has a time of its own.
- A channel is an address: `dali_9`, `dali_group_3`, `dali_broadcast`, `analog`, `internal` (the meter), `all`.
- Levels "not available" and a status byte 0xFF (the driver did not answer) give nothing.
- An echo of a command or setting says that the device accepted it. Echoes of requests, of raw DALI commands and of
  memory contents are checked and give nothing: they have no quantity. Multicast keys are passed over.

Units as in `core.quantities`. Source: docs.nasys.no/en/lcu/payloads (uplinks, configs, commands), firmware 1.1.x;
nasys/nas-codecs 0.12.0.
"""

from core.model import Domain
from decoders.byteview import ByteView
from decoders.codec import Codec, Findings, Frame
from decoders.vendors.nas import (
    ul20xx_clock,
    ul20xx_commands,
    ul20xx_notifications,
    ul20xx_settings,
    ul20xx_status,
    ul20xx_system,
    ul20xx_usage,
)

_READERS = {
    23: ul20xx_status.read,
    26: ul20xx_usage.read,
    50: ul20xx_settings.read,
    51: ul20xx_commands.read_maintenance,
    60: ul20xx_commands.read,
    61: ul20xx_notifications.read,
    99: ul20xx_system.read,
}


def _decode(frame: Frame) -> Findings:
    view, findings = ByteView(frame.payload, little=True), Findings()
    _READERS[frame.f_port](view, findings)
    if view.left:
        findings.doubt("decode.too_long", f"{view.left} bytes are left at the end")
    return findings


CODEC = Codec(
    name="nas_ul20xx",
    version="1.1",
    vendor="NAS",
    model="UL20xx",
    firmware="1.1.x",
    domain=Domain.LIGHT,
    ports={
        23: "status",
        26: "usage",
        50: "settings, confirmed or asked for",
        51: "maintenance, confirmed",
        60: "commands, confirmed or answered",
        61: "notifications",
        99: "boot, refused downlinks",
    },
    quantities=frozenset(
        name
        for part in (
            ul20xx_clock,
            ul20xx_status,
            ul20xx_usage,
            ul20xx_settings,
            ul20xx_commands,
            ul20xx_notifications,
            ul20xx_system,
        )
        for name in part.QUANTITIES
    ),
    source="docs.nasys.no/en/lcu/payloads, firmware 1.1.x; nasys/nas-codecs 0.12.0 (MIT)",
    vectors=70,
    decode=_decode,
)
