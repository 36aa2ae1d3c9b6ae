"""Squeezed rows: the same bytes come back, in any version, and damage to one costs that one alone."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.model import Reading, Reception, RowClass, Uplink, encode_row
from edge.spool import NewRow, Spool, reader
from edge.spool import squeeze as squeeze_module
from edge.spool.squeeze import MARK, squeeze, unsqueeze
from tests.support.spools import (
    accept,
    is_balanced,
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


def test_a_lamps_status_becomes_a_fifth() -> None:
    """What the wear of a memory card rests on."""
    readings = [Reading(f"{name}_24h", "clear") for name in ("voltage_alert", "lamp_alert", "power_alert")]
    readings += [
        Reading(name, "no", "dali_7")
        for name in ("limit_error", "fade_running", "driver_reset", "short_address_missing", "driver_power_failure")
    ]
    uplink = Uplink(
        key="up:70b3d5499010a1b2:7e3a4f60-8d1c-4b2e-9a55-0c6f7d8e9f10",
        received_ms=1_771_234_567_890,
        application="7c1f0c52-3c1b-4d57-9a39-2f3f5d9d8a01",
        dev_eui="70b3d5499010a1b2",
        device_name="88487-lamp-0032",
        profile="nas-ul20xx",
        f_port=23,
        f_cnt=73_634,
        payload=bytes(range(24)),
        receptions=(Reception("7076ff0056070a13", -98, 13.5, 5), Reception("7076ff0056070a14", -118, -3.0, 5)),
        codec="nas_ul20xx@1.1",
        domain="light",
        readings=tuple(readings),
    )
    stored = encode_row(uplink)
    assert len(squeeze(stored)) < len(stored) / 4


def squeezed_spool(folder: Path) -> Spool:
    return open_spool(folder, keeping=limits(squeeze=True))


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
