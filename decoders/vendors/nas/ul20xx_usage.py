"""NAS UL20xx firmware 1.1, port 26: energy, power and hours of the meter and of each driver.

Source: docs.nasys.no/en/lcu/payloads/-uplinks, "Usage packet".
"""

from core.errors import DecodeError
from decoders.byteview import ByteView
from decoders.codec import Findings
from decoders.vendors.nas.dali import read_channel

QUANTITIES = (
    "energy_wh",
    "power_w",
    "load_energy_wh",
    "load_power_w",
    "power_factor",
    "mains_v",
    "driver_time_s",
    "lamp_time_s",
)

_UNKNOWN = 0xFF


def read(view: ByteView, findings: Findings) -> None:
    header = view.u8()
    if header != 0:
        raise DecodeError("decode.header", f"no usage has type {header}")
    while view.left:
        channel = read_channel(view, findings, all_of_them="internal")
        mask = view.u8()
        block: list[tuple[str, float]] = []
        if mask & 0x01:
            block.append(("energy_wh", view.u32()))
        if mask & 0x02:
            block.append(("power_w", view.u16()))
        if mask & 0x04:
            block.append(("load_energy_wh", view.u32()))
        if mask & 0x08:
            block.append(("load_power_w", view.u16()))
        if mask & 0x10 and (hundredths := view.u8()) != _UNKNOWN:
            block.append(("power_factor", hundredths / 100))
        if mask & 0x20:
            block.append(("mains_v", view.u8()))
        if mask & 0x40:
            block.append(("driver_time_s", view.u32()))
        if mask & 0x80:
            block.append(("lamp_time_s", view.u32()))
        if channel is not None:
            for quantity, value in block:
                findings.add(quantity, value, channel)
