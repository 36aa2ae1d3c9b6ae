"""Points as line protocol: escapes, the digits of a key, tags that cannot be written as they are."""

from enum import StrEnum

import pytest

from cloud.stores.base import Field, Point
from cloud.stores.checks import MAX_TIME_US
from cloud.stores.influxdb.kinds import Kinds
from cloud.stores.influxdb.lines import MAX_TIME_NS, keyed_ns, told_tag, wire_tag
from cloud.stores.influxdb.recent import Recent
from cloud.stores.influxdb.rendering import Rendered, Renderer, parcels

LAMP = {"device": "00000000000000a1", "asset": "lamp-1", "commune": "88383"}
T = 1_700_000_000_000_123


def renderer(**kinds: str) -> Renderer:
    return Renderer(Kinds(lambda _measurement: kinds), Recent())


STAMP = 0x18C0FFEE00000000


def line(fields: dict[str, Field], tags: dict[str, str] = LAMP) -> str:
    """As written the first time, by the long way; the second time the short way gives the same but for the stamp."""
    writer = renderer()
    (first,) = writer.render([Point("light", tags, T, fields)], stamp=STAMP).lines
    (_, second) = writer.render([Point("light", tags, T, fields)] * 2, stamp=STAMP - 1).lines
    assert first == second
    return second


def test_a_point_is_one_line() -> None:
    """Tags in one order; every type as InfluxDB reads it; a mark where there is no key; the texts as one field, by
    name; the time in ns."""
    fields: dict[str, Field] = {"power_w": 3.0, "state": "ok", "n": -7, "on": True, "off": False, "lamp": "on"}
    assert line(fields) == (
        "light,asset=lamp-1,commune=88383,device=00000000000000a1"
        ' _p=t,.lamp.state="18c0ffee00000000on|ok",power_w=3.0,n=-7i,on=True,off=False 1700000000000123000'
    )


def test_a_point_with_a_key_keeps_a_field_a_text() -> None:
    """Whose it is can be asked of the store."""
    assert line({"key": "k", "detail": 'a"|~'}).startswith(
        'light,asset=lamp-1,commune=88383,device=00000000000000a1 key="k",detail="a\\"|~" 1700000000000123'
    )


def test_what_would_end_a_tag_or_a_text_is_escaped() -> None:
    """And nothing else."""
    assert line({"t": 'say "a\\b"\n'}, {"channel": "a b,c=d"}).startswith(
        'light,channel=a\\ b\\,c\\=d _p=t,.t="18c0ffee00000000say \\"a\\\\b\\"\n" '
    )
    assert line({"t": "été"}, {"channel": "é"}).startswith('light,channel=é _p=t,.t="18c0ffee00000000été" ')
    assert line({"t": "a|b~!~", "u": ""}).split(" ")[1] == '_p=t,.t.u="18c0ffee00000000a~!b~~!~~|"'


@pytest.mark.parametrize("text", ["a\\", "\\", "a\\\u2060", "a\u2060", "\u2060", "é\\\u2060\u2060", "a\\b", "a"])
def test_a_tag_may_end_in_a_backslash(text: str) -> None:
    """It comes back as it was, and never ends a line's tag in a backslash."""
    assert told_tag(wire_tag(text)) == text
    assert not wire_tag(text).endswith("\\")


