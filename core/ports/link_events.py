"""What a link tells: it came up, it went down, a message is with the broker, a message arrived."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Connected:
    epoch: int
    session_present: bool


@dataclass(frozen=True, slots=True)
class LinkFault:
    """Why there is no connection. `lasting`: it does not pass by itself, a person is needed."""

    code: str
    message: str
    hint: str = ""
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection ended, or could not be made; the link tries again by itself."""

    epoch: int
    fault: LinkFault

    @property
    def reason(self) -> str:
        return self.fault.message


@dataclass(frozen=True, slots=True)
class Published:
    """The broker has the message (PUBACK). It says nothing of the cloud."""

    epoch: int
    mid: int


@dataclass(frozen=True, slots=True)
class Arrived:
    epoch: int
    mid: int
    qos: int
    topic: str
    payload: bytes
    retain: bool
    dup: bool


LinkEvent = Connected | Disconnected | Published | Arrived
