"""Nothing in `cloud.watch` reads a clock or a socket but its loop; people are told by the channels of the alarms."""

import ast
from pathlib import Path

import pytest

WATCH = Path(__file__).parents[4] / "cloud" / "watch"
_CLOCKS = frozenset({"time", "core.ports.clock"})
_SOCKETS = frozenset(
    {"asyncio", "http", "paho", "select", "selectors", "smtplib", "socket", "socketserver", "ssl", "urllib.request"}
)
_PORTS = frozenset({"core.ports.control", "core.ports.mqtt"})
_TYPES = frozenset({"core.ports.control.Verb"})  # the type of an answer, nothing is asked
_NOW = frozenset({"now", "today", "utcnow"})
_COMMAND = frozenset({"alarms/cli.py", "alarms/offline.py"})  # `beffroi alarm`: a process of its own
_MAY_READ_A_CLOCK = frozenset({"loop.py", *_COMMAND})


def named(tree: ast.Module) -> set[str]:
    """Every module that is imported, and every name of one."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found - _TYPES


def reaches(names: set[str], modules: frozenset[str]) -> set[str]:
    return {name for name in names for module in modules if name == module or name.startswith(f"{module}.")}


def clocks(source: str) -> set[str]:
    """What in a module reads a clock."""
    tree = ast.parse(source)
    asked = {
        f"{node.func.value.id}.{node.func.attr}()"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"date", "datetime"}
        and node.func.attr in _NOW
    }
    return asked | reaches(named(tree), _CLOCKS)


def sockets(source: str) -> set[str]:
    """What in a module opens one."""
    return reaches(named(ast.parse(source)), _SOCKETS | _PORTS)


MODULES = sorted(path.relative_to(WATCH).as_posix() for path in WATCH.rglob("*.py"))


@pytest.mark.parametrize("module", [name for name in MODULES if name not in _MAY_READ_A_CLOCK])
def test_a_module_of_the_watch_reads_no_clock(module: str) -> None:
    """`now` is an argument, or is handed in as a function."""
    assert not clocks((WATCH / module).read_text("utf-8"))


@pytest.mark.parametrize(
    "module", [name for name in MODULES if name not in _COMMAND and not name.startswith("alarms/channels/")]
)
def test_a_module_of_the_watch_opens_no_socket(module: str) -> None:
    """Store, control socket and channels are handed to it."""
    assert not sockets((WATCH / module).read_text("utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import monotonic",
        "from datetime import datetime\nlate = datetime.now()",
        "from datetime import date\ndef f():\n    return date.today()",
        "def f():\n    from core.ports.clock import HostClock",
    ],
)
def test_a_clock_would_be_noticed(source: str) -> None:
    """However it is reached."""
    assert clocks(source)


@pytest.mark.parametrize(
    "source",
    [
        "import socket",
        "from http.client import HTTPConnection",
        "from core.ports.control import Verb, ask",
        "import ssl",
    ],
)
def test_a_socket_would_be_noticed(source: str) -> None:
    """However it is reached."""
    assert sockets(source)


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import UTC, date, datetime, time\nd = datetime.fromtimestamp(0, UTC)",
        "from core.ports.control import Verb",
        "from urllib.parse import urlsplit",
    ],
)
def test_a_time_that_is_told_is_no_clock(source: str) -> None:
    """Reckoning with times is what the watch does."""
    assert not clocks(source)
    assert not sockets(source)
