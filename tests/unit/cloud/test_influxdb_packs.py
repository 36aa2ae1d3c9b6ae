"""Texts as one field, and back."""

from hypothesis import given
from hypothesis import strategies as st

from cloud.stores.influxdb.packs import is_pack, kinds, names_of, newest, pack_name, packed, unpack, unpacked

TEXTS = st.text(st.sampled_from('ab|~!\\"é\n '), max_size=6)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,4}", fullmatch=True), TEXTS, min_size=1, max_size=5))
def test_what_is_packed_comes_back(fields: dict[str, str]) -> None:
    """Whatever is in the texts; by name, whatever order the names come in."""
    name = pack_name(fields)
    assert is_pack(name)
    assert not any(map(is_pack, fields))
    value = "|".join(packed(fields[one]) for one in names_of(name))
    assert dict(zip(names_of(name), unpacked(value), strict=True)) == fields
    assert unpack({"n": 1.0, name: f"{7:016x}{value}"}) == {"n": 1.0, **fields}


def test_of_two_packs_of_one_point_the_later_written_counts() -> None:
    """For each field that both have; what was written a text a field is older than any."""
    fields = {"a": "oldest", "z": "alone", ".a.b": f"{2:016x}new|only here", ".a.c": f"{1:016x}old|only there"}
    assert unpack(dict(fields)) == {"a": "new", "b": "only here", "c": "only there", "z": "alone"}
    assert newest(fields, dict.fromkeys(fields, 5)) == {"a": "new", "b": "only here", "c": "only there", "z": "alone"}


def test_the_newest_value_of_a_field_is_that_of_the_newest_point() -> None:
    """Whichever was written last."""
    fields = {"a": "plain", ".a.b": f"{2:016x}young|young", ".a": f"{9:016x}late, of long ago", "n": 1.0}
    assert newest(fields, {"a": 1, ".a.b": 5, ".a": 4, "n": 3}) == {"a": "young", "b": "young", "n": 1.0}
    assert newest(fields, {"a": 6, ".a.b": 5, ".a": 4, "n": 3}) == {"a": "plain", "b": "young", "n": 1.0}


def test_the_kinds_of_packed_fields_are_known() -> None:
    """A number of the same name is what the server would refuse a text for."""
    assert kinds({".a.b": "string", ".a": "string", "n": "float", "b": "float"}) == {
        "a": "string",
        "b": "float",
        "n": "float",
    }
