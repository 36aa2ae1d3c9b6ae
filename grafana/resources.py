"""What an organisation is made of, as typed resources of `core.plan`: one function each, which checks what Grafana
does not check. A scope is a tenant's id, or `operator`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.plan import Kind, Resource
from core.secrets import Masked
from grafana import forms

PREFIX = "beffroi-"  # of every uid, template and group that is ours
TAG = "gere-par:beffroi"  # of every board that is ours
LEDGER = "beffroi-influxdb"  # the data source in whose `jsonData` it is written down what we left behind
ROLES = ("Viewer", "Editor", "Admin")
_UID = re.compile(r"[a-zA-Z0-9_-]{1,40}")
_SCHEDULER_S = 10

ORGANISATION = Kind("organisation", live=forms.plain)
DATA_SOURCE = Kind(
    "data source",
    desired=forms.desired_data_source,
    live=forms.live_data_source,
    stage=1,
    masked=frozenset({forms.SECRETS}),
)
FOLDER = Kind("folder", stage=1)
DASHBOARD = Kind("dashboard", desired=forms.dashboard, live=forms.dashboard, stage=1)
PLAYLIST = Kind("playlist", live=forms.playlist, desired=forms.playlist, stage=1)
PREFERENCES = Kind("preferences", desired=forms.preferences, live=forms.preferences, stage=1, deletable=False)
MEMBER = Kind("member", desired=forms.member, live=forms.member, stage=1)
CONTACT_POINT = Kind(
    "contact point",
    desired=forms.desired_contact_point,
    live=forms.live_contact_point,
    stage=2,
    masked=frozenset({forms.SECRETS}),
)
TEMPLATE = Kind("template", desired=forms.template, live=forms.template, stage=2)
POLICIES = Kind("policies", desired=forms.policies, live=forms.policies, stage=2)
RULE_GROUP = Kind("rule group", desired=forms.rule_group, live=forms.rule_group, stage=2)

KINDS = (
    ORGANISATION,
    DATA_SOURCE,
    FOLDER,
    DASHBOARD,
    PLAYLIST,
    PREFERENCES,
    MEMBER,
    CONTACT_POINT,
    TEMPLATE,
    POLICIES,
    RULE_GROUP,
)
"""In the order in which they can be made: boards before the home page, receivers before the routes to them."""

ALERTING = frozenset({CONTACT_POINT.name, TEMPLATE.name, POLICIES.name, RULE_GROUP.name})
"""What needs the organisation's Alertmanager."""

SINGLE = "-"  # the id of what a scope has once


def organisation(scope: str, name: str) -> Resource:
    """An organisation; its name is unique on the server, and upper and lower case differ."""
    _require(name != "" and name == name.strip(), f"organisation {name!r}: a name without blanks around it")
    return Resource(ORGANISATION.name, scope, scope, {"name": name})


def data_source(
    scope: str,
    uid: str,
    *,
    name: str,
    url: str,
    json_data: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    type: str = "influxdb",  # noqa: A002 - Grafana's word
    user: str = "",
    default: bool = False,
) -> Resource:
    """A data source that the server asks (`access: proxy`). Its secrets go by the names of `secureJsonData`."""
    _require(url != "", f"data source {uid}: Grafana cannot change one without a url")
    _require(forms.OWN not in json_data, f"data source {uid}: jsonData.{forms.OWN} is ours")
    body = {
        "name": name,
        "type": type,
        "access": "proxy",
        "url": url,
        "user": user,
        "isDefault": default,
        "jsonData": dict(json_data),
    }
    return Resource(DATA_SOURCE.name, scope, _uid(uid), body, Masked(_filled(secrets)))


def folder(scope: str, uid: str, title: str) -> Resource:
    """A folder at the root."""
    _require(title != "", f"folder {uid}: it has no title")
    return Resource(FOLDER.name, scope, _uid(uid), {"title": title})


def dashboard(scope: str, folder_uid: str, board: Mapping[str, Any]) -> Resource:
    """Any dashboard (schema v1), with a uid and our tag."""
    uid = board.get("uid")
    _require(isinstance(uid, str), "a dashboard without uid")
    assert isinstance(uid, str)
    _require(bool(board.get("title")), f"dashboard {uid}: it has no title")
    _require(TAG in board.get("tags", ()), f"dashboard {uid}: it has not the tag {TAG}")
    _require("elements" not in board, f"dashboard {uid}: schema v2, which the API takes and does not show")
    return Resource(DASHBOARD.name, scope, _uid(uid), {"dashboard": dict(board), "folderUid": folder_uid})


