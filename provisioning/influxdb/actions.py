"""One step between what is and what should be, as people and scripts read it. No secret is ever part of it."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from core.plan import Change, summary
from provisioning.influxdb.desired import DAY_S, FOREVER_S, Policy

Step = TypeVar("Step", covariant=True)


@dataclass(frozen=True)
class Action(Generic[Step]):
    """`kind` and `name` say what, `detail` how; `step` is for the adapter that planned it."""

    change: Change
    kind: str
    name: str
    detail: str
    step: Step

    def __str__(self) -> str:
        return f"  {self.change} {self.kind} {self.name}" + (f": {self.detail}" if self.detail else "")

    def as_json(self) -> dict[str, str]:
        return {"change": self.change.name.lower(), "kind": self.kind, "name": self.name, "detail": self.detail}


@dataclass(frozen=True)
class Plan(Generic[Step]):
    """Ordered steps; `notes`: what was seen and is left alone because it is not ours."""

    actions: tuple[Action[Step], ...]
    notes: tuple[str, ...] = ()


def render(plan: Plan[object]) -> str:
    """The steps as Terraform's users know them, the notes, and the count."""
    return "\n".join([*(str(action) for action in plan.actions), *(f"  # {note}" for note in plan.notes), count(plan)])


def count(plan: Plan[object]) -> str:
    """`Plan: 3 to create, 1 to change, 0 to delete.`"""
    return summary(
        (action.change for action in plan.actions), unchanged="No changes: InfluxDB is as the territory says."
    )


def describe(policy: Policy) -> str:
    """`kept 400 d, shards of 30 d`."""
    return f"kept {duration(policy.keep_s)}, shards of {duration(policy.shard_s)}"


def differences(policy: Policy, *, keep_s: int, shard_s: int, default: bool) -> str:
    """What must change for the live values to be the policy's; empty when nothing."""
    words: list[str] = []
    if keep_s != policy.keep_s:
        shorter = policy.keep_s != FOREVER_S and (keep_s == FOREVER_S or keep_s > policy.keep_s)
        loss = " (what is older is DELETED)" if shorter else ""
        words.append(f"kept {duration(keep_s)} → {duration(policy.keep_s)}{loss}")
    if shard_s != policy.shard_s:
        words.append(f"new shards of {duration(shard_s)} → {duration(policy.shard_s)}")
    if policy.default and not default:
        words.append("becomes the default")
    return ", ".join(words)


def duration(seconds: int) -> str:
    """`400 d`, `6 h`, `90 s`, `for ever`."""
    if seconds == FOREVER_S:
        return "for ever"
    size, unit = next(((s, u) for s, u in ((DAY_S, "d"), (3600, "h")) if seconds % s == 0), (1, "s"))
    return f"{seconds // size} {unit}"
