import os
from pathlib import Path

import pytest

from cloud.territory_watch import TerritoryWatch
from core.errors import ConfigError
from core.territory import Operator, Territory


def read(folder: Path) -> Territory:
    """A territory whose digest is the text of its file; `bad` is a fault."""
    text = (folder / "territory.toml").read_text()
    if text == "bad":
        raise ConfigError("territory.invalid", "territory.toml:1:1: bad")
    return Territory(operator=Operator("us", "Us"), digest=text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path, "one")
    return tmp_path


def started(folder: Path) -> TerritoryWatch:
    watch = TerritoryWatch(folder, read=read)
    assert watch.read_first().digest == "one"
    return watch


def put(folder: Path, text: str) -> None:
    file = folder / "territory.toml"
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(text)
    os.utime(file, ns=(before + 1_000_000, before + 1_000_000))  # coarse file systems may give two writes one time


def test_a_change_is_told_once_when_the_files_are_left_alone(folder: Path) -> None:
    """Two looks find the same files before they are read: an edit is rarely one write."""
    watch = started(folder)
    assert watch.look() is None
    put(folder, "two")
    assert watch.look() is None
    put(folder, "three")
    assert watch.look() is None
    told = watch.look()
    assert isinstance(told, Territory)
    assert told.digest == "three"
    assert watch.look() is None


def test_touched_files_with_the_same_content_are_no_news(folder: Path) -> None:
    """git may rewrite a file without changing it."""
    watch = started(folder)
    put(folder, "one")
    assert [watch.look(), watch.look()] == [None, None]


def test_faults_are_told_once_and_the_old_files_put_back_are_news(folder: Path) -> None:
    """What began an alarm is ended by the next valid state, even the one in force."""
    watch = started(folder)
    put(folder, "bad")
    assert watch.look() is None
    assert isinstance(watch.look(), ConfigError)
    assert watch.look() is None
    put(folder, "one")
    assert watch.look() is None
    told = watch.look()
    assert isinstance(told, Territory)
    assert told.digest == "one"


def test_a_reload_does_not_wait(folder: Path) -> None:
    """`cloud assign` has replaced the file at once: it is read at once."""
    watch = started(folder)
    put(folder, "two")
    told = watch.read_now()
    assert isinstance(told, Territory)
    assert watch.read_now() is None
    assert watch.look() is None


def test_what_changes_while_it_is_first_read_is_news(folder: Path) -> None:
    """The files are stamped before they are read."""

    def slow(path: Path) -> Territory:
        territory = read(path)
        if territory.digest == "one":
            put(path, "two")
        return territory

    watch = TerritoryWatch(folder, read=slow)
    assert watch.read_first().digest == "one"
    watch.look()
    told = watch.look()
    assert isinstance(told, Territory)
    assert told.digest == "two"


def test_a_worker_does_not_start_with_faults(folder: Path) -> None:
    """There is no old territory to keep."""
    put(folder, "bad")
    with pytest.raises(ConfigError):
        TerritoryWatch(folder, read=read).read_first()
