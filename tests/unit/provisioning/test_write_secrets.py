"""The secrets file is written whole, private from its first byte, by one writer at a time."""

import os
import stat
from pathlib import Path

import pytest

from core.errors import ConfigError, OperatorError, StorageError
from core.secrets import Secrets, load_secrets
from provisioning import secrets as module
from provisioning.secrets import render, sole_writer, write_secrets

SECRETS = Secrets(
    {
        ("influxdb", "write"): {"ccpvm": "ccpvm-write:a", "operator": "operator-write:b"},
        ("influxdb", "read"): {"ccpvm": "ccpvm-read:c"},
        ("other", "with space"): {"clé": 'quote " backslash \\ tab \t bell \x07 delete \x7f é 🔑'},
    }
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_what_is_written_is_read_back(tmp_path: Path, umask: int) -> None:
    """Every table and character comes back, at mode 0600 under any umask."""
    path = tmp_path / "secrets.toml"
    old = os.umask(umask)
    try:
        write_secrets(path, SECRETS)
    finally:
        os.umask(old)
    assert mode(path) == 0o600
    assert load_secrets(path) == SECRETS
    assert [entry.name for entry in tmp_path.iterdir()] == ["secrets.toml"]


def test_it_is_private_before_it_holds_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the moment of the rename, and of the first byte, nobody else could open it."""
    seen: list[int] = []
    monkeypatch.setattr(
        module, "render", lambda secrets: seen.append(mode(tmp_path / ".s.toml.new")) or render(secrets)
    )
    old = os.umask(0o000)
    try:
        write_secrets(tmp_path / "s.toml", SECRETS)
    finally:
        os.umask(old)
    assert seen == [0o600]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, or a folder that is not there, is a fault with a hint; the old secrets still stand."""
    path = tmp_path / "secrets.toml"
    write_secrets(path, SECRETS)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(StorageError) as caught:
        write_secrets(path, Secrets())
    assert (caught.value.code, bool(caught.value.hint)) == ("secrets.not_written", True)
    assert load_secrets(path) == SECRETS
    with pytest.raises(StorageError):
        write_secrets(tmp_path / "nowhere" / "secrets.toml", SECRETS)


def test_what_a_killed_run_left_is_in_nobodys_way(tmp_path: Path) -> None:
    """A half-written file beside it is replaced, and its mode is not inherited."""
    left = tmp_path / ".secrets.toml.new"
    left.write_text("[influx")
    left.chmod(0o644)
    write_secrets(tmp_path / "secrets.toml", SECRETS)
    assert not left.exists()
    assert mode(tmp_path / "secrets.toml") == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """The file behind it is replaced."""
    (tmp_path / "real").mkdir()
    link = tmp_path / "secrets.toml"
    link.symlink_to(tmp_path / "real" / "secrets.toml")
    write_secrets(link, SECRETS)
    assert link.is_symlink()
    assert load_secrets(link) == SECRETS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_stays(tmp_path: Path) -> None:
    """A service's own file, written anew by root, can still be read by the service."""
    path = tmp_path / "secrets.toml"
    write_secrets(path, SECRETS)
    os.chown(path, 65534, 65534)
    write_secrets(path, Secrets())
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (65534, 65534, 0o600)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """A second apply on the same file is told so; after the first it may go on."""
    path = tmp_path / "secrets.toml"
    with sole_writer(path), pytest.raises(OperatorError) as caught, sole_writer(path):
        pass
    assert caught.value.code == "secrets.busy"
    with sole_writer(path):
        pass
    with pytest.raises(ConfigError), sole_writer(tmp_path / "nowhere" / "secrets.toml"):
        pass
