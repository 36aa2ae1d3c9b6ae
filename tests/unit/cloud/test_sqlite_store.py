"""The SQLite store's files: who may open them, what breaks them, and what stays whole when they break."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.stores.base import Point
from cloud.stores.sqlite import SqliteStore
from cloud.stores.sqlite.layout import LAYOUT, MAX_FIELDS
from core.errors import NotConnected, StorageError

T0 = 1_700_000_000_000_000
LAMP = {"commune": "88383", "asset": "lamp-1", "device": "00000000000000a1"}


def point(n: int, **fields: float | str) -> Point:
    return Point("light", LAMP, T0 + n, dict(fields) or {"power_w": float(n)})


def times(store: SqliteStore, database: str = "ccpvm") -> list[int]:
    return [found.time_us - T0 for found in store.series(database, "light", start_us=0, end_us=2**62)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore.open(tmp_path)
    yield opened
    opened.close()


def test_a_tenant_is_a_file(store: SqliteStore, tmp_path: Path) -> None:
    """Whose name is its database; other files in the folder are none of ours."""
    store.write("ccpvm", [point(1)])
    store.write("operator", [point(1)])
    (tmp_path / "Notes.sqlite").write_text("")
    (tmp_path / "notes.txt").write_text("")
    assert {"ccpvm.sqlite", "operator.sqlite"} <= {path.name for path in tmp_path.iterdir()}
    assert store.databases() == ["ccpvm", "operator"]


def test_a_commit_is_on_the_disk(store: SqliteStore) -> None:
    """WAL, and every commit synced: `synchronous = FULL`."""
    store.write("ccpvm", [point(1)])
    connection = store._writers["ccpvm"].connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_reader_may_come_first_and_sees_files_and_fields_appear(tmp_path: Path) -> None:
    """It makes nothing, and reads what is committed at each call."""
    reader = SqliteStore.open(tmp_path / "store", read_only=True)
    assert (reader.databases(), reader.latest("ccpvm", "light"), reader.count("ccpvm", "light")) == ([], [], 0)
    assert not (tmp_path / "store").exists()
    writer = SqliteStore.open(tmp_path / "store")
    writer.write("ccpvm", [point(1)])
    assert reader.latest("ccpvm", "light") == [point(1)]
    writer.write("ccpvm", [point(2, level_pct=5.0)])
    assert reader.latest("ccpvm", "light") == [point(2, level_pct=5.0, power_w=1.0)]
    writer.close()
    assert times(reader) == [1, 2]
    reader.close()


def test_a_reader_never_writes(store: SqliteStore, tmp_path: Path) -> None:
    """Neither by write nor by delete, and its connection could not either."""
    store.write("ccpvm", [point(1)])
    reader = SqliteStore.open(tmp_path, read_only=True)
    with pytest.raises(StorageError) as caught:
        reader.write("ccpvm", [point(2)])
    assert caught.value.code == "store.read_only"
    with pytest.raises(StorageError):
        reader.delete_range("ccpvm", "light", start_us=0, end_us=2**62, where={})
    with reader._connection("ccpvm") as connection:
        assert connection is not None
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM light")
    assert times(store) == [1]


def test_a_file_that_is_just_being_made_is_empty(tmp_path: Path) -> None:
    """Between its creation and its first commit."""
    (tmp_path / "ccpvm.sqlite").touch()
    assert SqliteStore.open(tmp_path, read_only=True).latest("ccpvm", "light") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_another_user_reads_a_store_at_rest(tmp_path: Path) -> None:
    """Who may not write in the folder reads it all the same, whether a worker is at work or not."""
    folder = tmp_path / "store"
    writer = SqliteStore.open(folder)
    writer.write("ccpvm", [point(1)])
    for parent in (folder, *folder.parents):
        if parent.name.startswith(("pytest-", "popen-")) or parent.is_relative_to(tmp_path):
            parent.chmod(0o755)
    script = (
        "import os, sys; from pathlib import Path; from cloud.stores.sqlite import SqliteStore\n"
        "os.setgid(65534); os.setuid(65534)\n"
        f"print(SqliteStore.open(Path({str(folder)!r}), read_only=True).count('ccpvm', 'light'))"
    )

    def count() -> str:
        command = [sys.executable, "-c", script]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert count() == "1"
    writer.close()
    assert count() == "1"


def test_a_newer_layout_is_refused(store: SqliteStore, tmp_path: Path) -> None:
    """Neither read nor written, with the way out; the neighbour goes on."""
    store.write("ccpvm", [point(1)])
    store.close()
    with sqlite3.connect(tmp_path / "ccpvm.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {LAYOUT.version + 1}")
    connection.close()
    for attempt in (lambda: store.write("ccpvm", [point(2)]), lambda: store.latest("ccpvm", "light")):
        with pytest.raises(StorageError) as caught:
            attempt()
        assert caught.value.code == "store.newer"
        assert "upgrade" in caught.value.hint
    store.write("esternay", [point(1)])


def test_a_foreign_file_is_left_alone(store: SqliteStore, tmp_path: Path) -> None:
    """A SQLite file of another program is not ours to write into."""
    with sqlite3.connect(tmp_path / "ccpvm.sqlite") as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()
    before = (tmp_path / "ccpvm.sqlite").read_bytes()
    with pytest.raises(StorageError) as caught:
        store.write("ccpvm", [point(1)])
    assert caught.value.code == "store.foreign"
    assert (tmp_path / "ccpvm.sqlite").read_bytes() == before


def test_one_refusing_database_leaves_the_others(store: SqliteStore, tmp_path: Path) -> None:
    """A file that cannot be opened refuses alone; it takes writes again when it is mended."""
    (tmp_path / "ccpvm.sqlite").mkdir()
    for _ in range(2):
        with pytest.raises(StorageError) as caught:
            store.write("ccpvm", [point(1)])
        assert caught.value.code == "store.cannot_open"
        assert store.write("esternay", [point(1)]) == []
    (tmp_path / "ccpvm.sqlite").rmdir()
    store.write("ccpvm", [point(1)])
    assert times(store) == [1]


def test_garbage_is_corrupt_and_says_so(store: SqliteStore, tmp_path: Path) -> None:
    """For the writer as for a reader."""
    (tmp_path / "ccpvm.sqlite").write_bytes(b"garbage" * 1000)
    for attempt in (lambda: store.write("ccpvm", [point(1)]), lambda: store.latest("ccpvm", "light")):
        with pytest.raises(StorageError) as caught:
            attempt()
        assert caught.value.code == "store.corrupt"


def test_a_full_disk_refuses_the_write_whole(store: SqliteStore) -> None:
    """Nothing of the write is there, all from before is, and it goes on when there is room."""
    store.write("ccpvm", [point(1)])
    connection = store._writers["ccpvm"].connection
    connection.execute("PRAGMA max_page_count = 24")
    with pytest.raises(StorageError) as caught:
        store.write("ccpvm", [point(n, note="x" * 50_000) for n in range(2, 10)])
    assert caught.value.code == "store.disk_full"
    assert times(store) == [1]
    assert store.write("ccpvm", [point(2, note="x" * 50_000)]) == []  # opened anew: the limit is gone
    assert times(store) == [1, 2]


def test_what_failed_is_forgotten(store: SqliteStore) -> None:
    """Fields and series of a write that was rolled back are made again by the next one."""
    store.write("ccpvm", [point(1)])
    store._writers["ccpvm"].connection.execute("PRAGMA max_page_count = 24")
    other = Point(
        "bin", {"device": "00000000000000b1"}, T0, {"fill_pct": 1.0, "note": "x" * 60_000, "more": "x" * 60_000}
    )
    with pytest.raises(StorageError):
        store.write("ccpvm", [other, point(2, note="x" * 60_000)])
    assert store.write("ccpvm", [other]) == []
    assert store.latest("ccpvm", "bin") == [other]


@pytest.mark.parametrize("replacement", [None, b""])
def test_a_file_replaced_under_the_worker_is_noticed(
    store: SqliteStore, tmp_path: Path, replacement: bytes | None
) -> None:
    """What would be written to an unlinked file is refused, never acknowledged; then the new file is used."""
    store.write("ccpvm", [point(1)])
    for path in tmp_path.iterdir():
        path.unlink()
    if replacement is not None:
        (tmp_path / "ccpvm.sqlite").write_bytes(replacement)
    with pytest.raises(StorageError) as caught:
        store.write("ccpvm", [point(2)])
    assert caught.value.code == "store.replaced"
    store.write("ccpvm", [point(3)])
    assert times(SqliteStore.open(tmp_path, read_only=True)) == [3]


def test_fields_of_a_measurement_are_bounded(store: SqliteStore) -> None:
    """A measurement cannot grow without end."""
    many = {f"f{n}": 1.0 for n in range(MAX_FIELDS)}
    assert store.write("ccpvm", [point(1, **many)]) == []
    (rejected,) = store.write("ccpvm", [point(2, one_more=1.0), point(3, f0=2.0)])
    assert (rejected.index, rejected.code) == (0, "point.fields")
    assert times(store) == [1, 3]


def test_a_series_id_that_was_deleted_is_not_used_again(store: SqliteStore) -> None:
    """A writer that knew the series makes it anew."""
    store.write("ccpvm", [point(1)])
    store.delete_range("ccpvm", "light", start_us=0, end_us=2**62, where={})
    store.write("ccpvm", [Point("light", {"device": "00000000000000a2"}, T0, {"power_w": 1.0})])
    store.write("ccpvm", [point(2)])
    assert [found.tags["device"][-1] for found in store.latest("ccpvm", "light")] == ["1", "2"]
    assert len(store.series("ccpvm", "light", start_us=0, end_us=2**62)) == 2


def test_a_folder_that_cannot_be_made_is_the_store_down(tmp_path: Path) -> None:
    """The whole store is away: try again later."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NotConnected) as caught:
        SqliteStore.open(tmp_path / "file" / "store")
    assert caught.value.code == "store.folder"


