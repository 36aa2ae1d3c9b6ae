"""The one form in which a declared resource and the server's answer are compared. What Grafana adds, rewrites or
leaves out is taken away on both sides, so that a second apply has nothing to do.

Source: Grafana 12.2, findings 9, 15, 16, 21, 22, 30, 36 to 38 of tests/grafana_api/README.md.
"""

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from core.plan import Body, Resource

OWN = "beffroi"  # our key in a data source's `jsonData`; Grafana keeps it
SECRETS = "secrets"
REDACTED = "[REDACTED]"
PRESENT = "?"  # a secret is there, and nobody wrote down which
_EXACT = 2**53
_DEFINE = re.compile(r"\{\{-?\s*define")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")
_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}
_ROUTE_DURATIONS = frozenset({"group_wait", "group_interval", "repeat_interval"})
_RULE_OWN = frozenset({"id", "updated", "provenance", "orgID", "folderUID", "ruleGroup"})  # the server's, or the path's
_RULE_DEFAULTS: Mapping[str, Any] = {
    "for": "0s",
    "keep_firing_for": "0s",
    "isPaused": False,
    "annotations": {},
    "labels": {},
    "notification_settings": None,
    "record": None,
}
_MODEL_DEFAULTS: Mapping[str, Any] = {"intervalMs": 1000, "maxDataPoints": 43200}
_RANGE_DEFAULTS: Mapping[str, Any] = {"from": 0, "to": 0}
_DATA_SOURCE: Mapping[str, Any] = {
    "name": "",
    "type": "",
    "access": "proxy",
    "url": "",
    "user": "",
    "database": "",
    "basicAuth": False,
    "isDefault": False,
}


def plain(resource: Resource) -> Body:
    return resource.body


def desired_data_source(resource: Resource) -> Body:
    """With each secret's fingerprint in the secret's place."""
    return {**_data_source(resource.body), SECRETS: fingerprints(resource)}


def live_data_source(resource: Resource) -> Body:
    """`secrets` of the body: what was written down of those that the server says it has."""
    return {**_data_source(resource.body), SECRETS: dict(resource.body.get(SECRETS, {}))}


def dashboard(resource: Resource) -> Body:
    """Without what the server numbers. It keeps everything else, but keeps a number as its value alone: 1.0 is 1."""
    board = resource.body["dashboard"]
    kept = {name: value for name, value in board.items() if name not in ("id", "version")}
    return {"folderUid": resource.body.get("folderUid", ""), **exact(kept)}


def playlist(resource: Resource) -> Body:
    body = resource.body
    items = [{"type": item["type"], "value": item["value"]} for item in body.get("items", ())]
    return {"name": body.get("name", ""), "interval": body.get("interval", ""), "items": items}


def preferences(resource: Resource) -> Body:
    names = ("homeDashboardUID", "theme", "timezone", "weekStart", "language")
    return {name: resource.body.get(name, "") for name in names}


def member(resource: Resource) -> Body:
    """The role alone: name, address and password are the user's own."""
    return {"role": resource.body["role"]}


def desired_contact_point(resource: Resource) -> Body:
    return {**_contact_point(resource.body), SECRETS: fingerprints(resource)}


def live_contact_point(resource: Resource) -> Body:
    return {**_contact_point(resource.body), SECRETS: dict(resource.body.get(SECRETS, {}))}


def template(resource: Resource) -> Body:
    """The server trims the text, and wraps one without `define`."""
    text = str(resource.body["template"]).strip()
    if not _DEFINE.search(text):
        indented = "\n".join(f"  {line}" for line in text.split("\n"))
        text = f'{{{{ define "{resource.id}" }}}}\n{indented}\n{{{{ end }}}}'
    return {"template": text}


def policies(resource: Resource) -> Body:
    """Routes without empty fields, durations as one text for one length."""
    return {"routes": [route(one) for one in resource.body.get("routes", ())]}


def route(one: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in one.items():
        if name == "routes":
            value = [route(inner) for inner in value or ()]
        if value in (None, "", False) or value == [] or value == {} or name == "provenance":
            continue
        told[name] = duration(value) if name in _ROUTE_DURATIONS else exact(value)
    return told


def rule_group(resource: Resource) -> Body:
    body = resource.body
    return {"interval": exact(body.get("interval", 0)), "rules": [_rule(rule) for rule in body.get("rules", ())]}


def fingerprints(resource: Resource) -> dict[str, str]:
    """What may be written down of each secret: the server never shows it, and its rotation must be seen."""
    return {
        name: fingerprint(f"{resource.scope}/{resource.kind}/{resource.id}/{name}", secret)
        for name, secret in resource.secrets.items()
    }


@lru_cache(maxsize=4096)
def fingerprint(place: str, secret: str) -> str:
    """16 hex: salted with its place, so that two equal secrets do not look equal, and slow to guess (scrypt):
    every Viewer can read a data source's `jsonData`.
    """
    derived = hashlib.scrypt(secret.encode(), salt=place.encode(), n=2**12, r=8, p=1, dklen=8)
    return derived.hex()


def exact(value: Any) -> Any:
    """JSON with each number in the one form that is left of it on the server: a double."""
    if isinstance(value, Mapping):
        return {name: exact(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [exact(member) for member in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    number = float(value)
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number


def duration(text: Any) -> Any:
    """`300s`, `5m` and `5m0s` as one text; what is no duration stays as it is."""
    if not isinstance(text, str):
        return text
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return "0s" if text in ("", "0") else text
    left = round(sum(float(number) * _MS[unit] for number, unit in parts))
    words = []
    for unit in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, _MS[unit])
        if count:
            words.append(f"{count}{unit}")
    return "".join(words) or "0s"


def _data_source(body: Body) -> dict[str, Any]:
    settings = {name: value for name, value in (body.get("jsonData") or {}).items() if name != OWN}
    return {**{name: body.get(name, default) for name, default in _DATA_SOURCE.items()}, "jsonData": exact(settings)}


def _contact_point(body: Body) -> dict[str, Any]:
    return {
        "name": body.get("name", ""),
        "type": body.get("type", ""),
        "settings": exact(_without_redacted(body.get("settings") or {})),
        "disableResolveMessage": bool(body.get("disableResolveMessage", False)),
    }


def _without_redacted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without secrets, and without a part that held nothing else."""
    kept: dict[str, Any] = {}
    for name, value in settings.items():
        if value == REDACTED:
            continue
        if isinstance(value, Mapping):
            inner = _without_redacted(value)
            if value and not inner:
                continue
            value = inner
        kept[name] = value
    return kept


def redacted(settings: Mapping[str, Any], path: str = "") -> list[str]:
    """The paths of the secrets that are there."""
    found: list[str] = []
    for name, value in settings.items():
        if value == REDACTED:
            found.append(path + name)
        elif isinstance(value, Mapping):
            found += redacted(value, f"{path}{name}.")
    return found


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in rule.items() if name not in _RULE_OWN}
    for name, default in _RULE_DEFAULTS.items():
        value = told.get(name)
        told[name] = default if value is None else value
    told["for"], told["keep_firing_for"] = duration(told["for"]), duration(told["keep_firing_for"])
    if told["notification_settings"] is not None:
        told["notification_settings"] = route(told["notification_settings"])
    told["data"] = [_query(query) for query in told.get("data") or ()]
    return exact(told)  # type: ignore[no-any-return]


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **query,
        "queryType": query.get("queryType") or "",
        "relativeTimeRange": {**_RANGE_DEFAULTS, **(query.get("relativeTimeRange") or {})},
        "model": {**_MODEL_DEFAULTS, **query.get("model", {})},
    }
