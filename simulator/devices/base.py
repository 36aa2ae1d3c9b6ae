"""What a simulated device says: a life is an endless, ordered stream of these. It knows nothing of radio or network."""

from collections.abc import Iterator
from typing import Protocol

import msgspec


class Join(msgspec.Struct, frozen=True, gc=False):
    """The device asks the network for a session (OTAA), e.g. after a power cut."""

    at_ms: int


class Frame(msgspec.Struct, frozen=True, gc=False):
    """The device starts to send a data frame."""

    at_ms: int
    f_port: int
    payload: bytes


class Fact(msgspec.Struct, frozen=True):
    """What really happened, for the record of truth; nobody hears it. `detail`: flat, JSON values."""

    at_ms: int
    fact: str
    detail: dict[str, str | int | float]


Act = Join | Frame | Fact


class Device(Protocol):
    """`joined`: it has a session when the scenario begins.

    `battery`: what it answers to the network that asks, LoRaWAN's DevStatusAns: 0 on the mains, 1 to 254 (full).
    """

    @property
    def joined(self) -> bool: ...

    @property
    def battery(self) -> int: ...

    def life(self) -> Iterator[Act]:
        """What it does, in order of time, from the scenario's start on."""
        ...