def test_the_digits_below_a_microsecond_are_the_keys() -> None:
    """The same key, the same ns; another key, mostly another; always within the µs and the 64 bits."""
    assert keyed_ns(T, "a") == keyed_ns(T, "a")
    assert {keyed_ns(T, str(n)) // 1000 for n in range(1000)} == {T}
    assert len({keyed_ns(T, str(n)) for n in range(1000)}) > 500
    assert max(keyed_ns(MAX_TIME_US, str(n)) for n in range(5000)) == MAX_TIME_NS <= 2**63 - 2


def test_keys_that_clash_exactly_are_told_apart() -> None:
    """Within a write, and as far back as is remembered; what was deleted is in nobody's way."""
    first = next(str(n) for n in range(1, 10**6) if keyed_ns(T, str(n)) == keyed_ns(T, "0"))
    recent = Recent()
    writer = Renderer(Kinds(lambda _measurement: {}), recent)

    def write(*keys: str) -> Rendered:
        made = writer.render([Point("event", LAMP, T, {"key": key}) for key in keys])
        recent.note(made.owners)
        return made

    assert [(one.index, one.code) for one in write("0", first, "0").rejected] == [(1, "identity.collision")]
    assert [one.index for one in write(first, "0").rejected] == [0]
    recent.forget()
    assert not write(first).rejected
    assert [one.index for one in write("0").rejected] == [0]


def test_the_memory_of_keys_is_bounded() -> None:
    """The last ten thousand at least, twice as many at most."""
    recent = Recent()
    for n in range(50):
        recent.note({(f"m{n}", k): "key" for k in range(1000)})
    assert sum(recent.owner((f"m{n}", 0)) is not None for n in range(50)) in range(10, 23)
    assert recent.owner(("m49", 0)) == "key"


def test_a_field_keeps_its_kind() -> None:
    """Learnt from the database once, then from what is written; a point that is refused teaches nothing."""
    asked: list[str] = []

    def read(measurement: str) -> dict[str, str]:
        asked.append(measurement)
        return {"power_w": "float", "n": "integer", "on": "boolean", "lamp": "string"}

    writer = Renderer(Kinds(read), Recent())

    def code(**fields: Field) -> str:
        (*rejected,) = writer.render([Point("light", LAMP, T, fields)]).rejected
        return rejected[0].code if rejected else ""

    assert [code(power_w=1), code(n=1.0), code(on=1), code(lamp=True)] == ["point.type"] * 4
    assert [code(power_w=1.0), code(n=1), code(on=True), code(lamp="on")] == [""] * 4
    assert code(fresh=1, lamp=1) == "point.type"
    assert code(fresh=1.0) == ""
    assert code(fresh=1) == "point.type"
    assert asked == ["light"]
    writer.forget()
    assert code(fresh=1) == ""
    assert asked == ["light", "light"]


def test_a_derived_type_is_its_base() -> None:
    """An enum's text is a text, also beside a point that has the plain one."""

    class Clock(StrEnum):
        GPS = "gps"

    class Celsius(float):
        def __repr__(self) -> str:
            return "warm"

    writer = renderer()
    made = writer.render(
        [Point("light", LAMP, T, {"clock": clock, "t": t}) for clock, t in [(Clock.GPS, Celsius(3))] * 2]
    )
    assert [one.split(" ")[1] for one in made.lines] == [f'_p=t,.clock="{n:016x}gps",t=3.0' for n in range(2)]
    assert not writer.render([Point("light", LAMP, T, {"clock": "gps", "t": 3.0})]).rejected


def test_a_field_that_somebody_else_made_unsigned_is_a_fault_of_its_points_alone() -> None:
    """2.x knows a kind that the contract does not."""
    made = renderer(power_w="unsigned").render([Point("light", LAMP, T, {"power_w": 1.0})])
    assert [(one.code, one.message) for one in made.rejected] == [
        ("point.type", "light.power_w is unsigned, not float")
    ]


def many(count: int, *, text: str = "", measurement: str = "light", series: int = 50) -> Rendered:
    """Points of some series, each point twice."""
    points = [
        Point(measurement, {**LAMP, "channel": str(n % series)}, T + n // 2 // series, {"n": float(n), "t": text})
        for n in range(count)
    ]
    return renderer().render(points)


def test_a_small_write_is_one_request() -> None:
    """And one without points none."""
    made = many(3_999)
    assert [(parcel.lasting, parcel.requests) for parcel in parcels(made)] == [(False, [list(range(3_999))])]
    assert parcels(many(0)) == []


def test_a_large_write_is_two_parcels_that_share_no_series() -> None:
    """Each line once, in its order; about ten thousand a request, of about the same size."""
    made = many(50_000)
    one, two = parcels(made)
    assert sorted(number for parcel in (one, two) for request in parcel.requests for number in request) == list(
        range(50_000)
    )
    starts = [{made.lines[n].split(" ")[0] for request in parcel.requests for n in request} for parcel in (one, two)]
    assert not starts[0] & starts[1]
    for parcel in (one, two):
        flat = [number for request in parcel.requests for number in request]
        assert flat == sorted(flat)
        sizes = [len(request) for request in parcel.requests]
        assert max(sizes) - min(sizes) <= 100
        assert 8_000 <= max(sizes) <= 15_000


def test_no_request_is_larger_than_a_server_takes() -> None:
    """Texts may be long."""
    made = many(1_000, text="x" * 60_000)
    (parcel,) = parcels(made)
    assert len(parcel.requests) > 5
    assert max(sum(len(made.lines[n]) for n in request) for request in parcel.requests) <= 8.2 * 1024 * 1024


def test_what_lasts_goes_to_the_other_policy() -> None:
    """Apart, also in a small write."""
    made = renderer().render([Point(name, LAMP, T, {"n": 1.0}) for name in ("light", "hour", "uplink", "day", "night")])
    assert parcels(made) == [(False, [[0, 2]]), (True, [[1, 3, 4]])]
