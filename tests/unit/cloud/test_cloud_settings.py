from pathlib import Path

import pytest

from cloud.settings import CloudSettings
from core import settings
from core.errors import ConfigError

TOML = """
folder = "./data"
territory = "./territory"
[broker]
port = 1884
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "cloud.toml"
    path.write_text(text)
    return path


def test_the_store_lives_in_the_workers_folder_unless_told_otherwise(tmp_path: Path) -> None:
    """Paths in the file are relative to it."""
    loaded = settings.load(CloudSettings, write(tmp_path, TOML))
    assert loaded.store_folder == tmp_path / "data" / "store"
    assert loaded.shards == tuple(range(16))
    other = settings.load(CloudSettings, write(tmp_path, TOML + '[store]\nfolder = "./elsewhere"\n'))
    assert other.store_folder == tmp_path / "elsewhere"


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password never has to be in the file."""
    monkeypatch.setenv("BEFFROI_CLOUD__BROKER__PASSWORD", "hush")
    monkeypatch.setenv("BEFFROI_CLOUD__FLUSH_MS", "50")
    path = write(tmp_path, TOML)
    loaded = settings.load(CloudSettings, path)
    assert loaded.flush_ms == 50
    assert loaded.broker.password.get_secret_value() == "hush"
    shown = {line.key: line for line in settings.describe(loaded, path)}
    assert "hush" not in shown["broker.password"].value
    assert shown["broker.port"].origin == str(path)
    assert shown["flush_ms"].origin == "BEFFROI_CLOUD__FLUSH_MS"


def test_a_server_is_a_store_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its URL and its secrets; either may come from the environment."""
    text = TOML + '[store]\nkind = "influxdb"\nurl = "https://store.example.org:8086"\nsecrets = "./secrets.toml"\n'
    loaded = settings.load(CloudSettings, write(tmp_path, text))
    assert loaded.store_at == loaded.store
    assert (loaded.store.url, loaded.store.secrets) == ("https://store.example.org:8086", tmp_path / "secrets.toml")
    monkeypatch.setenv("BEFFROI_CLOUD__STORE__URL", "http://127.0.0.1:8086")
    monkeypatch.setenv("BEFFROI_CLOUD__STORE__SECRETS", "/etc/beffroi/secrets.toml")
    loaded = settings.load(CloudSettings, write(tmp_path, text))
    assert (loaded.store.url, str(loaded.store.secrets)) == ("http://127.0.0.1:8086", "/etc/beffroi/secrets.toml")
    monkeypatch.setenv("BEFFROI_CLOUD__STORE__KIND", "influxdb")
    assert settings.load(CloudSettings, write(tmp_path, TOML)).store.kind == "influxdb"


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("batch_point = 3\n", "did you mean 'batch_points'?"),
        ("shards = [1, 1]\n", ""),
        ("shards = [16]\n", ""),
        ("shards = []\n", ""),
        ('[store]\nkind = "influx"\n', ""),
        ('[store]\nkind = "influxdb"\n', ""),
        ('[store]\nurl = "http://127.0.0.1:8086"\n', ""),
        ('[store]\nkind = "influxdb"\nurl = "http://127.0.0.1:8086"\nfolder = "./store"\n', ""),
        ('[store]\nkind = "influxdb"\nurl = "http://store.example.org:8086"\n', ""),
        ('[store]\nkind = "influxdb"\nurl = "https://me:hush@store.example.org"\n', ""),
        ('[store]\nkind = "influxdb"\nurl = "store.example.org"\n', ""),
    ],
)
def test_bad_settings_stop_the_start(tmp_path: Path, wrong: str, hint: str) -> None:
    """A misspelt key, a shard that does not exist or twice the same: exit 78, with the key that was meant."""
    with pytest.raises(ConfigError) as caught:
        settings.load(CloudSettings, write(tmp_path, wrong + TOML if "[" not in wrong[:1] else TOML + wrong))
    assert caught.value.code == "settings.invalid"
    assert caught.value.hint == hint
