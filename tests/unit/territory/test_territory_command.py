"""`beffroi territory check`: every fault on stdout, exit 78; a summary and exit 0 when there is none."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from beffroi.territory import app
from tests.support.sound_territory import SOUND, write


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments])


def test_a_sound_territory_gives_one_line(tmp_path: Path) -> None:
    """What is declared, in numbers, and the digest that names the files."""
    answer = run(str(write(tmp_path)))
    assert answer.exit_code == 0
    assert answer.stdout.startswith(
        f"{tmp_path}: no fault. 2 tenants, 3 communes, 2 sites, 5 assets (1 cabinet, 2 lamp"
    )
    assert len(answer.stdout.splitlines()) == 1


def test_faults_are_printed_as_compilers_do(tmp_path: Path) -> None:
    """file:line:column: message [code], then the hint; the count on stderr; exit 78."""
    write(tmp_path, devices_csv=SOUND["devices.csv"].replace("stock", "spare"))
    answer = run(str(tmp_path))
    assert answer.exit_code == 78
    assert answer.stdout.splitlines() == [
        "devices.csv:4:29: state: 'spare' is not one of stock, installed, maintenance, retired [territory.enum]",
        "    hint: one of: stock, installed, maintenance, retired",
    ]
    assert answer.stderr == f"{tmp_path}: 1 fault\n"


def test_json_has_the_same(tmp_path: Path) -> None:
    """For scripts and editors."""
    assert json.loads(run(str(write(tmp_path)), "--json").stdout)["counts"]["communes"] == 3
    write(tmp_path, profiles_toml=SOUND["profiles.toml"].replace("nas_ul20xx", "nas_ul20x"))
    answer = run(str(tmp_path), "--json")
    assert answer.exit_code == 78
    (fault,) = json.loads(answer.stdout)["faults"]
    assert (fault["file"], fault["line"], fault["column"], fault["code"]) == (
        "profiles.toml",
        3,
        1,
        "territory.unknown_codec",
    )
    assert fault["hint"].startswith("did you mean nas_ul20xx")


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    """One fault, exit 78."""
    answer = run(str(tmp_path / "nowhere"))
    assert (answer.exit_code, answer.stdout.count("\n")) == (78, 2)


def test_the_example_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a clone, `beffroi territory check` checks the example."""
    monkeypatch.chdir(Path(__file__).parents[3])
    assert run().stdout.startswith("territories/grand-est: no fault. 3 tenants, 12 communes, 3 sites")
