"""Two JSON values: equal or not, by their form alone, and which attributes differ."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from core.plan.model import ABSENT, Body, Difference

_NAMED_BY = ("uid", "id", "refId", "name")  # what tells the members of a list apart, where all have it
_DIGITS = 12


def canonical(value: Any) -> str:
    """One text for one value: keys in order, `true` is not 1, and a secret is nowhere in an error."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)


def digest(body: Body, masked: Iterable[str] = ()) -> str:
    """The first 12 hex of the SHA-256 of a compared form, without its masked keys."""
    hidden = frozenset(masked)
    shown = {name: value for name, value in body.items() if name not in hidden}
    return hashlib.sha256(canonical(shown).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def differences(before: Body, after: Body, masked: Iterable[str] = ()) -> tuple[Difference, ...]:
    """Every attribute that differs, in the order of its path; empty exactly when the two are equal."""
    hidden = frozenset(masked)
    found: list[Difference] = []
    for name in sorted({*before, *after}):
        was, becomes = before.get(name, ABSENT), after.get(name, ABSENT)
        for path, old, new in _unequal(_step("", name), was, becomes):
            found.append(Difference(path, old, new, masked=name in hidden))
    return tuple(found)


def _unequal(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if before is not ABSENT and after is not ABSENT and canonical(before) == canonical(after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from _unequal(_step(path, name), before.get(name, ABSENT), after.get(name, ABSENT))
    elif _is_list(before) and _is_list(after):
        yield from _members(path, before, after)
    else:
        yield path, before, after


def _members(path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[str, Any, Any]]:
    name = next((name for name in _NAMED_BY if _names(before, name) and _names(after, name)), None)
    if name is None:
        if len(before) != len(after):
            yield path, before, after
        else:
            for place, (was, becomes) in enumerate(zip(before, after, strict=True)):
                yield from _unequal(f"{path}[{place}]", was, becomes)
        return
    old, new = ({member[name]: member for member in members} for members in (before, after))
    for named in [*old, *(named for named in new if named not in old)]:
        yield from _unequal(f"{path}[{name}={named}]", old.get(named, ABSENT), new.get(named, ABSENT))
    stay = [[named for named in members if named in old and named in new] for members in (old, new)]
    if stay[0] != stay[1]:
        yield f"{path} (order)", stay[0], stay[1]


def _names(members: Sequence[Any], name: str) -> bool:
    """Whether each member says its own name under this key, all of one type."""
    if not all(isinstance(member, Mapping) and name in member for member in members):
        return False
    named = [member[name] for member in members]
    texts = all(isinstance(text, str) for text in named)
    numbers = all(type(number) is int for number in named)
    return (texts or numbers) and len(set(named)) == len(named)


def _step(path: str, name: str) -> str:
    shown = name if name.replace("_", "").isalnum() else json.dumps(name, ensure_ascii=False)
    return f"{path}.{shown}" if path else shown


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
