"""Settings of the agent: what is refused, what a preset means, what is shown."""

from pathlib import Path

import pytest

from core import settings
from core.errors import ConfigError
from edge.settings import EdgeSettings

APPLICATION = "47cb9893-ab3e-4f92-806f-41c485cc6835"


def load(folder: Path, *, root: str = "", source: str = "", rest: str = "") -> EdgeSettings:
    path = folder / "edge.toml"
    head = f'edge = "saint-ame"\nfolder = "{folder}"\n{root}\n'
    path.write_text(head + f'[source]\napplications = ["{APPLICATION}"]\n{source}\n{rest}\n')
    return settings.load(EdgeSettings, path)


def test_little_is_required(tmp_path: Path) -> None:
    """Edge, folder and applications; the rest has defaults."""
    loaded = load(tmp_path)
    assert loaded.source.window == 20
    assert loaded.spool.linger_ms == 250
    assert loaded.clock_wait_s == 600


def test_the_sd_preset_lingers_for_30_s_unless_told_otherwise(tmp_path: Path) -> None:
    """It spares a memory card; a linger that is written wins."""
    assert load(tmp_path, rest='[spool]\npreset = "sd"').spool.linger_ms == 30_000
    assert load(tmp_path, rest='[spool]\npreset = "sd"\nlinger_ms = 1000').spool.linger_ms == 1_000


def test_a_misspelt_key_is_refused_with_the_key_that_was_meant(tmp_path: Path) -> None:
    """The person who wrote it gets the file, the key and a hint; exit code 78."""
    with pytest.raises(ConfigError, match=r"spool\.linger") as caught:
        load(tmp_path, rest="[spool]\nlingerms = 3")
    assert caught.value.hint == "did you mean 'linger_ms'?"
    assert caught.value.exit_code == 78


@pytest.mark.parametrize(
    ("root", "source"),
    [
        ("health_s = 0", ""),
        ("", "window = 0"),
        ("", 'broker = { host = "broker.example.org" }'),
        ("spool = { quota_mib = 0 }", ""),
    ],
)
def test_values_that_make_no_sense_are_refused(tmp_path: Path, root: str, source: str) -> None:
    """Also a broker off this machine without TLS and a user."""
    with pytest.raises(ConfigError):
        load(tmp_path, root=root, source=source)


@pytest.mark.parametrize("edge", ["Saint-Amé", "a/b", "", "+"])
def test_an_edge_id_fits_into_a_topic(tmp_path: Path, edge: str) -> None:
    """Anything but a slug would be another topic."""
    path = tmp_path / "edge.toml"
    path.write_text(f'edge = "{edge}"\nfolder = "{tmp_path}"\nsource = {{ applications = ["{APPLICATION}"] }}\n')
    with pytest.raises(ConfigError, match="edge"):
        settings.load(EdgeSettings, path)


def test_applications_are_uuids_in_lower_case(tmp_path: Path) -> None:
    """A wildcard would subscribe to other sites' applications; capitals are the same application."""
    path = tmp_path / "edge.toml"
    start = f'edge = "e"\nfolder = "{tmp_path}"\nsource = '
    for wrong in ("+", "#", "47cb9893"):
        path.write_text(start + f'{{ applications = ["{wrong}"] }}\n')
        with pytest.raises(ConfigError, match="applications"):
            settings.load(EdgeSettings, path)
    path.write_text(start + f'{{ applications = ["{APPLICATION.upper()}"] }}\n')
    assert settings.load(EdgeSettings, path).source.applications == (APPLICATION,)


def test_the_environment_wins_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` says where each value came from, and never shows a password."""
    monkeypatch.setenv("BEFFROI_EDGE__BROKER__PASSWORD", "hush")
    monkeypatch.setenv("BEFFROI_EDGE__SOURCE__WINDOW", "1000")
    loaded = load(tmp_path, rest="[broker]\nport = 1884")
    shown = {s.key: s for s in settings.describe(loaded, tmp_path / "edge.toml")}
    assert loaded.source.window == 1000
    assert shown["source.window"].origin == "BEFFROI_EDGE__SOURCE__WINDOW"
    assert shown["broker.port"].origin.endswith("edge.toml")
    assert shown["health_s"].origin == "default"
    assert "hush" not in str(shown)
