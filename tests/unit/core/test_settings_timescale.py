"""Settings and time scales."""

from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from core import timescale
from core.errors import ConfigError
from core.settings import BrokerSettings, ServiceSettings, describe, load


class Service(ServiceSettings):
    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_nested_delimiter="__", env_prefix="BEFFROI_TEST__"
    )

    name: str = "edge"
    folder: Path = Path("here")
    broker: BrokerSettings = BrokerSettings()


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "service.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value comes from the environment, else the file, else the default, and `describe` says which."""
    path = write(tmp_path, '[broker]\nport = 1884\nusername = "u"\npassword = "secret"\n')
    monkeypatch.setenv("BEFFROI_TEST__BROKER__PORT", "1999")
    settings = load(Service, path)
    assert settings.broker.port == 1999
    shown = {one.key: one for one in describe(settings, path)}
    assert shown["broker.port"].origin == "BEFFROI_TEST__BROKER__PORT"
    assert shown["broker.username"].origin == str(path)
    assert shown["name"].origin == "default"
    assert "secret" not in repr(shown)


def test_a_misspelt_key_is_refused_with_the_right_one(tmp_path: Path) -> None:
    """`keepalive` instead of `keepalive_s`: the message names the key and the file, the hint the right word."""
    path = write(tmp_path, "[broker]\nkeepalive_ss = 3\n")
    with pytest.raises(ConfigError) as caught:
        load(Service, path)
    assert caught.value.code == "settings.invalid"
    assert "broker.keepalive_ss" in caught.value.message
    assert str(path) in caught.value.message
    assert "'keepalive_s'" in caught.value.hint


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    """Two wrong values give one error with both."""
    path = write(tmp_path, 'nam = 3\n[broker]\nport = "much"\n')
    with pytest.raises(ConfigError) as caught:
        load(Service, path)
    assert "broker.port" in caught.value.message
    assert "nam:" in caught.value.message


def test_missing_and_broken_files_are_told_apart(tmp_path: Path) -> None:
    """No file, and a file that is not TOML, each say so."""
    with pytest.raises(ConfigError) as caught:
        load(Service, tmp_path / "none.toml")
    assert caught.value.code == "settings.missing"
    with pytest.raises(ConfigError) as caught:
        load(Service, write(tmp_path, "a = = 1"))
    assert caught.value.code == "settings.syntax"


def test_nothing_anonymous_leaves_the_machine(tmp_path: Path) -> None:
    """A broker off loopback without TLS and a user is refused."""
    with pytest.raises(ConfigError) as caught:
        load(Service, write(tmp_path, '[broker]\nhost = "broker.example.org"\n'))
    assert "[broker.tls]" in caught.value.message


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """`./spool` means beside the settings file, wherever the service starts."""
    assert load(Service, write(tmp_path, 'folder = "./spool"\n')).folder == tmp_path / "spool"


def test_a_time_scale_runs_and_stops() -> None:
    """Time runs `speed` times from its anchor, never backwards and never past its end."""
    scale = timescale.TimeScale(wall_ms=1_000_000, mono_ms=500, speed=60.0, not_after_ms=1_100_000)
    assert scale.now_ms(400) == 1_000_000
    assert scale.now_ms(1_500) == 1_060_000
    assert scale.now_ms(9_000) == 1_100_000
    assert timescale.parse(timescale.render(scale)) == scale
    with pytest.raises(ConfigError):
        timescale.parse(b"{")
