"""Squeezed rows: the same bytes come back, in any version, and damage to one costs that one alone."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.model import RowClass
from edge.spool import NewRow, Spool, header, reader
from edge.spool import squeeze as squeeze_module
from edge.spool.squeeze import MARK, squeeze, unsqueeze
from tests.support.spools import (
    KIB,
    accept,
    is_balanced,
    killed,
    lamp_status,
    limits,
    memory_folder,
    open_spool,
    row,
    segment_files,
    unsettled_keys,
)

KEYS = [f"k{number:03d}" for number in range(40)]


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


@given(st.binary(max_size=5_000))
@example(b"")
@example(MARK)
def test_any_row_comes_back_as_it_was(stored: bytes) -> None:
    """unsqueeze ∘ squeeze gives the same bytes."""
    assert unsqueeze(squeeze(stored)) == stored


def test_the_dictionary_never_changes() -> None:
    """Rows on a disk were written with it: another one needs another number in `MARK`."""
    text = (Path(squeeze_module.__file__).parent / "dictionary-1.txt").read_bytes()
    assert (len(text), zlib.crc32(text), MARK) == (15_171, 2_612_231_182, b"\x00Z1")


def test_what_an_older_version_squeezed_is_read() -> None:
    """Fixed bytes: a change of level or library may write others, and must read these."""
    assert (
        unsqueeze(bytes.fromhex("005a31c35379830a71944d6ae035ee00"))
        == b'{"kind":"uplink","key":"up:1","battery_pct":92.0}'
    )


def test_a_lamps_status_becomes_a_quarter() -> None:
    """What the wear of a memory card rests on."""
    stored = lamp_status(1).stored
    assert len(squeeze(stored)) < len(stored) / 4


def squeezed_spool(folder: Path) -> Spool:
    return open_spool(folder, keeping=limits(squeeze=True, page_bytes=KIB))


def test_a_plain_row_that_begins_like_a_squeezed_one_comes_back(tmp_path: Path) -> None:
    """Whatever bytes a row has, squeezing on or off."""
    spool = open_spool(tmp_path)
    stored = MARK + b"not squeezed at all"
    spool.append(NewRow(RowClass.MEASUREMENT, "odd", stored, 1, row("x").clock))
    (run,) = spool.commit()
    (read,) = spool.read(run.spool_id, run.row_class, run.first, run.last, max_bytes=1)
    assert read.stored == stored
    spool.close()


def test_the_preset_may_change_between_two_starts(tmp_path: Path) -> None:
    """Each row says how it is written."""
    spool = squeezed_spool(tmp_path)
    accept(spool, *KEYS[:20], size=300)
    spool.close()
    spool = open_spool(tmp_path)
    accept(spool, *KEYS[20:], size=300)
    assert unsettled_keys(spool) == KEYS
    assert [found.key for found in reader.rows(tmp_path)] == KEYS
    spool.close()


def lines_of(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


@pytest.mark.parametrize("harm", ["flipped", "cut", "another's", "no bytes", "a wrong number"])
def test_damage_to_a_squeezed_row_costs_that_row_alone(tmp_path: Path, harm: str) -> None:
    """Found by inflating or by the checksum; its neighbours are delivered, the row is logged."""
    spool = squeezed_spool(tmp_path)
    accept(spool, *KEYS, size=300)
    spool.close()
    (path,) = segment_files(tmp_path)
    with closing(lines_of(path)) as connection:
        (written,) = connection.execute("SELECT stored FROM row WHERE seq = 11").fetchone()
        (other,) = connection.execute("SELECT stored FROM row WHERE seq = 12").fetchone()
        changed: dict[str, object] = {
            "flipped": written[:10] + bytes([written[10] ^ 0x20]) + written[11:],
            "cut": written[:-2],
            "another's": other,
            "no bytes": "text",
        }
        if harm == "a wrong number":
            connection.execute("UPDATE row SET mono_ms = 'late' WHERE seq = 11")
        else:
            connection.execute("UPDATE row SET stored = ? WHERE seq = 11", (changed[harm],))
    again = squeezed_spool(tmp_path)
    unsettled_keys(again)
    assert unsettled_keys(again) == [key for key in KEYS if key != KEYS[10]]
    assert [(e.first, e.last) for e in again.evictions()] == [(11, 11)]
    assert is_balanced(again.counters())
    assert [found.key for found in reader.rows(tmp_path)] == [key for key in KEYS if key != KEYS[10]]
    again.close()


@pytest.mark.parametrize("page", range(14))
def test_a_wiped_page_of_a_squeezed_segment_loses_its_rows_alone(tmp_path: Path, page: int) -> None:
    """Its pages are small: the first one is renewed at its own size, and the others are read."""
    keys = [f"k{number:03d}" for number in range(200)]
    spool = squeezed_spool(tmp_path)
    accept(spool, *keys, size=300)
    spool.close()
    (path,) = segment_files(tmp_path)
    content = bytearray(path.read_bytes())
    assert len(content) > 14 * KIB
    content[page * KIB : (page + 1) * KIB] = b"\xa5" * KIB
    path.write_bytes(content)
    again = squeezed_spool(tmp_path)
    unsettled_keys(again)
    kept = unsettled_keys(again)
    lost = sum(eviction.rows for eviction in again.evictions())
    root = 2  # the only page that leads to all rows
    assert len(kept) == 200 - lost
    assert lost <= 20 or page == root
    assert is_balanced(again.counters())
    assert [found.key for found in reader.rows(tmp_path)] == kept
    again.close()


def test_a_spool_that_is_read_by_nobody_else_survives_a_kill(tmp_path: Path) -> None:
    """Without memory shared with readers there is nothing on the card but rows and journal; both are found again."""
    keeping = limits(squeeze=True, page_bytes=KIB, sole=True)
    spool = open_spool(tmp_path / "a", keeping=keeping)
    for key in KEYS:
        accept(spool, key, size=300)
    assert not list(tmp_path.glob("a/*/segments/*-shm"))
    left = killed(tmp_path / "a", tmp_path / "b")
    spool.close()
    again = open_spool(left, keeping=keeping)
    assert unsettled_keys(again) == KEYS
    assert again.evictions() == []
    again.close()
    assert [found.key for found in reader.rows(left)] == KEYS


@pytest.mark.parametrize("rows", [0, 1, 40, 400])
@pytest.mark.parametrize("size", [KIB, 2 * KIB, 4 * KIB])
def test_the_size_of_its_pages_is_seen_whatever_the_header_says(tmp_path: Path, size: int, rows: int) -> None:
    """Where the first page is gone, the tables' own pages tell."""
    spool = open_spool(tmp_path, keeping=limits(page_bytes=size))
    accept(spool, "first", *(f"k{number:03d}" for number in range(rows)), size=300)
    spool.close()
    (path,) = segment_files(tmp_path)
    assert header.page_bytes(path) == size
    content = bytearray(path.read_bytes())
    content[:size] = bytes(size)
    path.write_bytes(content)
    assert header.page_bytes(path) == size
