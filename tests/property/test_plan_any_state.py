"""A plan over any two states: equal states need nothing, and the steps lead from one to the other."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core import plan as plans
from core.plan import Change, Key, Kind, Resource, canonical

KINDS = (Kind("a"), Kind("b", stage=1), Kind("c", stage=1), Kind("d", stage=2))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "uid", "x", "é y"]), inner, max_size=3)
    ),
    max_leaves=8,
)
bodies = st.dictionaries(st.sampled_from(["title", "panels", "x y"]), values, max_size=3)
keys = st.tuples(
    st.sampled_from([kind.name for kind in KINDS]), st.sampled_from(["s", "t"]), st.sampled_from(["1", "2"])
)
states = st.dictionaries(keys, bodies, max_size=6)


def resources(state: dict[tuple[str, str, str], dict[str, Any]]) -> list[Resource]:
    return [Resource(*key, body) for key, body in state.items()]


@given(bodies, bodies)
def test_a_difference_exactly_where_two_differ(before: dict[str, Any], after: dict[str, Any]) -> None:
    """None for equal JSON, at least one for unequal; `true` is not 1 and `null` is not absent."""
    assert bool(plans.differences(before, after)) == (
        json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True)
    )


@given(states, states)
def test_the_steps_lead_there(before: dict[Any, Any], after: dict[Any, Any]) -> None:
    """Done in their order they make the one state of the other; no creation before what it stands on, nor deletion."""
    plan = plans.plan(KINDS, resources(after), resources(before), ours=lambda _: True, prune=True)
    state = {Key(*key): body for key, body in before.items()}
    for action in plan.actions:
        if action.desired is None:
            del state[action.key]
        else:
            assert (action.key in state) == (action.change is Change.UPDATE)
            state[action.key] = action.desired.body
    assert canonical({str(k): v for k, v in state.items()}) == canonical({str(Key(*k)): v for k, v in after.items()})
    stages = {kind.name: kind.stage for kind in KINDS}
    made = [stages[action.key.kind] for action in plan.actions if action.change is not Change.DELETE]
    gone = [stages[action.key.kind] for action in plan.actions if action.change is Change.DELETE]
    assert (made, gone) == (sorted(made), sorted(gone, reverse=True))
    assert plans.plan(KINDS, resources(after), resources(after), ours=lambda _: True, prune=True).actions == ()


@given(states, states)
def test_any_plan_can_be_told(before: dict[Any, Any], after: dict[Any, Any]) -> None:
    """As text without a control character, as JSON that a script can read."""
    plan = plans.plan(KINDS, resources(after), resources(before), ours=lambda r: r.id == "1")
    assert all(line.isprintable() for line in plans.render(plan, unchanged="none").split("\n"))
    json.loads(json.dumps(plans.as_json(plan)))
