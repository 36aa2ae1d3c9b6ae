"""A plan as Terraform's users know it, and as a script reads it."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.plan.model import ABSENT, Action, Cause, Change, Difference, Left, Plan

VERSION = 1
_SHOWN = 12  # attributes of one resource
_WIDE = 72  # characters of one value
_NAMED = 6  # of what is left alone, of one kind in one scope
_VERBS = {Change.CREATE: "create", Change.UPDATE: "change", Change.DELETE: "delete"}
_SECRET = "(secret)"  # noqa: S105 - stands where a secret would be


def render(plan: Plan, *, unchanged: str, shown: int = _SHOWN) -> str:
    """The actions with their attributes, what is left alone, the notes, and the count.

    Args:
        unchanged: the sentence for a plan without actions.
        shown: how many attributes of one resource at most.
    """
    lines = [line for action in plan.actions for line in _action(action, shown)]
    lines += [f"  # {line}" for line in (*_left(plan.left), *plan.notes)]
    return "\n".join(
        [*map(_printable, lines), summary((action.change for action in plan.actions), unchanged=unchanged)]
    )


def summary(changes: Iterable[Change], *, unchanged: str) -> str:
    """`Plan: 3 to create, 1 to change, 0 to delete.`, or the sentence for none."""
    numbers = Counter(changes)
    if not numbers:
        return unchanged
    return "Plan: " + ", ".join(f"{numbers[change]} to {verb}" for change, verb in _VERBS.items()) + "."


def as_json(plan: Plan) -> dict[str, Any]:
    """The whole plan; secrets are `null` with `"secret": true`."""
    numbers = Counter(action.change for action in plan.actions)
    return {
        "version": VERSION,
        "actions": [_action_json(action) for action in plan.actions],
        "left": [
            {"kind": one.key.kind, "scope": one.key.scope, "id": one.key.id, "ours": one.ours} for one in plan.left
        ],
        "notes": list(plan.notes),
        "summary": {verb: numbers[change] for change, verb in _VERBS.items()},
    }


def title(action: Action) -> str:
    """`~ dashboard ccpvm/beffroi-carte (changed by hand: admin, 2026-11-24T19:16:07Z)`."""
    why = action.cause.value
    if action.cause is Cause.HAND and action.author is not None and str(action.author):
        why = f"{why}: {action.author}"
    told = action.cause not in (Cause.UNKNOWN, Cause.DECLARED)
    return f"{action.change} {action.key}" + (f" ({why})" if told else "")


def _action(action: Action, shown: int) -> Iterator[str]:
    yield f"  {title(action)}"
    if action.change is Change.DELETE:
        return
    found = action.differences
    if action.change is Change.CREATE:  # what is new is read in the code; its short attributes say which one it is
        found = tuple(one for one in found if one.masked or isinstance(one.after, str | int | float))
    for difference in found[:shown]:
        yield f"      {_difference(difference, new=action.change is Change.CREATE)}"
    if len(found) > shown:
        yield f"      … and {len(found) - shown} more"


def _difference(one: Difference, *, new: bool) -> str:
    if one.after is ABSENT:
        return f"- {one.path} = {_value(one.before, one)}"
    if new or one.before is ABSENT:
        return f"+ {one.path} = {_value(one.after, one)}"
    return f"~ {one.path} = {_value(one.before, one)} → {_value(one.after, one)}"


def _value(value: Any, one: Difference) -> str:
    if one.masked:
        return _SECRET
    text = json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _WIDE else f"{text[: _WIDE - 1]}…"


def _printable(line: str) -> str:
    """What could steer a terminal, written out: titles and names come from a server."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in line)


def _left(left: Iterable[Left]) -> Iterator[str]:
    """What pruning would delete by name; what others made by kind."""
    groups: dict[tuple[str, str, bool], list[str]] = {}
    for one in left:
        groups.setdefault((one.key.scope, one.key.kind, one.ours), []).append(one.key.id)
    for (scope, kind, ours), names in groups.items():
        told = ", ".join(names if ours else names[:_NAMED]) + ("" if ours or len(names) <= _NAMED else ", …")
        where = f" of {scope}" if scope else ""
        why = "no longer declared; --prune deletes" if ours else "not ours"
        yield f"left: {len(names)} {kind}{where} ({why}): {told}"


def _action_json(action: Action) -> dict[str, Any]:
    return {
        "change": _VERBS[action.change],
        "kind": action.key.kind,
        "scope": action.key.scope,
        "id": action.key.id,
        "cause": action.cause.name.lower(),
        "by": action.author.who or None if action.author else None,
        "at": action.author.at or None if action.author else None,
        "differences": [_difference_json(one) for one in action.differences],
    }


def _difference_json(one: Difference) -> dict[str, Any]:
    if one.masked:
        return {"path": one.path, "secret": True, "before": None, "after": None}
    told: dict[str, Any] = {"path": one.path}
    if one.before is not ABSENT:
        told["before"] = _plain(one.before)
    if one.after is not ABSENT:
        told["after"] = _plain(one.after)
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    return value
