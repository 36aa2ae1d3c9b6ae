"""The MQTT topics between edge and cloud. No other module spells a topic.

beffroi/v1/{shard}/{edge}/up|receipt|health|codecs|down      shard = crc32(edge) % 16
beffroi/v1/watch/holder                                       which worker watches; retained
"""

import re
import zlib
from typing import NamedTuple

from core.errors import EnvelopeError

SHARDS = 16
UP, RECEIPT, HEALTH, CODECS, DOWN = "up", "receipt", "health", "codecs", "down"
WATCH = "beffroi/v1/watch/holder"
_LEAVES = frozenset({UP, RECEIPT, HEALTH, CODECS, DOWN})
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class EdgeTopic(NamedTuple):
    edge: str
    leaf: str


def shard(edge: str) -> int:
    """The shard (0 to 15) whose worker takes this edge's messages."""
    return zlib.crc32(edge.encode()) % SHARDS


def of_edge(edge: str, leaf: str) -> str:
    """The topic of one edge, e.g. `beffroi/v1/7/saint-ame/up`."""
    return f"beffroi/v1/{shard(edge)}/{edge}/{leaf}"


def of_check(edge: str) -> str:
    """Where `edge check` speaks to itself; nobody else subscribes to it, and `parse` refuses it."""
    return f"beffroi/v1/{shard(edge)}/{edge}/check"


def of_shard(number: int, leaf: str) -> str:
    """The filter of one leaf of all edges of a shard."""
    return f"beffroi/v1/{number}/+/{leaf}"


def parse(topic: str) -> EdgeTopic:
    """The edge and leaf of a topic.

    Raises:
        EnvelopeError: `topic.foreign` when it is not one of ours, or its shard is not the edge's.
    """
    parts = topic.split("/")
    if len(parts) == 5 and parts[:2] == ["beffroi", "v1"] and parts[4] in _LEAVES and SLUG.fullmatch(parts[3]):
        edge = parts[3]
        if parts[2] == str(shard(edge)):
            return EdgeTopic(edge, parts[4])
    raise EnvelopeError("topic.foreign", f"{topic!r} is not a topic of beffroi")
