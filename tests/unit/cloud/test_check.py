from pathlib import Path
from typing import Any

import pytest

from cloud.check import Finding, _folder, _territory, _try, verdict
from cloud.sqlitefile import probe_folder
from core.errors import ExitCode

EXAMPLE = Path(__file__).parents[3] / "territories" / "grand-est"


def test_bad_settings_come_before_what_is_out_of_reach() -> None:
    """78 says that waiting will not help."""
    unreachable = Finding("broker", False, "", exit_code=ExitCode.UNREACHABLE)
    invalid = Finding("territory", False, "", exit_code=ExitCode.SETTINGS)
    assert verdict([Finding("store", True, "")]) == ExitCode.DONE
    assert verdict([Finding("store", True, ""), unreachable]) == ExitCode.UNREACHABLE
    assert verdict([unreachable, invalid]) == ExitCode.SETTINGS


def test_an_invalid_territory_shows_every_fault(tmp_path: Path) -> None:
    """With file and line, as `territory check` does."""
    found = _try("territory", lambda: _territory(tmp_path))
    assert found.exit_code == ExitCode.SETTINGS
    assert "territory.toml:1:1" in found.text
    assert "assets.csv:1:1" in found.text
    assert "12 communes" in _try("territory", lambda: _territory(EXAMPLE)).text


def test_looking_at_a_folder_makes_nothing(tmp_path: Path) -> None:
    """`check` may be run by somebody else than the service."""
    found = _try("folder", lambda: _folder(tmp_path / "a" / "b"))
    assert (found.ok, found.text.endswith("will be made")) == (True, True)
    assert list(tmp_path.iterdir()) == []
    assert _try("folder", lambda: _folder(tmp_path)).ok
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in its place, a parent that is not ours, a full disk."""
    (tmp_path / "file").write_text("")
    assert _try("folder", lambda: _folder(tmp_path / "file")).exit_code == ExitCode.UNREACHABLE
    assert _try("folder", lambda: _folder(tmp_path / "file" / "below")).exit_code == ExitCode.UNREACHABLE
    real = Path.open

    def full(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == ".probe":
            raise OSError(28, "No space left on device")
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", full)
    found = _try("folder", lambda: _folder(tmp_path))
    assert (found.exit_code, "No space left" in found.text) == (ExitCode.UNREACHABLE, True)


def test_the_probe_leaves_nothing(tmp_path: Path) -> None:
    """The store's folder holds databases alone."""
    probe_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []
