"""`beffroi simulate run` as far as it needs no broker."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core import duration
from core.errors import BeffroiError, ConfigError, OperatorError
from simulator.cli import app
from tests.support.scenario import EXAMPLE

START = "2026-06-21T20:00:00Z"


def run(*arguments: str, territory: Path = EXAMPLE) -> tuple[int, str, BaseException | None]:
    outcome = CliRunner().invoke(app, ["run", "--territory", str(territory), *arguments])
    return outcome.exit_code, outcome.stdout + outcome.stderr, outcome.exception


def test_a_scenario_can_be_written_to_a_file(tmp_path: Path) -> None:
    """One event a line with its topic and verbatim payload, in order; a record of truth; counts that agree."""
    out, truth = tmp_path / "events.jsonl", tmp_path / "truth" / "facts.jsonl"
    code, told, _ = run("--start", START, "--for", "10m", "--out", str(out), "--truth", str(truth), "--json")
    assert code == 0, told
    result = json.loads(told.splitlines()[-1])
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    facts = [json.loads(line) for line in truth.read_text("utf-8").splitlines()]
    assert result["version"] == 1
    assert result["events"] == len(lines) > 50
    assert sum(result["kinds"].values()) + result["duplicates"] == len(lines)
    assert sum(result["facts"].values()) == len(facts)
    assert sum(edge["published"] for edge in result["edges"].values()) == len(lines) - result["duplicates"]
    assert [line["at_ms"] for line in lines] == sorted(line["at_ms"] for line in lines)
    assert json.loads(lines[0]["payload"])["deviceInfo"]["devEui"] in lines[0]["topic"]


def test_the_same_seed_writes_the_same_file(tmp_path: Path) -> None:
    """Whenever it is run: the start decides, not the wall clock."""
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        code, told, _ = run("--start", START, "--for", "5m", "--seed", seed, "--out", str(tmp_path / name))
        assert code == 0, told
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_a_summary_for_people(tmp_path: Path) -> None:
    """Without --json: devices, events, losses, one line an edge."""
    code, told, _ = run("--start", START, "--for", "5m", "--out", str(tmp_path / "events"))
    assert code == 0
    assert "devices, seed 1, 2026-06-21T20:00:00 to 2026-06-21T20:05:00 UTC" in told
    assert "esternay" in told


@pytest.mark.parametrize(
    "arguments",
    [
        ("--start", "2100-01-01T00:00:00Z"),
        ("--start", "yesterday"),
        ("--for", "soon"),
        ("--speed", "0"),
        ("--fleet", "half"),
        ("--scenario", "dreadful"),
        ("--broker", "127.0.0.1"),
        ("--broker", "127.0.0.1:99999"),
        ("--faults", "-1"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...]) -> None:
    """Exit 2 and the option's name."""
    code, told, _ = run(*arguments)
    assert code == 2
    assert arguments[0] in told


def test_simulated_devices_stay_on_this_machine() -> None:
    """Another host's broker is refused, with what to write instead."""
    _, _, error = run("--broker", "broker.example.org:1883")
    assert isinstance(error, OperatorError)
    assert (error.code, error.exit_code) == ("simulate.not_here", 4)


def test_a_territory_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Bad settings: exit 78."""
    _, _, error = run("--out", str(tmp_path / "x"), territory=tmp_path / "nowhere")
    assert isinstance(error, BeffroiError)
    assert error.exit_code == 78


def test_a_territory_without_lamps_is_named(tmp_path: Path) -> None:
    """No device to simulate is a mistake in the settings, said with what to declare."""
    for path in EXAMPLE.iterdir():
        text = path.read_text("utf-8")
        empty = path.name in {"assignments.csv", "devices.csv"}
        (tmp_path / path.name).write_text(text.splitlines()[0] + "\n" if empty else text, "utf-8")
    _, _, error = run("--out", str(tmp_path / "x"), territory=tmp_path)
    assert isinstance(error, ConfigError)
    assert error.code == "scenario.no_devices"


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("1.5h", 5400), ("2d", 172_800), ("7", 7)])
def test_durations(text: str, seconds: float) -> None:
    """Seconds, minutes, hours, days, or plain seconds."""
    assert duration.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "-1s", "1w", "s", "1 h"])
def test_what_is_no_duration(text: str) -> None:
    """Refused with what to write."""
    with pytest.raises(ValueError, match="30s, 5m or 1h"):
        duration.seconds(text)
