"""What a plan does in which order, whose change it was, and how it is told."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from core import plan as plans
from core.plan import GONE, Author, Cause, Change, Key, Kind, Plan, Resource, digest
from core.secrets import Masked

ORGANISATION = Kind("organisation")
FOLDER = Kind("folder", stage=1)
BOARD = Kind("board", stage=1, masked=frozenset({"secrets"}))
RULE = Kind("rule", stage=2)
TREE = Kind("tree", stage=2, deletable=False)
KINDS = (ORGANISATION, FOLDER, BOARD, RULE, TREE)


def one(kind: str, scope: str, name: str, author: Author | None = None, **body: Any) -> Resource:
    return Resource(kind, scope, name, body, author=author)


def make(
    desired: list[Resource],
    live: list[Resource],
    recorded: Mapping[Key, frozenset[str]] | None = None,
    *,
    prune: bool = False,
) -> Plan:
    return plans.plan(KINDS, desired, live, ours=lambda r: r.id.startswith("our-"), recorded=recorded, prune=prune)


def told(plan: Plan) -> list[str]:
    return [plans.title(action) for action in plan.actions]


def test_stages_then_scopes_then_kinds() -> None:
    """Every organisation before any board, every board of one scope together, every rule last."""
    desired = [
        *(one(kind, scope, "our-1", a=1) for scope in ("b", "a") for kind in ("rule", "board", "folder")),
        one("organisation", "a", "a"),
        one("organisation", "b", "b"),
    ]
    assert [(a.key.kind, a.key.scope) for a in make(desired, []).actions] == [
        ("organisation", "b"),
        ("organisation", "a"),
        ("folder", "b"),
        ("board", "b"),
        ("folder", "a"),
        ("board", "a"),
        ("rule", "b"),
        ("rule", "a"),
    ]


def test_deletions_come_last_and_backwards() -> None:
    """What was created first is deleted last; what is not ours never."""
    live = [one(kind, "a", name) for kind in ("organisation", "folder", "board", "rule", "tree") for name in ("our-1",)]
    plan = make([one("board", "a", "our-2", a=1)], [*live, one("board", "a", "theirs")], prune=True)
    assert told(plan) == [
        "+ board a/our-2",
        "- rule a/our-1 (no longer declared)",
        "- board a/our-1 (no longer declared)",
        "- folder a/our-1 (no longer declared)",
        "- organisation a/our-1 (no longer declared)",
    ]
    assert [(left.key.id, left.ours) for left in plan.left] == [("theirs", False)]


def test_without_prune_nothing_is_deleted() -> None:
    """It is named, with what would delete it; what others made is counted."""
    live = [one("board", "a", "our-1"), one("tree", "a", "tree"), *(one("board", "a", f"t{i}") for i in range(9))]
    plan = make([], live)
    assert not plan.actions
    assert plans.render(plan, unchanged="No changes.").splitlines() == [
        "  # left: 1 board of a (no longer declared; --prune deletes): our-1",
        "  # left: 9 board of a (not ours): t0, t1, t2, t3, t4, t5, …",
        "No changes.",
    ]


def test_equal_is_no_action() -> None:
    """Whatever the order of the keys, and whatever was recorded."""
    desired, live = one("board", "a", "our-1", x=1, y=[{}]), one("board", "a", "our-1", y=[{}], x=1)
    assert make([desired], [live], {desired.key: frozenset({"else"})}) == Plan()


@pytest.mark.parametrize(
    ("known", "cause"),
    [
        (None, Cause.UNKNOWN),
        (frozenset({digest({"a": 1})}), Cause.CODE),
        (frozenset({digest({"a": 5}), digest({"a": 1})}), Cause.CODE),
        (frozenset({digest({"a": 5}), GONE}), Cause.HAND),
    ],
)
def test_whose_change_it_is(known: frozenset[str] | None, cause: Cause) -> None:
    """Live as we left it: the code changed. Live as nobody of us left it: a hand did. Nothing recorded: not said."""
    key = Key("board", "a", "our-1")
    recorded = {} if known is None else {key: known}
    author = Author("mairie", "2026-11-24T19:16:07Z")
    action = make([one("board", "a", "our-1", a=2)], [one("board", "a", "our-1", author, a=1)], recorded).actions[0]
    assert (action.change, action.cause) == (Change.UPDATE, cause)
    assert action.author == (author if cause is Cause.HAND else None)


@pytest.mark.parametrize(
    ("known", "cause"),
    [(set(), Cause.DECLARED), ({GONE, "h"}, Cause.DECLARED), ({"h"}, Cause.GONE)],
)
def test_what_was_there_and_is_not(known: set[str], cause: Cause) -> None:
    """Recorded as there, and gone: deleted by hand. Recorded as about to be made: an apply that was cut short."""
    resource = one("board", "a", "our-1", a=1)
    assert make([resource], [], {resource.key: frozenset(known)}).actions[0].cause is cause


def test_secrets_are_neither_shown_nor_hashed() -> None:
    """A rotation is a change of the code: the hash that tells a hand's change leaves secrets out."""
    before, after = (
        one("board", "a", "our-1", a=1, secrets={"p": "x1"}),
        one("board", "a", "our-1", a=1, secrets={"p": "x2"}),
    )
    known = {before.key: frozenset({plans.observed(BOARD, before)})}
    assert plans.intended(BOARD, after) == plans.observed(BOARD, before)
    plan = make([after], [before], known)
    text = plans.render(plan, unchanged="") + json.dumps(plans.as_json(plan)) + repr(Masked({"p": "x2"}))
    assert "x1" not in text
    assert "x2" not in text
    assert "~ secrets.p = (secret) → (secret)" in text
    assert plan.actions[0].cause is Cause.CODE


