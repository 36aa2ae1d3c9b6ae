"""One action, sent to the server: what to call for which kind. Each can be sent again after it was cut short."""

from typing import Any

from core.errors import RejectedError
from core.plan import Action, Change, Resource, digest
from grafana import forms
from grafana.api import Grafana, Object
from grafana.client import ConflictError, MissingError
from grafana.ledger import Ledger
from grafana.live import is_our_route
from grafana.resources import (
    CONTACT_POINT,
    DASHBOARD,
    DATA_SOURCE,
    FOLDER,
    MEMBER,
    PLAYLIST,
    POLICIES,
    PREFERENCES,
    RULE_GROUP,
    TEMPLATE,
)

_SOURCE_FIELDS = ("name", "type", "access", "url", "user", "database", "basicAuth", "isDefault")


def write(grafana: Grafana, org: int, action: Action, ledger: Ledger | None = None) -> None:
    """Everything but organisations.

    Args:
        ledger: written along, when the action is about the data source that holds it.

    Raises:
        BeffroiError: what Grafana refuses, or that it does not answer.
    """
    if action.desired is None:
        assert action.live is not None
        _delete(grafana, org, action.live)
        return
    new, wanted = action.change is Change.CREATE, action.desired
    match wanted.kind:
        case DATA_SOURCE.name:
            body = source_body(wanted, action.live, ledger)
            if new:
                grafana.create_data_source(org, body)
            else:
                grafana.update_data_source(org, wanted.id, body)
        case FOLDER.name:
            _folder(grafana, org, wanted, new=new)
        case DASHBOARD.name:
            board = {name: value for name, value in wanted.body["dashboard"].items() if name not in ("id", "version")}
            message = f"beffroi {digest(forms.dashboard(wanted))}"
            grafana.save_dashboard(org, board, folder=wanted.body["folderUid"], message=message)
        case PLAYLIST.name:
            if new:
                grafana.create_playlist(org, {"uid": wanted.id, **wanted.body})
            else:
                grafana.update_playlist(org, wanted.id, {"uid": wanted.id, **wanted.body})
        case PREFERENCES.name:
            grafana.set_preferences(org, dict(wanted.body))
        case MEMBER.name:
            _member(grafana, org, wanted, action.live)
        case CONTACT_POINT.name:
            body = _point_body(wanted)
            if new:
                grafana.create_contact_point(org, body)
            else:
                grafana.update_contact_point(org, wanted.id, body)
        case TEMPLATE.name:
            grafana.put_template(org, wanted.id, wanted.body["template"])
        case POLICIES.name:
            _policies(grafana, org, wanted.body["routes"])
        case RULE_GROUP.name:
            folder, _, title = wanted.id.partition("/")
            grafana.put_rule_group(org, folder, title, {"title": title, "folderUid": folder, **wanted.body})
        case kind:
            raise ValueError(f"no way to write a {kind}")


def source_body(source: Resource, live: Resource | None, ledger: Ledger | None, *, secrets: bool = True) -> Object:
    """A data source as it is sent. Without `secrets` those on the server stay."""
    body: Object = {"uid": source.id, **{name: source.body[name] for name in _SOURCE_FIELDS if name in source.body}}
    body["jsonData"] = {name: value for name, value in source.body.get("jsonData", {}).items() if name != forms.OWN}
    if ledger is not None:
        body["jsonData"][forms.OWN] = ledger.as_json()
    if secrets:
        stale = live.body.get(forms.SECRETS, {}) if live is not None else {}
        body["secureJsonData"] = {**dict.fromkeys(stale, ""), **source.secrets}
    return body


def _delete(grafana: Grafana, org: int, live: Resource) -> None:
    match live.kind:
        case DATA_SOURCE.name:
            grafana.delete_data_source(org, live.id)
        case FOLDER.name:
            _delete_folder(grafana, org, live.id)
        case DASHBOARD.name:
            grafana.delete_dashboard(org, live.id)
        case PLAYLIST.name:
            grafana.delete_playlist(org, live.id)
        case MEMBER.name:
            grafana.remove_member(org, live.body["userId"])
        case CONTACT_POINT.name:
            grafana.delete_contact_point(org, live.id)
        case TEMPLATE.name:
            grafana.delete_template(org, live.id)
        case POLICIES.name:
            _policies(grafana, org, [])
        case RULE_GROUP.name:
            folder, _, title = live.id.partition("/")
            grafana.delete_rule_group(org, folder, title)
        case kind:
            raise ValueError(f"no way to delete a {kind}")


def _folder(grafana: Grafana, org: int, wanted: Resource, *, new: bool) -> None:
    title = wanted.body["title"]
    if new:
        try:
            grafana.create_folder(org, wanted.id, title)
            return
        except ConflictError:  # it is there, and the search did not know it yet
            pass
    grafana.update_folder(org, wanted.id, title)


def _delete_folder(grafana: Grafana, org: int, uid: str) -> None:
    """Grafana deletes the boards inside without asking: looked at once more, right before."""
    inside = {what: number for what, number in grafana.folder_counts(org, uid).items() if number}
    if inside:
        raise RejectedError(
            "grafana.folder_in_use",
            f"the folder {uid} is not empty: {', '.join(f'{number} {what}' for what, number in inside.items())}",
            hint="somebody keeps something in it; move it elsewhere, then apply again",
        )
    grafana.delete_folder(org, uid)


def _member(grafana: Grafana, org: int, wanted: Resource, live: Resource | None) -> None:
    role = wanted.body["role"]
    if live is not None:
        grafana.change_member(org, live.body["userId"], role)
        return
    try:
        grafana.add_member(org, wanted.id, role)
        return
    except MissingError:  # no such user on this server yet
        pass
    password = wanted.secrets.get("password")
    if not password:
        raise RejectedError(
            "grafana.no_password",
            f"{wanted.id} is no user of this Grafana yet, and there is no first password for him",
            hint="give one in the secrets file, or let him sign in once through the single sign-on",
        )
    user = grafana.create_user(
        org, login=wanted.id, name=wanted.body["name"], email=wanted.body["email"], password=password
    )
    if role != "Viewer":  # as which Grafana makes everyone
        grafana.change_member(org, user, role)


def _point_body(wanted: Resource) -> Object:
    """The settings with their secrets, each at its path: one that is left out would be dropped."""
    settings = _copied(wanted.body["settings"])
    for path, secret in wanted.secrets.items():
        *way, name = path.split(".")
        part = settings
        for step in way:
            part = part.setdefault(step, {})
        part[name] = secret
    return {"uid": wanted.id, **wanted.body, "settings": settings}


def _policies(grafana: Grafana, org: int, routes: list[Any]) -> None:
    """The tree as it is now, with our routes before everybody else's. It stays open to the hands that could change it
    before: only a tree that another tool owns is kept under that ownership, for Grafana refuses to give it back.
    """
    tree = grafana.policies(org)
    owned = bool(tree.pop("provenance", ""))
    others = [route for route in tree.get("routes") or [] if not is_our_route(route)]
    grafana.put_policies(org, {**tree, "routes": [*routes, *others]}, editable=not owned)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(member) for name, member in value.items()}
    return value
