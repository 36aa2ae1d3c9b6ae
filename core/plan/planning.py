"""From what is to what should be: the ordered actions, and what is left alone. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from core.plan.comparison import differences, digest
from core.plan.model import Action, Author, Cause, Change, Key, Kind, Left, Plan, Resource

GONE = ""  # the recorded hash of what was not there
Recorded = Mapping[Key, frozenset[str]]


def plan(
    kinds: Sequence[Kind],
    desired: Sequence[Resource],
    live: Iterable[Resource],
    *,
    ours: Callable[[Resource], bool],
    recorded: Recorded | None = None,
    prune: bool = False,
) -> Plan:
    """The steps that make `live` as `desired`.

    Creations and changes in the order of the kinds, stage by stage, scope by scope; deletions after them, in reverse.

    Args:
        kinds: in the order in which they can be created.
        ours: whether an undeclared live resource was made by us. Nothing else is ever deleted.
        recorded: hashes under which we left each resource, or had set out to; who differs was changed by another hand.
        prune: delete what is ours and no longer declared.

    Raises:
        ValueError: a kind that is not among `kinds`, or a resource declared twice.
    """
    recorded = recorded or {}
    by_name = {kind.name: kind for kind in kinds}
    place = {kind.name: number for number, kind in enumerate(kinds)}
    wanted = _unique(desired)
    there = {resource.key: resource for resource in live}
    for key in (*wanted, *there):
        if key.kind not in by_name:
            raise ValueError(f"no such kind: {key}")
    scopes = {scope: number for number, scope in enumerate(dict.fromkeys(key.scope for key in (*wanted, *there)))}

    made = [
        action
        for resource in desired
        if (action := _step(by_name[resource.kind], resource, there.get(resource.key), recorded.get(resource.key)))
    ]
    made.sort(key=lambda a: (by_name[a.key.kind].stage, scopes[a.key.scope], place[a.key.kind]))

    deleted: list[Action] = []
    left: list[Left] = []
    for key, resource in there.items():
        kind = by_name[key.kind]
        if key in wanted or not kind.deletable:
            continue
        if prune and ours(resource):
            deleted.append(_deletion(kind, resource))
        else:
            left.append(Left(key, ours(resource)))
    deleted.sort(key=lambda a: (-by_name[a.key.kind].stage, scopes[a.key.scope], -place[a.key.kind], a.key.id))
    left.sort(key=lambda one: (scopes[one.key.scope], place[one.key.kind], one.key.id))
    return Plan((*made, *deleted), tuple(left))


def intended(kind: Kind, resource: Resource) -> str:
    """The hash under which a declared resource will be recorded."""
    return digest(kind.desired(resource), kind.masked)


def observed(kind: Kind, resource: Resource | None) -> str:
    """The hash of what is there; that of nothing is empty."""
    return GONE if resource is None else digest(kind.live(resource), kind.masked)


def _step(kind: Kind, desired: Resource, live: Resource | None, known: frozenset[str] | None) -> Action | None:
    after = kind.desired(desired)
    if live is None:
        cause = Cause.GONE if known and GONE not in known else Cause.DECLARED
        return Action(Change.CREATE, desired.key, desired, None, differences({}, after, kind.masked), cause)
    found = differences(kind.live(live), after, kind.masked)
    if not found:
        return None
    cause, author = _whose(kind, live, known)
    return Action(Change.UPDATE, desired.key, desired, live, found, cause, author)


def _deletion(kind: Kind, live: Resource) -> Action:
    found = differences(kind.live(live), {}, kind.masked)
    return Action(Change.DELETE, live.key, None, live, found, Cause.UNDECLARED)


def _whose(kind: Kind, live: Resource, known: frozenset[str] | None) -> tuple[Cause, Author | None]:
    if not known:
        return Cause.UNKNOWN, None
    if observed(kind, live) in known:
        return Cause.CODE, None
    return Cause.HAND, live.author


def _unique(desired: Sequence[Resource]) -> dict[Key, Resource]:
    found: dict[Key, Resource] = {}
    for resource in desired:
        if resource.key in found:
            raise ValueError(f"declared twice: {resource.key}")
        found[resource.key] = resource
    return found