def test_attributes_are_found_by_name() -> None:
    """A panel that moves in its list is not another panel; a new one is named by its id."""
    before = one("board", "a", "our-1", panels=[{"id": 1, "t": "x"}, {"id": 2, "t": "y"}], tags=["a"], gone=None)
    after = one("board", "a", "our-1", panels=[{"id": 2, "t": "z"}, {"id": 1, "t": "x"}, {"id": 3}], tags=["a", "b"])
    author = Author("mairie", "2026-11-24")
    before = Resource(before.kind, before.scope, before.id, before.body, author=author)
    plan = make([after], [before], {before.key: frozenset({"h"})})
    assert plans.render(plan, unchanged="").splitlines() == [
        "  ~ board a/our-1 (changed by hand: mairie, 2026-11-24)",
        "      - gone = null",
        '      ~ panels[id=2].t = "y" → "z"',
        '      + panels[id=3] = {"id": 3}',
        "      ~ panels (order) = [1, 2] → [2, 1]",
        '      ~ tags = ["a"] → ["a", "b"]',
        "Plan: 0 to create, 1 to change, 0 to delete.",
    ]


def test_long_plans_stay_readable() -> None:
    """A value is cut, attributes are counted, and what could steer a terminal is written out."""
    new = one("board", "a", "our-1", title="x" * 200, escape="\x1b[31m\x7f", panels=[{"id": 1}])
    text = plans.render(make([new], []), unchanged="")
    assert max(map(len, text.splitlines())) < 100
    assert "\\u001b[31m\\u007f" in text
    assert "panels" not in text
    many = one("board", "a", "our-2", **{f"k{i:02}": i for i in range(20)})
    assert "      … and 8 more" in plans.render(make([many], []), unchanged="").splitlines()


def test_the_json_form() -> None:
    """Versioned; who and when where it is known; `before` is absent where nothing was."""
    live = one("board", "a", "our-1", Author("mairie", "2026-11-24"), a=1)
    told = plans.as_json(
        make([one("board", "a", "our-1", a=2, b=3)], [live, one("rule", "a", "x")], {live.key: frozenset({"h"})})
    )
    assert told == {
        "version": 1,
        "actions": [
            {
                "change": "change",
                "kind": "board",
                "scope": "a",
                "id": "our-1",
                "cause": "hand",
                "by": "mairie",
                "at": "2026-11-24",
                "differences": [{"path": "a", "before": 1, "after": 2}, {"path": "b", "after": 3}],
            }
        ],
        "left": [{"kind": "rule", "scope": "a", "id": "x", "ours": False}],
        "notes": [],
        "summary": {"create": 0, "change": 1, "delete": 0},
    }
    assert json.loads(json.dumps(told)) == told


def test_what_cannot_be_planned() -> None:
    """A kind nobody knows, or one thing declared twice, is a fault of the caller and never half a plan."""
    with pytest.raises(ValueError, match="no such kind: other a/x"):
        make([one("other", "a", "x")], [])
    with pytest.raises(ValueError, match="declared twice: board a/x"):
        make([one("board", "a", "x"), one("board", "a", "x")], [])
