"""Events recorded from a real ChirpStack, as they came over the broker."""

import base64
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "chirpstack-events"


@dataclass(frozen=True)
class Recorded:
    case: str  # name of its file, without .json
    topic: str
    body: bytes
    binary: bool

    @property
    def kind(self) -> str:
        return self.topic.rpartition("/")[2]

    @property
    def application(self) -> str:
        return self.topic.split("/")[1]

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@lru_cache(maxsize=1)
def all_events() -> tuple[Recorded, ...]:
    """Every message of every case, in order."""
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        for message in json.loads(path.read_text("utf-8"))["messages"]:
            binary = "protobuf" in message
            body = base64.b64decode(message["protobuf"]) if binary else message["payload"].encode()
            found.append(Recorded(path.stem, message["topic"], body, binary))
    return tuple(found)


def json_events(kind: str = "") -> list[Recorded]:
    """The JSON ones, of one event type or of all."""
    return [one for one in all_events() if not one.binary and kind in ("", one.kind)]


def first(case: str, kind: str = "up") -> Recorded:
    """The first event of a type in a case."""
    return next(one for one in all_events() if (one.case, one.kind) == (case, kind))