def preferences(
    scope: str,
    *,
    home: str,
    theme: str = "light",
    timezone: str = "Europe/Paris",
    week_start: str = "monday",
    language: str = "fr-FR",
) -> Resource:
    """Those of the organisation. `home`: the uid of the board that everyone sees first."""
    body = {
        "homeDashboardUID": _uid(home),
        "theme": theme,
        "timezone": timezone,
        "weekStart": week_start,
        "language": language,
    }
    return Resource(PREFERENCES.name, scope, SINGLE, body)


def playlist(scope: str, uid: str, *, name: str, interval: str, boards: Sequence[str]) -> Resource:
    """Boards in turn, by uid, each for `interval` (`1m`)."""
    _require(bool(boards), f"playlist {uid}: Grafana fails at one without boards")
    items = [{"type": "dashboard_by_uid", "value": board} for board in boards]
    return Resource(PLAYLIST.name, scope, _uid(uid), {"name": name, "interval": interval, "items": items})


def member(scope: str, login: str, role: str, *, name: str = "", email: str = "", password: str = "") -> Resource:
    """A user's place in an organisation. Whoever is no user yet becomes one with this name, address and first
    password, none of which is looked at again: they are his own from then on.
    """
    _require(login != "" and login == login.lower(), f"member {login!r}: Grafana does not tell A from a in a login")
    _require(role in ROLES, f"member {login}: a role is one of {', '.join(ROLES)}")
    body = {"role": role, "name": name, "email": email}
    return Resource(MEMBER.name, scope, login, body, Masked({"password": password} if password else {}))


def contact_point(
    scope: str,
    uid: str,
    *,
    name: str,
    type: str,  # noqa: A002 - Grafana's word
    settings: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    tell_resolved: bool = True,
) -> Resource:
    """One integration. `secrets`: by their path in the settings (`hmacConfig.secret`), where they must not stand."""
    _require(name.startswith(PREFIX), f"contact point {name}: its name must begin with {PREFIX}")
    body = {"name": name, "type": type, "settings": dict(settings), "disableResolveMessage": not tell_resolved}
    return Resource(CONTACT_POINT.name, scope, _uid(uid), body, Masked(_filled(secrets)))


def template(scope: str, name: str, text: str) -> Resource:
    """A notification template: texts between `{{ define … }}` and `{{ end }}`."""
    _require(name.startswith(PREFIX), f"template {name}: its name must begin with {PREFIX}")
    return Resource(TEMPLATE.name, scope, name, {"template": text})


def policies(scope: str, routes: Sequence[Mapping[str, Any]]) -> Resource:
    """Our routes, which stand before all others right under the root of the organisation's one tree. The root and
    everybody else's routes stay as they are: operators keep theirs.
    """
    for route in routes:
        receiver = str(route.get("receiver", ""))
        _require(receiver.startswith(PREFIX), f"route to {receiver!r}: its receiver must begin with {PREFIX}")
    return Resource(POLICIES.name, scope, SINGLE, {"routes": [dict(route) for route in routes]})


def rule_group(
    scope: str, folder_uid: str, title: str, *, interval_s: int, rules: Sequence[Mapping[str, Any]]
) -> Resource:
    """Rules that are evaluated together. What Grafana takes without a word, and cannot evaluate, is refused here."""
    _require(title.startswith(PREFIX), f"rule group {title}: its title must begin with {PREFIX}")
    _require(
        interval_s > 0 and interval_s % _SCHEDULER_S == 0, f"rule group {title}: its interval is a multiple of 10 s"
    )
    _require(bool(rules), f"rule group {title}: one without rules is none")
    for rule in rules:
        uid = str(rule.get("uid", ""))
        _uid(uid)
        _require(bool(rule.get("title")), f"rule {uid}: it has no title")
        queries = [query.get("refId") for query in rule.get("data", ())]
        _require(rule.get("condition") in queries, f"rule {uid}: its condition names none of its queries {queries}")
        states = [name for name in ("noDataState", "execErrState") if not rule.get(name)]
        _require(not states, f"rule {uid}: {states} must be said")
        reserved = [label for label in rule.get("labels", {}) if label in ("grafana_folder", "alertname")]
        _require(not reserved, f"rule {uid}: the labels {reserved} are Grafana's own")
    body = {"interval": interval_s, "rules": [dict(rule) for rule in rules]}
    return Resource(RULE_GROUP.name, scope, f"{_uid(folder_uid)}/{title}", body)


def _uid(uid: str) -> str:
    _require(_UID.fullmatch(uid) is not None, f"uid {uid!r}: 1 to 40 letters, digits, - and _")
    return uid


def _filled(secrets: Mapping[str, str] | None) -> dict[str, str]:
    return {name: secret for name, secret in (secrets or {}).items() if secret}


def _require(holds: bool, otherwise: str) -> None:
    """The code of the boards is at fault, not a file of the operator."""
    if not holds:
        raise ValueError(otherwise)
