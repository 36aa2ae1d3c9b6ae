"""The place given for a key of a TOML text is where the key is written, however the text is laid out."""

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.territory.tomlplace import KeyPath, places

KEYS = st.sampled_from(["id", "name", "lat", "communes", "a-b", '"two words"', "periods"])
BLANKS = st.sampled_from(["", " ", "\t", "  "])
NEWLINES = st.sampled_from(["\n", "\n\n", '  # id = 3 [x] "\n', "\n# '''\n"])
SCALARS = st.sampled_from(
    [
        '"text"',
        '"a \\" ] } # = b"',
        "'C:\\dir'",
        "3",
        "-1.5",
        "true",
        "2026-07-14",
        "23:00:00",
        '"""a\n"id" = 1\n"""',
        "'''\n]]'''",
    ]
)


@st.composite
def values(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.sampled_from(["scalar", "scalar", "array", "table"])) if depth else "scalar"
    if kind == "array":
        parts = draw(st.lists(values(depth=depth - 1), max_size=3))
        gap = draw(st.sampled_from(["", " ", "\n  ", "\n  # , ] \n "]))
        return "[" + gap + f",{gap}".join(parts) + draw(BLANKS) + "]"
    if kind == "table":
        keys = draw(st.lists(KEYS, max_size=2, unique=True))
        return "{" + ", ".join(f"{key} = {draw(values(depth=0))}" for key in keys) + "}"
    return draw(SCALARS)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Keys, tables, arrays of tables (with tables below them), in any layout."""
    text = ""
    for header in draw(st.lists(st.sampled_from(["[[sites]]", "[[sites.gateways]]", "[[ calendars ]]"]), max_size=5)):
        if header == "[[sites.gateways]]" and "[[sites]]" not in text:
            continue
        text += draw(BLANKS) + header + draw(NEWLINES)
        for key in draw(st.lists(KEYS, max_size=3, unique=True)):
            text += draw(BLANKS) + key + draw(BLANKS) + "=" + draw(BLANKS) + draw(values()) + draw(NEWLINES)
    return text


def paths(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    """Every key and element of what tomllib read."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in below for found in [(*path, key), *paths(inner, (*path, key))]]


@given(documents())
def test_every_key_is_where_it_is_written(text: str) -> None:
    """All keys and elements that tomllib reads have a place, no other does, and the key's text stands there."""
    where = places(text)
    assert set(where) == set(paths(tomllib.loads(text)))
    lines = text.split("\n")
    for path, (line, column) in where.items():
        at = lines[line - 1][column - 1 :]
        if isinstance(path[-1], str):
            assert at.startswith((path[-1], f'"{path[-1]}"', "[[")), (path, at)
        else:
            assert at
            assert not at[0].isspace()


def test_dotted_keys_and_plain_tables_have_places() -> None:
    """`a.b = 1` gives a place to a and to a.b; a second mention of a does not move it."""
    found = places('[operator]\nid = "x"\n[a.b]\nc.d = 1\nc.e = [1, 2,\n  3]\n')
    assert {"/".join(map(str, path)): tuple(place) for path, place in found.items()} == {
        "operator": (1, 1),
        "operator/id": (2, 1),
        "a": (3, 2),
        "a/b": (3, 1),
        "a/b/c": (4, 1),
        "a/b/c/d": (4, 3),
        "a/b/c/e": (5, 3),
        "a/b/c/e/0": (5, 8),
        "a/b/c/e/1": (5, 11),
        "a/b/c/e/2": (6, 3),
    }
