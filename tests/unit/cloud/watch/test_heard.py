"""What the watch keeps of an uplink."""

import msgspec
import pytest

from cloud.schema import row_points
from cloud.stores.base import Point
from cloud.watch.heard import Heard, read_heard
from core.model import Reading, Reception, RowClass, RowId, Uplink
from core.territory import Placement, Site

SITE = Site("remiremont", "Remiremont", "88383", "ccpvm", 48.0, 6.6)
LAMP = Placement("ccpvm", "ccpvm", "88351", "88351-lamp-1", False)
T_MS = 1_700_000_000_000


def own_point(**changed: object) -> Point:
    """The `uplink` point that the road writes of an uplink."""
    usual: dict[str, object] = {
        "key": "up|1",
        "received_ms": T_MS,
        "application": "app",
        "dev_eui": "70b3d549a0000001",
        "dev_addr": "0123abcd",
        "f_cnt": 70_123,
        "spreading_factor": 9,
        "domain": "light",
        "receptions": (
            Reception("00000000000000aa", -101, 7.5),
            Reception("00000000000000bb", -90, 3),
            Reception("00000000000000cc", -95, 9),
        ),
        "readings": (Reading("power_w", 31.5),),
    }
    row = Uplink(**{**usual, **changed})  # type: ignore[arg-type]
    row_id = RowId("5b00c", RowClass.MEASUREMENT, 7)
    made = row_points(row, row_id, edge="remiremont", boot="b1", offset_ms=0, placement=LAMP, site=SITE)
    return made.points[0]


def test_what_is_kept_of_the_point_that_the_road_writes() -> None:
    """Time in ms, device, edge, session, frame counter, the best reception and all gateways, the best first."""
    gateways = ("00000000000000cc", "00000000000000aa", "00000000000000bb")
    heard = read_heard(own_point())
    assert heard == Heard(T_MS, "70b3d549a0000001", "remiremont", "0123abcd", 70_123, 9, -95, 9.0, gateways)
    assert heard is not None
    assert (heard.channel, heard.gateway) == ("", "00000000000000cc")


def test_what_the_row_leaves_out_is_its_default() -> None:
    """A frame counter of 0 and a radio that nobody described: 0 dB would be a figure, so there is none."""
    heard = read_heard(own_point(f_cnt=0, receptions=(), dev_addr="", spreading_factor=0))
    assert heard is not None
    assert (heard.f_cnt, heard.rssi_dbm, heard.snr_db, heard.gateways, heard.gateway) == (0, None, None, (), "")


def test_a_reception_of_0_db_is_a_reception() -> None:
    """The network server leaves a zero out; it was measured all the same."""
    heard = read_heard(own_point(receptions=(Reception("00000000000000aa", -110),)))
    assert heard is not None
    assert (heard.rssi_dbm, heard.snr_db) == (-110, 0.0)


def test_points_of_one_device_share_what_repeats() -> None:
    """100,000 assets are kept in memory: the words of a device are there once."""
    one, two = read_heard(own_point(f_cnt=1)), read_heard(own_point(f_cnt=2))
    assert one is not None
    assert two is not None
    assert one.device is two.device
    assert one.session is two.session
    assert one.gateways is two.gateways


def test_detectors_that_read_the_same_point_share_what_they_keep() -> None:
    """Read twice in a row, a point gives the same object."""
    point = own_point()
    assert read_heard(point) is read_heard(point)


@pytest.mark.parametrize("row", ["", "{", '{"f_cnt":"seven"}', "[]", '{"f_cnt":1,"receptions":[{"rssi_dbm":1}]}', 7.0])
def test_a_row_that_cannot_be_read_is_passed_over(row: str | float) -> None:
    """The watch goes on with the others."""
    point = own_point()
    assert read_heard(msgspec.structs.replace(point, fields={**point.fields, "row": row})) is None
    assert read_heard(msgspec.structs.replace(point, fields={"key": "up|1"})) is None
