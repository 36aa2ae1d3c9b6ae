"""What the worker answers on its control socket. Each verb runs in the worker's thread, between two messages."""

from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeVar

import msgspec

from cloud.inbox import Inbox
from cloud.quarantine import Entry, Kind, Quarantine
from cloud.replay import Replay
from cloud.stores.checks import MAX_INT
from core.errors import OperatorError, StorageError
from core.ports.control import Verb

T = TypeVar("T")
_WAIT_S = 30.0


def quarantine_verbs(quarantine: Quarantine, replay: Replay, flush: Callable[[], bool]) -> dict[str, Verb]:
    """`quarantine.list`, `.show`, `.replay`; not yet safe to call from another thread.

    Args:
        flush: empties the worker's hands; False when the store is down.
    """

    def again(question: dict[str, Any]) -> dict[str, Any]:
        if not flush():
            raise StorageError("store.down", "the store is down", hint="beffroi cloud status; replay when it is back")
        done = (
            replay.some(reason=str(question.get("reason", "")), after=_whole(question, "after", 0))
            if question.get("id") is None
            else replay.one(_whole(question, "id"))
        )
        return msgspec.structs.asdict(done)

    return {
        "quarantine.list": lambda question: list_entries(quarantine, question),
        "quarantine.show": lambda question: show_entry(quarantine, question),
        "quarantine.replay": again,
    }


def list_entries(quarantine: Quarantine, question: Mapping[str, Any]) -> dict[str, Any]:
    """The oldest entries, without their bodies, and what is held in all."""
    kind = str(question.get("kind", ""))
    if kind and kind not in set(Kind):
        raise OperatorError("quarantine.kind", f"{kind!r} is not a kind of entry", hint=", ".join(Kind))
    entries = quarantine.entries(
        limit=_whole(question, "limit", 100),
        reason=str(question.get("reason", "")),
        kind=Kind(kind) if kind else None,
        after=_whole(question, "after", 0),
        replayed=bool(question.get("replayed", False)),
    )
    held = msgspec.structs.asdict(quarantine.counts())
    return {"entries": [_summary(entry) for entry in entries], "held": held}


def show_entry(quarantine: Quarantine, question: Mapping[str, Any]) -> dict[str, Any]:
    """One entry with its body: as hex, and as text where it is text."""
    entry = quarantine.show(_whole(question, "id"))
    try:
        text: str | None = entry.body.decode()
    except UnicodeDecodeError:
        text = None
    return {**_summary(entry), "body_hex": entry.body.hex(), "body_text": text}


def _whole(question: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """The argument `name`, a whole number that SQLite can hold.

    Raises:
        OperatorError: `control.argument`.
    """
    said = question.get(name, default)
    try:
        number = int(said) if isinstance(said, (int, str)) and not isinstance(said, bool) else -1
    except ValueError:
        number = -1
    if not 0 <= number <= MAX_INT:
        raise OperatorError(
            "control.argument",
            f"{name} is {str(said)[:40]!r}" if name in question else f"{name} is missing",
            hint=f"{name} is a whole number from 0 to {MAX_INT}",
        )
    return number


def _summary(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(entry).items() if name != "body"}


def through_inbox(inbox: Inbox, verbs: Mapping[str, Verb], *, wait_s: float = _WAIT_S) -> dict[str, Verb]:
    """The same verbs, safe to call from the control socket's thread."""

    def safe(verb: Verb) -> Verb:
        def ask(question: dict[str, Any]) -> Any:
            answer = inbox.call(lambda: verb(question))
            try:
                return answer.result(wait_s)
            except FutureTimeoutError as error:
                answer.cancel()
                raise StorageError("control.busy", "the worker is busy writing", hint="ask again") from error

        return ask

    return {name: safe(verb) for name, verb in verbs.items()}
