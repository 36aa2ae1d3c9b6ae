"""What a row becomes in the store."""

import json

import msgspec
import pytest

from cloud import schema
from cloud.reports import site_points
from cloud.schema import best_of, clock_of, origin_of, row_ms, row_points, uplink_of
from cloud.stores.checks import fault
from core.errors import RejectedError, UnreadableError
from core.model import ClockQuality, Event, Reading, Reception, RowClass, RowId, Unreadable, Uplink, decode_row
from core.territory import OPERATOR, Geometry, Placement, Shape, Site

SITE = Site("remiremont", "Remiremont", "88383", "ccpvm", 48.0, 6.6)
LAMP = Placement("ccpvm", "ccpvm", "88351", "88351-lamp-1", False)
STOCK = Placement(OPERATOR, "", "88383", "", False)
FOREIGN = Placement("esternay", "esternay", "51237", "51237-lamp-1", True)
ROW_ID = RowId("5b00c", RowClass.MEASUREMENT, 7)
DEVICE = "70b3d549a0000001"
T_MS = 1_700_000_000_000


def uplink(**changed: object) -> Uplink:
    usual = {
        "key": "up|1",
        "received_ms": T_MS,
        "application": "app",
        "dev_eui": DEVICE,
        "device_name": "Lampe",
        "profile": "nas",
        "f_port": 24,
        "f_cnt": 70_123,
        "payload": b"\x01\xff",
        "codec": "nas@1",
        "domain": "light",
        "receptions": (
            Reception("00000000000000aa", -101, 7.5),
            Reception("00000000000000bb", -90, 3),
            Reception("00000000000000cc", -95, 9),
        ),
        "readings": (
            Reading("power_w", 31.5, "dali_1"),
            Reading("level_pct", 80.0, "dali_1"),
            Reading("temperature_c", 20.0),
        ),
    }
    return Uplink(**{**usual, **changed})  # type: ignore[arg-type]


def points(row: object, placement: Placement | None = LAMP, offset_ms: int | None = 0) -> schema.RowPoints:
    return row_points(
        row,  # type: ignore[arg-type]
        ROW_ID,
        edge="remiremont",
        boot="b1",
        offset_ms=offset_ms,
        placement=placement,
        site=SITE,
    )


def of(made: schema.RowPoints, measurement: str) -> list[tuple[dict[str, str], int, dict[str, object]]]:
    return [(p.tags, p.time_us, dict(p.fields)) for p in made.points if p.measurement == measurement]


def test_an_uplink_becomes_its_own_point_first() -> None:
    """Identity and the row, which says all else: in the database of its tenant."""
    made = points(uplink())
    assert made.database == "ccpvm"
    own = made.points[0]
    assert own.measurement == "uplink"
    assert own.tags == {"commune": "88351", "asset": "88351-lamp-1", "device": DEVICE}
    assert own.time_us == T_MS * 1000 + 123
    row = str(own.fields.pop("row"))
    assert own.fields == {
        "key": "up|1", "origin": "remiremont/5b00c/measurement/7/b1",
    }  # fmt: skip
    assert decode_row(row.encode()) == uplink(readings=()), "raw payload, every reception and name; readings are points"


def test_an_own_point_tells_its_row() -> None:
    """Identity and uplink come back from the point; a point that nobody of ours wrote has none."""
    own = points(uplink(device_name="a/b", readings=())).points[0]
    origin = origin_of(own)
    assert origin is not None
    assert (origin.edge, origin.row_id, origin.boot) == ("remiremont", ROW_ID, "b1")
    assert uplink_of(own) == uplink(device_name="a/b", readings=())
    for text in ("", "remiremont", "remiremont/5b00c/measurement/seven/b1", "remiremont/5b00c/heavy/7/b1"):
        assert origin_of(msgspec.structs.replace(own, fields={"origin": text})) is None
    with pytest.raises(UnreadableError):
        uplink_of(msgspec.structs.replace(own, fields={"row": "{}"}))