def own(key: str, time_us: int = T0, **fields: float | str | bool) -> Point:
    return Point("event", LAMP, time_us, {"key": key, **fields})


def events(store: SqliteStore) -> list[Point]:
    return store.series("ccpvm", "event", start_us=0, end_us=2**62)


def test_of_two_keys_at_one_time_one_is_refused(store: SqliteStore) -> None:
    """What came first stays whole, also where it comes again after the other in the same write."""
    store.write("ccpvm", [own("a", detail="first")])
    (rejected,) = store.write("ccpvm", [own("b", detail="second"), own("a", detail="again"), own("c", T0 + 1)])
    assert (rejected.index, rejected.code) == (0, "identity.collision")
    assert events(store) == [own("a", detail="again"), own("c", T0 + 1)]
    assert store.latest("ccpvm", "event") == [own("c", T0 + 1, detail="again")]


def test_a_point_without_a_key_merges_into_one_with(store: SqliteStore) -> None:
    """And becomes somebody's own with the first key that it is given."""
    store.write("ccpvm", [own("a")])
    assert store.write("ccpvm", [Point("event", LAMP, T0, {"detail": "late"})]) == []
    assert events(store) == [own("a", detail="late")]
    store.write("ccpvm", [Point("event", LAMP, T0 + 1, {"detail": "early"})])
    assert store.write("ccpvm", [own("b", T0 + 1)]) == []
    assert len(events(store)) == 2
