"""Published payloads and what their source says of them: read from tests/vectors, and asked for field by field."""

import json
from pathlib import Path
from typing import Any

from decoders import registry

FOLDER = Path(__file__).parents[1] / "vectors"

Found = dict[tuple[str, str], float | str]  # (quantity, channel) → value


def vectors(name: str, direction: str = "uplink") -> list[dict[str, Any]]:
    """The vectors of one file that go one way: `uplink`, `downlink-encode`."""
    listed: list[dict[str, Any]] = json.loads((FOLDER / name).read_text("utf-8"))
    return [vector for vector in listed if vector["direction"] == direction]


def title(vector: dict[str, Any]) -> str:
    return f"{vector['fPort']}-{vector['hex'][:12]}-{vector.get('description', '')}"


def fields(vector: dict[str, Any]) -> dict[str, Any]:
    """The published fields: some sources put them below `data`."""
    expected: dict[str, Any] = vector["expected"]
    found: dict[str, Any] = expected.get("data", expected)
    return found


def found(codec: str, f_port: int, text: str) -> Found:
    """All readings of a payload by quantity and channel; none has a time of its own."""
    decoded = registry.decode(codec, f_port, bytes.fromhex(text), 0)
    assert all(one.measured_ms is None for one in decoded.readings)
    return {(one.quantity, one.channel): one.value for one in decoded.readings}


def error(codec: str, f_port: int, text: str) -> str:
    return registry.decode(codec, f_port, bytes.fromhex(text), 0).error
