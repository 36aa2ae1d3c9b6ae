"""Desired, live → ordered actions and their rendering. Pure: whoever provisions a server uses it.

desired, live ──planning.plan──▶ Plan ──rendering.render──▶ text
"""

from core.plan.comparison import canonical, differences, digest
from core.plan.model import (
    ABSENT,
    Action,
    Author,
    Body,
    Cause,
    Change,
    Difference,
    InterruptedApplyError,
    Key,
    Kind,
    Left,
    Plan,
    Resource,
)
from core.plan.planning import GONE, Recorded, intended, observed, plan
from core.plan.rendering import VERSION, as_json, render, summary, title

__all__ = [
    "ABSENT",
    "GONE",
    "VERSION",
    "Action",
    "Author",
    "Body",
    "Cause",
    "Change",
    "Difference",
    "InterruptedApplyError",
    "Key",
    "Kind",
    "Left",
    "Plan",
    "Recorded",
    "Resource",
    "as_json",
    "canonical",
    "differences",
    "digest",
    "intended",
    "observed",
    "plan",
    "render",
    "summary",
    "title",
]
