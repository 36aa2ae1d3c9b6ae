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


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("batch_point = 3\n", "did you mean 'batch_points'?"),
        ("shards = [1, 1]\n", ""),
        ("shards = [16]\n", ""),
        ("shards = []\n", ""),
        ('[store]\nkind = "influx"\n', ""),
    ],
)
def test_bad_settings_stop_the_start(tmp_path: Path, wrong: str, hint: str) -> None:
    """A misspelt key, a shard that does not exist or twice the same: exit 78, with the key that was meant."""
    with pytest.raises(ConfigError) as caught:
        settings.load(CloudSettings, write(tmp_path, wrong + TOML if "[" not in wrong[:1] else TOML + wrong))
    assert caught.value.code == "settings.invalid"
    assert caught.value.hint == hint
