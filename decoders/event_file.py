"""The uplinks in a file: one ChirpStack event as the broker carries it, or a recorded case with its `messages`.

For a person at a keyboard. The road reads events in `edge.sources.chirpstack`, which is stricter.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.errors import OperatorError


@dataclass(frozen=True, slots=True)
class FiledUplink:
    dev_eui: str
    f_port: int
    f_cnt: int
    time: str
    received_ms: int
    payload: bytes
    codec: str  # of the device profile's tag, "" when it has none


def read_uplinks(path: Path) -> list[FiledUplink]:
    """The uplinks of the file, in its order; other events are left out.

    Raises:
        OperatorError: `event.missing`, `event.binary`, `event.unreadable`, `event.no_uplink`.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise OperatorError("event.missing", f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise OperatorError(
            "event.unreadable", f"{path} is not JSON: {error}", hint="save the event as the broker carries it"
        ) from error
    try:
        uplinks = [_uplink(event) for event in _events(document) if "fPort" in event]
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise OperatorError(
            "event.unreadable",
            f"{path} is not an event of ChirpStack 4: {type(error).__name__} {error}",
            hint="an uplink event has time, deviceInfo, fPort and data (base64)",
        ) from error
    if not uplinks:
        raise OperatorError("event.no_uplink", f"{path} holds no uplink", hint="only `up` events carry a payload")
    return uplinks


def _events(document: Any) -> Iterator[dict[str, Any]]:
    if "messages" not in document:
        yield document
        return
    for message in document["messages"]:
        if "protobuf" in message:
            raise OperatorError(
                "event.binary",
                "the event is binary",
                hint="set `json = true` in [integration.mqtt] of the network server",
            )
        yield json.loads(message["payload"])


def _uplink(event: dict[str, Any]) -> FiledUplink:
    device = event["deviceInfo"]
    return FiledUplink(
        dev_eui=str(device["devEui"]),
        f_port=int(event["fPort"]),
        f_cnt=int(event.get("fCnt", 0)),
        time=str(event["time"]),
        received_ms=int(datetime.fromisoformat(event["time"]).timestamp() * 1000),
        payload=base64.b64decode(event.get("data", ""), validate=True),
        codec=str(device.get("tags", {}).get("codec", "")),
    )
