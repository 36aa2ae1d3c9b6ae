"""Every error beffroi raises, named by what the caller must do.

BeffroiError
├── ConfigError      stop at start; the person who wrote the settings must mend them
├── UnreadableError  quarantine, never retry
│   ├── DecodeError      a payload its codec cannot read
│   └── EnvelopeError    a message whose envelope cannot be read
├── LinkError        try again
│   ├── NotConnected
│   └── Throttled        after `wait_s`
├── RejectedError    keep the evidence, go on
├── StorageError     the disk, not the data
│   ├── SpoolFull
│   └── SpoolCorrupt
└── OperatorError    a technician can fix it
"""

from enum import IntEnum
from typing import Final

import msgspec

# What msgspec raises at bytes from outside: malformed, of another shape, no UTF-8, or nested too deep to be read.
UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class ExitCode(IntEnum):
    """What a command answers to the shell."""

    DONE = 0
    BUG = 1
    USAGE = 2
    PARTLY = 3
    REFUSED = 4
    UNREACHABLE = 5
    CHANGES = 6
    SETTINGS = 78


class BeffroiError(Exception):
    """Root of beffroi's errors.

    Args:
        code: stable dotted name (`decode.too_short`), the same in logs, rows and JSON.
        message: one sentence that says what was seen.
        hint: one sentence that says what to do next; may be empty.
    """

    exit_code = ExitCode.BUG

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class ConfigError(BeffroiError):
    exit_code = ExitCode.SETTINGS


class UnreadableError(BeffroiError):
    exit_code = ExitCode.REFUSED


class DecodeError(UnreadableError):
    pass


class EnvelopeError(UnreadableError):
    pass


class LinkError(BeffroiError):
    exit_code = ExitCode.UNREACHABLE


class NotConnected(LinkError):  # noqa: N818 - the words of DESIGN §3
    pass


class Throttled(LinkError):  # noqa: N818
    def __init__(self, code: str, message: str, *, hint: str = "", wait_s: float) -> None:
        super().__init__(code, message, hint=hint)
        self.wait_s = wait_s


class RejectedError(BeffroiError):
    exit_code = ExitCode.REFUSED


class StorageError(BeffroiError):
    exit_code = ExitCode.UNREACHABLE


class SpoolFull(StorageError):  # noqa: N818
    pass


class SpoolCorrupt(StorageError):  # noqa: N818
    pass


class OperatorError(BeffroiError):
    exit_code = ExitCode.REFUSED