@pytest.mark.parametrize(
    ("geometry", "fields"),
    [
        (Geometry(Shape.UPRIGHT, 1500, 100), {"distance_mm": 800.0, "fill_pct": 50.0}),
        (Geometry(Shape.UPRIGHT, 500, 100), {"distance_mm": 800.0}),
        (None, {"distance_mm": 800.0}),
    ],
)
def test_a_bin_has_the_fill_its_distance_means(geometry: Geometry | None, fields: dict[str, object]) -> None:
    """By the geometry of its asset; none without one, or where the distance lies beyond the bottom."""
    readings = (Reading("distance_mm", 800.0),)
    made = row_points(
        uplink(domain="bin", readings=readings),
        ROW_ID, edge="remiremont", boot="b1", offset_ms=0, placement=LAMP, site=SITE, geometry=geometry,
    )  # fmt: skip
    assert [found for _, _, found in of(made, "bin")] == [fields]


def test_readings_are_grouped_by_channel_and_time() -> None:
    """One point of the domain for each; a reading with a time of its own keeps exactly that."""
    readings = (*uplink().readings, Reading("latitude_deg", 48.5, "", T_MS - 5000), Reading("lamp_failure", "fault"))
    made = points(uplink(readings=readings))
    base = {"commune": "88351", "asset": "88351-lamp-1", "device": DEVICE}
    at_us = T_MS * 1000 + 123
    assert of(made, "light") == [
        ({**base, "channel": "dali_1"}, at_us, {"power_w": 31.5, "level_pct": 80.0}),
        (base, at_us, {"temperature_c": 20.0, "lamp_failure": "fault"}),
        (base, (T_MS - 5000) * 1000, {"latitude_deg": 48.5}),
    ]
    assert made.points[0].fields["own_times_us"] == f"[{(T_MS - 5000) * 1000}]", "a move finds them again"


def test_out_of_range_is_suspect_and_never_in_the_domain() -> None:
    """Kept, apart."""
    made = points(uplink(readings=(Reading("level_pct", 900.0, "dali_1"), Reading("power_w", 5.0, "dali_1"))))
    assert [fields for _, _, fields in of(made, "suspect")] == [{"level_pct": 900.0}]
    assert [fields for _, _, fields in of(made, "light")] == [{"power_w": 5.0}]


def test_the_best_reception_is_the_strongest() -> None:
    """By RSSI, of those that the row names; none where nobody said."""
    (own, *_) = points(uplink()).points
    best = best_of(uplink_of(own).receptions)
    assert best == Reception("00000000000000bb", -90, 3)
    assert best_of(()) is None


def test_no_reception_and_no_reading_is_an_uplink_all_the_same() -> None:
    """Also undecoded: its payload and what kept it from being decoded."""
    (own,) = points(uplink(receptions=(), readings=(), domain="", codec="x@1", error="codec.unknown")).points
    assert own.fields["error"] == "codec.unknown"
    assert uplink_of(own).payload == b"\x01\xff"


def test_an_error_is_a_field_where_there_is_one_or_was() -> None:
    """Empty where this worker has mended what the edge could not decode: it wins over what another has stored."""
    assert "error" not in points(uplink()).points[0].fields
    again = row_points(
        uplink(), ROW_ID, edge="remiremont", boot="b1", offset_ms=0, placement=LAMP, site=SITE, mended=True
    )
    assert again.points[0].fields["error"] == ""


def test_all_points_are_fit_for_any_store() -> None:
    """Names, tags and values pass the checks every store makes."""
    made = [*points(uplink()).points, *points(event()).points, *points(event(dev_eui=""), None).points]
    assert [fault(point) for point in made] == [None] * len(made)


def event(**changed: object) -> Event:
    usual = {"key": "join|2", "received_ms": T_MS, "type": "join", "dev_eui": DEVICE, "detail": {"b": 1.5, "a": "é"}}
    return Event(**{**usual, **changed})  # type: ignore[arg-type]


def test_an_event_keeps_its_facts_as_json() -> None:
    """One point, tagged with its type; the same facts are the same text."""
    made = points(event())
    ((tags, time_us, fields),) = of(made, "event")
    assert tags == {"commune": "88351", "asset": "88351-lamp-1", "device": DEVICE, "type": "join"}
    assert time_us // 1000 == T_MS
    assert fields["detail"] == '{"a":"é","b":1.5}'
    assert json.loads(str(fields["detail"])) == {"a": "é", "b": 1.5}
    assert (fields["key"], fields["origin"]) == ("join|2", "remiremont/5b00c/measurement/7/b1")


