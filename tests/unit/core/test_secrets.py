"""The secrets file is read by its owner alone, and nothing prints what it holds."""

import json
import traceback
from pathlib import Path

import pytest

from core.errors import ConfigError, ExitCode
from core.secrets import Secrets, load_secrets

SECRET = "s3cr3t-of-the-commune"
TEXT = f"""
[influxdb.write]
ccpvm = "ccpvm-write:{SECRET}"
operator = "operator-write:{SECRET}"

[influxdb.read]
ccpvm = "ccpvm-read:{SECRET}"

[mosquitto.edges]
remiremont = "{SECRET}"
"""


def written(tmp_path: Path, text: str | bytes = TEXT, *, mode: int = 0o600) -> Path:
    path = tmp_path / "secrets.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def refused(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_secrets(path)
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert SECRET not in shown
    assert caught.value.hint
    assert caught.value.exit_code == ExitCode.SETTINGS
    return caught.value


def test_each_use_has_its_table(tmp_path: Path) -> None:
    """Write and read credentials by database; a table that is not there is empty."""
    secrets = load_secrets(written(tmp_path))
    assert secrets.influxdb_write == {"ccpvm": f"ccpvm-write:{SECRET}", "operator": f"operator-write:{SECRET}"}
    assert secrets.influxdb_read == {"ccpvm": f"ccpvm-read:{SECRET}"}
    assert load_secrets(written(tmp_path, "[influxdb.read]\nesternay = 'a:b'\n")).influxdb_write == {}


def test_a_table_of_another_version_is_kept(tmp_path: Path) -> None:
    """What this version does not know is there for who writes the file back."""
    changed = load_secrets(written(tmp_path)).with_value(("influxdb", "read"), "esternay", "x:y")
    assert changed.tables[("mosquitto", "edges")] == {"remiremont": SECRET}
    assert changed.influxdb_read == {"ccpvm": f"ccpvm-read:{SECRET}", "esternay": "x:y"}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o620, 0o610])
def test_a_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    """Any right of group or world is refused, with the command that mends it."""
    error = refused(written(tmp_path, mode=mode))
    assert error.code == "secrets.mode"
    assert "chmod 600" in error.hint


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_its_owner_alone_is_read(tmp_path: Path, mode: int) -> None:
    assert load_secrets(written(tmp_path, mode=mode)).influxdb_read


def test_the_file_behind_a_link_counts(tmp_path: Path) -> None:
    """A link's own mode says nothing."""
    (tmp_path / "link.toml").symlink_to(written(tmp_path, mode=0o644))
    assert refused(tmp_path / "link.toml").code == "secrets.mode"


def test_no_file(tmp_path: Path) -> None:
    """The hint names the command that writes it."""
    error = refused(tmp_path / "secrets.toml")
    assert error.code == "secrets.missing"
    assert "territory apply --only influxdb" in error.hint


@pytest.mark.parametrize(
    "text",
    [
        f'[influxdb.read]\nccpvm = "{SECRET}',
        f"{SECRET}",
        f'ccpvm = "{SECRET}"',
        "[influxdb.read]\nccpvm = 12",
        f'[influxdb]\nread = ["{SECRET}"]',
        b"[influxdb.read]\nccpvm = '\xff" + SECRET.encode() + b"'",
    ],
)
def test_what_is_no_secrets_file_is_refused(tmp_path: Path, text: str | bytes) -> None:
    """Not TOML, not text, not in a table, not UTF-8: refused without quoting it."""
    assert refused(written(tmp_path, text)).code == "secrets.unreadable"


def test_a_folder_is_no_secrets_file(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "secrets.unreadable"


def test_nothing_prints_a_value(tmp_path: Path) -> None:
    """`repr`, `str`, a format and a JSON fall-back show names alone."""
    secrets = load_secrets(written(tmp_path))
    for shown in (
        repr(secrets),
        f"{secrets}",
        repr(secrets.influxdb_write),
        f"{secrets.influxdb_read}",
        json.dumps({"secrets": secrets, "read": secrets.influxdb_read}, default=str),
        repr(vars(secrets)),
    ):
        assert SECRET not in shown
        assert "ccpvm: ***" in shown
    assert repr(Secrets()) == "Secrets()"


def test_a_credential_of_systemd_is_read_though_its_mode_shows_an_acl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Handed over on tmpfs it looks readable by a group: in the folder that systemd names, and nowhere else."""
    path = written(tmp_path)
    path.chmod(0o440)
    assert refused(path).code == "secrets.mode"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load_secrets(path).influxdb_write
    path.chmod(0o444)
    assert refused(path).code == "secrets.mode"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "")
    path.chmod(0o440)
    assert refused(path).code == "secrets.mode"
