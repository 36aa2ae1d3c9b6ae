"""What is no row's becomes points too: health documents, the worker's counters, alarms. Pure.

| Measurement | One point | Tags | Fields |
|---|---|---|---|
| `site` | a health document | commune, site | its counters |
| `alarm` | a condition that began or ended (operator only) | kind, site, channel (the tenant) | code, message, active |
"""

import math
from collections.abc import Mapping

from cloud.schema import ALARM, SITE, RowPoints
from cloud.stores.base import Field, Point
from cloud.stores.checks import is_name
from core.territory import OPERATOR, Site

_DEEPEST = 4  # tables inside tables of a health document; more is none of ours
_MAX_EXACT = 2**53  # a float keeps integers exactly up to here


def site_points(health: Mapping[str, object], *, name: str, at_ms: int, site: Site | None = None) -> list[RowPoints]:
    """One point of `site` for each database that may see it: the site's tenant's and the operator's.

    Nested keys are joined by `_` (`accepted_urgent`); every number is a float. What is neither number, flag nor
    text is left out, and so are integers beyond 2**53 and what lies deeper than any edge nests.

    Args:
        name: the tag `site`: the edge's id, or the worker's own name.
        site: null for the worker, which only the operator sees.
    """
    fields = dict(_flat(health, ""))
    if not fields:
        return []
    tags = {"site": name} if site is None else {"site": name, "commune": site.commune}
    point = Point(SITE, tags, at_ms * 1000, fields)
    return [RowPoints(database, [point]) for database in ([] if site is None else [site.tenant]) + [OPERATOR]]


def _flat(table: Mapping[str, object], prefix: str, *, depth: int = 1) -> list[tuple[str, Field]]:
    flat: list[tuple[str, Field]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        match value:
            case Mapping() if depth < _DEEPEST:
                flat += _flat(value, f"{name}_", depth=depth + 1)
            case bool() | str() if is_name(name):
                flat.append((name, value))
            case int() if is_name(name) and -_MAX_EXACT <= value <= _MAX_EXACT:
                flat.append((name, float(value)))
            case float() if is_name(name) and math.isfinite(value):
                flat.append((name, value))
    return flat


def alarm_points(code: str, message: str, *, active: bool, at_ms: int, site: str = "", tenant: str = "") -> RowPoints:
    """A condition that a person must know of, as it begins (`active`) or ends; a series for each code, site and
    tenant, so that `latest` gives what holds now."""
    tags = {"kind": code, "site": site, "channel": tenant}
    return RowPoints(
        OPERATOR,
        [
            Point(
                ALARM,
                {tag: text for tag, text in tags.items() if text},
                at_ms * 1000,
                {"code": code, "message": message, "active": active},
            )
        ],
    )