def test_an_event_of_the_edge_itself_belongs_to_its_site() -> None:
    """The database of the site's tenant, its commune, no device."""
    made = points(event(type="health", dev_eui=""), None)
    assert made.database == "ccpvm"
    assert made.points[0].tags == {"commune": "88383", "type": "health"}


def test_an_unassigned_device_goes_to_the_operator() -> None:
    """With its site's commune and no asset."""
    made = points(uplink(), STOCK)
    assert made.database == "operator"
    assert {tuple(sorted(set(p.tags) - {"channel"})) for p in made.points} == {("commune", "device")}


@pytest.mark.parametrize(
    ("row", "placement", "code"),
    [
        (uplink(), FOREIGN, "identity.foreign_device"),
        (event(), FOREIGN, "identity.foreign_device"),
        (uplink(dev_eui="../x"), LAMP, "identity.eui"),
        (uplink(receptions=(Reception("gw 1"),)), LAMP, "identity.eui"),
        (event(type="DROP TABLE"), LAMP, "row.type"),
    ],
)
def test_what_must_not_be_stored_is_refused(row: object, placement: Placement, code: str) -> None:
    """A device of another tenant; an EUI or a type that would let a tag grow without bound."""
    with pytest.raises(RejectedError) as caught:
        points(row, placement)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (Unreadable(key="k", received_ms=T_MS, topic="t", error="source.base64", hint="h"), "source.base64"),
        (uplink(domain="weather"), "row.domain"),
        (uplink(readings=(Reading("colour", 1.0),)), "quantity.unknown"),
        (uplink(readings=(Reading("lamp_failure", "perhaps"),)), "quantity.state"),
    ],
)
def test_what_this_version_cannot_read_is_for_the_quarantine(row: object, code: str) -> None:
    """A newer edge's words are never dropped: the whole row waits for an upgrade and a replay."""
    with pytest.raises(UnreadableError) as caught:
        points(row)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("clock", "offset_ms", "time_ms", "kept"),
    [
        (ClockQuality.SYNCED, 5000, T_MS, "synced"),
        (ClockQuality.GPS, None, T_MS, "gps"),
        (ClockQuality.UNSYNCED, 5000, T_MS + 5000, "unsynced"),
        (ClockQuality.UNSYNCED, None, T_MS, "estimated"),
        (ClockQuality.ESTIMATED, 5000, T_MS, "estimated"),
    ],
)
def test_the_clock_is_told_as_it_was(clock: ClockQuality, offset_ms: int | None, time_ms: int, kept: str) -> None:
    """An offset mends the time of an unsynced row and its quality stays honest; without one it is estimated."""
    row = uplink(clock=clock)
    own = points(row, offset_ms=offset_ms).points[0]
    assert own.time_us // 1000 == row_ms(row, offset_ms) == time_ms
    assert clock_of(own) == kept
    assert ("clock" in own.fields) is (kept != clock)


def test_health_is_one_point_for_the_tenant_and_one_for_the_operator() -> None:
    """Nested counters are flattened, every number is a float, what has no name in the store is left out."""
    health = {
        "online": True,
        "accepted": {"urgent": 4, "measurement": 10},
        "version": "0.1",
        "runs": [1, 2],
        "Bad Key": 1,
        "load": float("nan"),
        "since": None,
    }
    made = site_points(health, name="remiremont", at_ms=T_MS, site=SITE)
    assert [row.database for row in made] == ["ccpvm", "operator"]
    for row in made:
        (point,) = row.points
        assert point.tags == {"site": "remiremont", "commune": "88383"}
        assert point.time_us == T_MS * 1000
        assert point.fields == {"online": True, "accepted_urgent": 4.0, "accepted_measurement": 10.0, "version": "0.1"}
        assert type(point.fields["accepted_urgent"]) is float


def test_the_worker_counts_for_the_operator_alone() -> None:
    """It has no site."""
    (row,) = site_points({"stored": 4}, name="beffroi-cloud", at_ms=T_MS)
    assert (row.database, row.points[0].tags) == ("operator", {"site": "beffroi-cloud"})
    assert site_points({}, name="beffroi-cloud", at_ms=T_MS) == []
