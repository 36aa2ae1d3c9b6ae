"""What is no row's becomes points too: health documents, the worker's counters, alarms. Pure.

| Measurement | One point | Tags | Fields |
|---|---|---|---|
| `site` | a health document | commune, site | its counters |
| `alarm` | a condition of the worker (operator only) | kind, site, channel (the tenant) | as the watch has them |

The watch goes on with the same series (`cloud.watch.alarms.points`): its points have an `id` too, and who took it up.
"""

import math
from collections.abc import Mapping

from cloud.schema import ALARM, SITE, RowPoints
from cloud.stores.base import Field, Point
from cloud.stores.checks import is_name
from cloud.watch.alarms.alarm import AlarmState
from cloud.watch.alarms.points import alarm_tags
from cloud.watch.alarms.road import Condition, worker_finding
from cloud.watch.alarms.sentences import text_of
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


def alarm_points(condition: Condition, *, at_ms: int, active: bool, is_new: bool = True) -> RowPoints:
    """A condition of the worker as it begins or ends (`active`), in the series that the watch goes on with, so that the
    operator knows at once, and without a watch too.

    Args:
        is_new: False: it has other words, all else is as it was told, by the watch maybe.
    """
    finding = worker_finding(condition)
    fields: dict[str, Field] = {"text": text_of(finding), "active": active}
    if is_new:
        fields["state"] = str(AlarmState.RAISED if active else AlarmState.CLEARED)
        fields["severity"] = str(finding.severity)
        fields["since_ms"] = finding.since_ms
    return RowPoints(OPERATOR, [Point(ALARM, alarm_tags(finding), at_ms * 1000, fields)])
