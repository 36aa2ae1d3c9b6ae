"""Settings of the page: flags over environment over file, and nothing off this machine unless it is said."""

from pathlib import Path

import pytest

from cloud.page.settings import read
from core.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "page.toml"
    path.write_text('territory = "./land"\nport = 8091\n[store]\nfolder = "./store"\n[clock]\nfile = "./clock.json"\n')
    return path


def test_the_file_gives_folders_relative_to_itself(file: Path) -> None:
    """The page may be started in any folder; loopback and port 8090 are what nobody has to write."""
    settings = read(file, {})
    assert settings.store.folder == file.parent / "store"
    assert settings.territory == file.parent / "land"
    assert settings.clock.file == file.parent / "clock.json"
    assert (settings.host, settings.port, settings.public) == ("127.0.0.1", 8091, False)


def test_a_flag_wins_over_the_environment_which_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearer to the person, the stronger."""
    monkeypatch.setenv("BEFFROI_PAGE__PORT", "8092")
    assert read(file, {}).port == 8092
    assert read(file, {"port": 8093}).port == 8093


def test_flags_alone_are_enough(tmp_path: Path) -> None:
    """`--store` and `--territory` need no file."""
    settings = read(None, {"store": {"folder": tmp_path}, "territory": tmp_path})
    assert settings.store.folder == tmp_path
    assert settings.port == 8090


def test_a_page_for_others_must_be_asked_for(file: Path) -> None:
    """Off loopback the page refuses to start, and says which setting allows it."""
    with pytest.raises(ConfigError, match=r"0\.0\.0\.0 is not this machine: set public = true"):
        read(file, {"host": "0.0.0.0"})
    assert read(file, {"host": "0.0.0.0", "public": True}).host == "0.0.0.0"


def test_a_misspelt_key_names_the_one_that_was_meant(tmp_path: Path) -> None:
    """Unknown keys are refused."""
    path = tmp_path / "page.toml"
    path.write_text('teritory = "./land"\n[store]\nfolder = "./store"\n')
    with pytest.raises(ConfigError) as refused:
        read(path, {})
    assert refused.value.hint == "did you mean 'territory'?"


def test_what_is_missing_is_named() -> None:
    """Without a store and a territory there is nothing to show."""
    with pytest.raises(ConfigError, match=r"store: this key is required; .*territory: this key is required"):
        read(None, {})


def test_one_tenant_and_the_operators_view_are_asked_for(file: Path) -> None:
    """Neither is there by itself."""
    assert (read(file, {}).tenant, read(file, {}).operator) == (None, False)
    chosen = read(file, {"tenant": "esternay", "operator": True})
    assert (chosen.tenant, chosen.operator) == ("esternay", True)


def test_the_store_is_a_folder_or_a_server(tmp_path: Path) -> None:
    """One of them is needed."""
    path = tmp_path / "page.toml"
    path.write_text('territory = "./land"\n[store]\n')
    with pytest.raises(ConfigError, match="folder is required"):
        read(path, {})
    path.write_text('territory = "./land"\n[store]\nkind = "influxdb"\nurl = "http://127.0.0.1:8086"\n')
    assert read(path, {}).store.url == "http://127.0.0.1:8086"
