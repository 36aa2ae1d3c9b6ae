"""The encoder of the simulated street light against payloads its vendor published."""

from simulator.devices import nas_ul20xx as nas
from simulator.devices.nas_ul20xx import AlertBits, Boot, DimmingSource, OutputBits, Status, StatusBits, Usage

# Source of the payloads: nasys/nas-codecs (MIT), test examples of firmware 1.1.


def test_a_status_is_the_published_bytes() -> None:
    """Values as the vendor's own decoder reads them give back the vendor's example of a status."""
    status = Status(
        clock_s=1579188211,  # 2020-01-16T15:23:31Z
        bits=StatusBits.DALI_CONNECTION_ERROR | StatusBits.RELAY_CLOSED,
        outputs=OutputBits.OPEN_DRAIN_ON | OutputBits.TOOL_CONNECTED,
        downlink_rssi_dbm=-50,
        downlink_snr_db=9,
        temperature_c=22,
        alerts=AlertBits.LAMP_ERROR,
        sensors=((0x01, b"\xd2"), (0x02, b"\x94\x55"), (0x04, b"\x01")),
        sources=(
            DimmingSource(reason=nas.Reason.DUSK_STEP_0, level_pct=25, dali=nas.DaliStatus.NONE),
            DimmingSource(reason=nas.Reason.DUSK_STEP_0, level_pct=25, dali=nas.DaliStatus.NONE, address=9 << 1),
        ),
    )
    assert nas.encode_status(status).hex() == "01f37f205e8244320916200701d20294550401fe50190012501900"


def test_a_recorded_status_is_the_recorded_bytes() -> None:
    """A frame of a real network (-71 dBm, 26 °C, meter link lost, off by day) is reproduced byte for byte."""
    status = Status(
        clock_s=1719841422,  # 2024-07-01T13:43:42Z
        bits=StatusBits.METER_LINK_ERROR,
        downlink_rssi_dbm=-71,
        downlink_snr_db=7,
        temperature_c=26,
        sensors=((0x01, b"\xde"),),
        sources=(DimmingSource(reason=nas.Reason.CALENDAR_DAY, level_pct=0, dali=nas.DaliStatus.NONE),),
    )
    assert nas.encode_status(status).hex() == "018eb28266200047071a000201defe210000"


def test_a_level_that_is_not_known_is_ff() -> None:
    """No driver answers: the level is the sentinel, not a number."""
    source = DimmingSource(reason=nas.Reason.DRIVER_NOT_FOUND, level_pct=None, dali=nas.DaliStatus.UNKNOWN)
    assert nas.encode_status(Status(clock_s=0, temperature_c=-3, sources=(source,))).hex().endswith("fef6ffff")


def test_usage_is_the_published_bytes() -> None:
    """The vendor's example of a usage report, with a block of one field and a block of all."""
    blocks = (
        Usage(lamp_on_s=19918800),
        Usage(
            address=9 << 1,
            active_energy_wh=234567,
            active_power_w=42,
            load_energy_wh=215801,
            load_power_w=39,
            power_factor=0.93,
            mains_v=229,
            operating_s=47805120,
            lamp_on_s=19918800,
        ),
    )
    assert nas.encode_usage(blocks).hex() == "00ff80d0ef2f0112ff479403002a00f94a030027005de5c072d902d0ef2f01"


def test_a_dali_alert_has_its_length_in_the_high_nibble() -> None:
    """Two pairs of (address, status) are four bytes."""
    assert nas.encode_dali_alert([(0xFE, nas.DaliStatus.LAMP_FAILURE), (0x12, 0)]).hex() == "8340fe021200"


def test_a_boot_is_the_published_bytes() -> None:
    """The vendor's example of a boot report (analogue controller, bus high, clock not set yet)."""
    boot = Boot(
        serial=0x51123456,
        firmware=(1, 0, 22),
        clock_s=946684814,
        hardware=nas.Hardware.ANALOG_NC,
        options=nas.Option.METERING | nas.Option.LIGHT_DEPENDENT_RESISTOR | 0x40,
        dali_supply_v=0x7E,
        drivers=0,
    )
    assert nas.encode_boot(boot).hex() == "00563412510100168e436d3803687e0000"
