"""Whatever stands in the files, a territory is read or its faults are named: nothing else is raised."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.territory import TerritoryError, load
from tests.support.sound_territory import SOUND, write

PIECES = st.one_of(
    st.sampled_from(
        [
            "[",
            "]",
            "[[sites]]\n",
            "{",
            "}",
            "=",
            '"',
            "'''",
            ",",
            ";",
            "\n",
            "\r",
            "\\",
            "#",
            ".",
            " ",
            "\t",
            "0x1",
            "-1e9",
            "nan",
            "inf",
            "9" * 400,
            "9" * 5000,
            "[" * 2000,
            "é",
            "٣٣٣٣٣",
            "2026-07-14",
            "true",
            "id = 3\n",
            "\x00",
        ]
    ),
    st.text(max_size=5),
)


@settings(max_examples=150)
@given(name=st.sampled_from(sorted(SOUND)), at=st.floats(0, 1), cut=st.integers(0, 30), piece=PIECES)
def test_a_changed_file_is_read_or_refused(name: str, at: float, cut: int, piece: str) -> None:
    """Any piece in place of any other: a territory, or faults that each have a place inside the file."""
    start = int(at * len(SOUND[name]))
    text = SOUND[name][:start] + piece + SOUND[name][start + cut :]
    lines = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    with tempfile.TemporaryDirectory() as folder:
        (write(Path(folder)) / name).write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            load(Path(folder))
        except TerritoryError as error:
            for fault in error.faults:
                assert fault.message
                if fault.file == name:
                    assert 1 <= fault.line <= len(lines)
                    assert 1 <= fault.column <= len(lines[fault.line - 1]) + 1


@given(name=st.sampled_from(["territory.toml", "assets.csv"]), raw=st.binary(max_size=60))
def test_a_file_of_anything_is_refused(name: str, raw: bytes) -> None:
    """The two files that all others refer to."""
    with tempfile.TemporaryDirectory() as folder:
        (write(Path(folder)) / name).write_bytes(raw)
        with pytest.raises(TerritoryError):
            load(Path(folder))
