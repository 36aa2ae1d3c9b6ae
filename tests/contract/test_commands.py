"""Every command of `beffroi` answers `--help`, is documented, and is cheap to list."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from beffroi.cli import COMMANDS

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "beffroi", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_help_lists_every_command_and_imports_none() -> None:
    """`beffroi --help` names each command without importing the packages behind them."""
    asked = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv = ['beffroi', '--help']\n"
            "from beffroi.cli import main\n"
            "try: main()\n"
            "except SystemExit: pass\n"
            "print(sorted({m.split('.')[0] for m in sys.modules} & "
            "{'pydantic', 'paho', 'nicegui', 'structlog', 'edge', 'cloud', 'simulator', 'decoders'}))",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    for name in COMMANDS:
        assert f"  {name}" in asked.stdout
    assert asked.stdout.rstrip().endswith("[]")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    """`beffroi <command> --help` answers with its own text and exit code 0."""
    answer = run(name, "--help")
    assert answer.returncode == 0, answer.stderr
    assert f"beffroi {name}" in answer.stdout


def leaves(name: str) -> list[str]:
    """The full names of a command's own commands, or the command itself when it has none."""
    import importlib

    module, attribute = COMMANDS[name][0].split(":")
    command = typer.main.get_command(getattr(importlib.import_module(module), attribute))
    below = getattr(command, "commands", None)
    return [f"{name} {sub}" for sub in below] if below else [name]


def test_every_command_is_documented() -> None:
    """Each command and subcommand stands in a README or the CHANGELOG, word for word."""
    written = "\n".join(
        page.read_text("utf-8")
        for page in [*ROOT.glob("*.md"), *ROOT.glob("*/**/README.md")]
        if not any(part.startswith(".") for part in page.relative_to(ROOT).parts)
    )
    missing = [command for name in COMMANDS for command in leaves(name) if not documented(command, written)]
    assert missing == []


def documented(command: str, written: str) -> bool:
    """`edge run|check|status` documents each of its words."""
    name, _, sub = command.partition(" ")
    if not sub:
        return f"beffroi {name}" in written
    return any(
        sub in words.split("|")
        for line in written.splitlines()
        if f"beffroi {name} " in line
        for part in line.split(f"beffroi {name} ")[1:]
        for words in [part.split()[0].strip("`.,:;)")]
    )


def test_a_wrong_command_is_a_usage_error() -> None:
    """A command that does not exist is exit code 2, on stderr."""
    answer = run("nonsense")
    assert answer.returncode == 2
    assert answer.stdout == ""
