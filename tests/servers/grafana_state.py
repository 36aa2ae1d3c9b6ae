"""What the Grafana double keeps, and how its parts answer."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Object = dict[str, Any]
NEVER = "0001-01-01T00:00:00Z"
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class Refused(Exception):  # noqa: N818 - an answer, thrown
    """An answer that is no success."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, {"message": body} if isinstance(body, str) else body


@dataclass
class Asked:
    """One request, as far as a route needs it."""

    org: "Organisation"
    user: "User"
    parts: tuple[str, ...]
    query: Mapping[str, list[str]]
    body: Any
    editable: bool

    def one(self, name: str, otherwise: str = "") -> str:
        return self.query.get(name, [otherwise])[0]


@dataclass
class User:
    id: int
    login: str
    email: str
    name: str
    password: str
    server_admin: bool = False
    disabled: bool = False
    current: int = 1


@dataclass
class Board:
    id: int
    body: Object
    folder: str
    versions: list[Object]
    created: str
    updated: str
    by: str
    maker: str


@dataclass
class Organisation:
    id: int
    name: str
    made_ms: int
    members: dict[int, str] = field(default_factory=dict)  # user → role
    sources: dict[str, Object] = field(default_factory=dict)
    source_secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    folders: dict[str, Object] = field(default_factory=dict)
    boards: dict[str, Board] = field(default_factory=dict)
    preferences: Object = field(default_factory=dict)
    playlists: dict[str, Object] = field(default_factory=dict)
    points: list[Object] = field(default_factory=list)
    templates: dict[str, Object] = field(default_factory=dict)
    mute_timings: dict[str, Object] = field(default_factory=dict)
    tree: Object = field(default_factory=dict)
    groups: dict[tuple[str, str], Object] = field(default_factory=dict)  # folder, title
    last_playlist: int = 0


Route = tuple[str, "re.Pattern[str]", Callable[[Any, Asked], Any], int]


class Routes:
    """Method and path → what answers, and with which status."""

    def __init__(self) -> None:
        self.all: list[Route] = []

    def __call__(self, method: str, path: str, status: int = 200) -> Callable[[Any], Any]:
        pattern = re.compile(re.sub(r"<\w+>", r"([^/]+)", path))

        def register(function: Callable[[Any, Asked], Any]) -> Callable[[Any, Asked], Any]:
            self.all.append((method, pattern, function, status))
            return function

        return register


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_uid(uid: str) -> None:
    if len(uid) > 40:
        raise Refused(400, "uid too long, max 40 characters")
    if not re.fullmatch(r"[a-zA-Z0-9_-]*", uid):
        raise Refused(400, "uid contains illegal characters")


def as_kept(value: Any) -> Any:
    """As the server keeps it: every number a double."""
    return json.loads(json.dumps(value), parse_int=_double_of, parse_float=_double_of)


def _double_of(text: str) -> int | float:
    """The shortest digits that give the same double, as a whole number up to 1e21."""
    number = float(text)
    return int(Decimal(repr(number))) if number.is_integer() and abs(number) < 1e21 else number


def duration(text: str) -> str:
    """As Prometheus writes it: 24h is 1d, 90m is 1h30m."""
    left = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdw])", text))
    if left == 0:
        return "0s"
    if left % _UNITS["w"] == 0:
        return f"{left // _UNITS['w']}w"
    words = ""
    for unit in ("d", "h", "m", "s", "ms"):
        if unit == "d" and left % _UNITS["d"]:
            continue
        count, left = divmod(left, _UNITS[unit])
        words += f"{count}{unit}" if count else ""
    return words


def ready(double: Any, asked: Asked) -> bool:
    return bool(double.clock() >= asked.org.made_ms + double.alertmanager_s * 1000)


def need(double: Any, asked: Asked, status: int, body: Any) -> None:
    if not ready(double, asked):
        raise Refused(status, body)
