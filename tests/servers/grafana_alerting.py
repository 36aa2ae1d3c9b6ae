"""Of the Grafana double: contact points, templates, mute timings, the policy tree."""

import hashlib
import re
from typing import Any

from tests.servers.grafana_state import Asked, Object, Refused, Routes, as_kept, duration, need

routes = Routes()
_P = "/api/v1/provisioning"
_DEFAULT_TREE: Object = {"receiver": "grafana-default-email", "group_by": ["grafana_folder", "alertname"]}
_DEFAULT_POINT: Object = {
    "uid": "",
    "name": "email receiver",
    "type": "email",
    "settings": {"addresses": "<example@email.com>"},
    "disableResolveMessage": False,
}
_REQUIRED = {"webhook": ("url",), "email": ("addresses",)}
_SECRETS = {"authorization_credentials", "password", "hmacConfig.secret"}
_REDACTED = "[REDACTED]"
# contact points


@routes("GET", f"{_P}/contact-points")
def list_points(double: Any, asked: Asked) -> Any:
    said = "No alertmanager configuration present in this organization"
    missing = {"statusCode": 500, "messageId": "alerting.notification.configMissing", "message": said}
    need(double, asked, 500, missing)
    points = [_DEFAULT_POINT, *({**point, "settings": _hidden(point["settings"])} for point in asked.org.points)]
    return [{name: value for name, value in point.items() if value != "" or name == "uid"} for point in points]


@routes("POST", f"{_P}/contact-points", 202)
def create_point(double: Any, asked: Asked) -> Any:
    need(double, asked, 500, "Internal Server Error")
    body = asked.body
    uid = body.get("uid") or double.make_uid()
    _valid(uid, body)
    if taken := next((point for point in asked.org.points if point["uid"] == uid), None):
        said = (
            f"Receiver configuration with UID '{uid}' already exists in contact point '{taken['name']}'. Please use "
            "unique identifiers for receivers across all contact points."
        )
        message = "alerting.notifications.contact-points.uidInUse"
        extra = {"Name": taken["name"], "UID": uid}
        raise Refused(409, {"statusCode": 409, "messageId": message, "message": said, "extra": extra})
    made = _point(asked, uid)
    asked.org.points.append(made)
    return {
        **{name: value for name, value in made.items() if name != "provenance"},
        "settings": _hidden(made["settings"]),
    }


@routes("PUT", f"{_P}/contact-points/<uid>", 202)
def update_point(double: Any, asked: Asked) -> Any:
    need(double, asked, 500, "Internal Server Error")
    uid = asked.parts[0]
    place = next((place for place, point in enumerate(asked.org.points) if point["uid"] == uid), None)
    if place is None:
        raise Refused(404, f"object not found: contact point with uid '{uid}' not found")
    _valid(uid, asked.body)
    before = asked.org.points[place]
    if before["provenance"] and asked.editable:
        raise Refused(500, f"cannot change provenance from '{before['provenance']}' to ''")
    made = _point(asked, uid)
    made["settings"] = _unredacted(made["settings"], before["settings"])
    asked.org.points[place] = made
    return {"message": "contactpoint updated"}


@routes("DELETE", f"{_P}/contact-points/<uid>", 202)
def delete_point(_double: Any, asked: Asked) -> Any:
    found = next((point for point in asked.org.points if point["uid"] == asked.parts[0]), None)
    if found is not None:
        if found["name"] in _receivers(_tree(asked)):
            message = "alerting.notifications.contact-points.referenced"
            said = "Contact point is currently referenced by a notification policy."
            raise Refused(409, {"statusCode": 409, "messageId": message, "message": said})
        asked.org.points.remove(found)
    return {"message": "contactpoint deleted"}


def _point(asked: Asked, uid: str) -> Object:
    body = asked.body
    kept = {"uid": uid, "name": body["name"], "type": body["type"], "settings": as_kept(body["settings"])}
    resolve = body.get("disableResolveMessage", False)
    return {**kept, "disableResolveMessage": resolve, "provenance": "" if asked.editable else "api"}


def _valid(uid: str, body: Object) -> None:
    where = f'failed to validate integration "{body["name"]}" (UID {uid}) of type "{body["type"]}"'
    if body["type"] not in _REQUIRED:
        raise Refused(400, f"invalid object specification: {where}: notifier {body['type']} is not supported")
    for name in _REQUIRED[body["type"]]:
        if not body["settings"].get(name):
            said = f"required field '{name}' is not specified"
            raise Refused(400, f"invalid object specification: {where}: {said}")


def _hidden(settings: Object, path: str = "") -> Object:
    return {
        name: _REDACTED
        if path + name in _SECRETS
        else _hidden(value, f"{path}{name}.")
        if isinstance(value, dict)
        else value
        for name, value in settings.items()
    }


def _unredacted(settings: Object, before: Object) -> Object:
    return {
        name: before.get(name)
        if value == _REDACTED
        else _unredacted(value, before.get(name) or {})
        if isinstance(value, dict)
        else value
        for name, value in settings.items()
    }


# templates and mute timings


@routes("GET", f"{_P}/templates")
def list_templates(double: Any, asked: Asked) -> Any:
    need(double, asked, 500, "Internal Server Error")
    return [one for _, one in sorted(asked.org.templates.items())] or None


@routes("GET", f"{_P}/templates/<name>")
def get_template(_double: Any, asked: Asked) -> Any:
    if asked.parts[0] not in asked.org.templates:
        message = "alerting.notifications.templates.notFound"
        raise Refused(404, {"statusCode": 404, "messageId": message, "message": "NotFound"})
    return asked.org.templates[asked.parts[0]]


@routes("PUT", f"{_P}/templates/<name>", 202)
def put_template(double: Any, asked: Asked) -> Any:
    need(double, asked, 500, "Internal Server Error")
    name, text = asked.parts[0], asked.body["template"].strip()
    if text.count("{{") != text.count("}}"):
        said = "Template is in invalid format. Correct the payload and try again."
        extra = {"Error": "invalid template: template: :1: unclosed action"}
        message = "alerting.notifications.templates.invalidFormat"
        raise Refused(400, {"statusCode": 400, "messageId": message, "message": said, "extra": extra})
    if not re.search(r"\{\{-?\s*define", text):
        lines = "\n".join(f"  {line}" for line in text.split("\n"))
        text = f'{{{{ define "{name}" }}}}\n{lines}\n{{{{ end }}}}'
    before = asked.org.templates.get(name)
    if before is not None:
        _same_hands(before.get("provenance", ""), asked)
        _same_version(before, asked)
    asked.org.templates[name] = _owned(asked, {"name": name, "template": text, "version": _version(text)})
    return asked.org.templates[name]


@routes("DELETE", f"{_P}/templates/<name>", 204)
def delete_template(_double: Any, asked: Asked) -> Any:
    asked.org.templates.pop(asked.parts[0], None)


@routes("GET", f"{_P}/mute-timings")
def list_timings(double: Any, asked: Asked) -> Any:
    need(double, asked, 500, "failed to get mute timings")
    return list(asked.org.mute_timings.values())


@routes("GET", f"{_P}/mute-timings/<name>")
def get_timing(_double: Any, asked: Asked) -> Any:
    return _timing(asked)


@routes("POST", f"{_P}/mute-timings", 201)
def create_timing(double: Any, asked: Asked) -> Any:
    need(double, asked, 500, "failed to create mute timing")
    _valid_timing(asked.body)
    if asked.body["name"] in asked.org.mute_timings:
        message = "alerting.notifications.time-intervals.nameExists"
        said = "Time interval with this name already exists. Use a different name or update existing one."
        raise Refused(400, {"statusCode": 400, "messageId": message, "message": said})
    return _keep_timing(asked, asked.body["name"])


@routes("PUT", f"{_P}/mute-timings/<name>", 202)
def put_timing(_double: Any, asked: Asked) -> Any:
    _valid_timing(asked.body)
    before = _timing(asked)
    _same_hands(before["provenance"], asked)
    _same_version(before, asked)
    return _keep_timing(asked, asked.parts[0])


@routes("DELETE", f"{_P}/mute-timings/<name>", 204)
def delete_timing(_double: Any, asked: Asked) -> Any:
    if asked.parts[0] in _mutes(_tree(asked)):
        message = "alerting.notifications.time-intervals.used"
        extra = {"UsedByRoutes": True}
        raise Refused(409, {"statusCode": 409, "messageId": message, "message": "Conflict", "extra": extra})
    asked.org.mute_timings.pop(asked.parts[0], None)


def _timing(asked: Asked) -> Object:
    if asked.parts[0] not in asked.org.mute_timings:
        message = "alerting.notifications.time-intervals.notFound"
        raise Refused(404, {"statusCode": 404, "messageId": message, "message": "NotFound"})
    return asked.org.mute_timings[asked.parts[0]]


def _keep_timing(asked: Asked, name: str) -> Object:
    spans = asked.body["time_intervals"]
    kept = {"name": name, "time_intervals": spans, "version": _version(str(spans)), "provenance": "api"}
    asked.org.mute_timings[name] = kept
    return kept


def _valid_timing(body: Object) -> None:
    for span in body["time_intervals"]:
        late = any(time[end] > "24:00" for time in span.get("times", ()) for end in ("start_time", "end_time"))
        if late or any(day.endswith(":sunday") for day in span.get("weekdays", ())):
            raise Refused(400, "bad request data")


# the policy tree


@routes("GET", f"{_P}/policies")
def get_tree(double: Any, asked: Asked) -> Any:
    need(double, asked, 404, "could not find an Alertmanager configuration")
    return _tree(asked)


@routes("PUT", f"{_P}/policies", 202)
def put_tree(double: Any, asked: Asked) -> Any:
    need(double, asked, 404, "could not find an Alertmanager configuration")
    names = {point["name"] for point in asked.org.points} | {"grafana-default-email", "email receiver"}
    wrong = [f"receiver '{name}' does not exist" for name in _receivers(asked.body) if name not in names]
    wrong += [
        f"mute time interval '{name}' does not exist"
        for name in _mutes(asked.body)
        if name not in asked.org.mute_timings
    ]
    if wrong:
        message = "alerting.notifications.routes.invalidFormat"
        said = f"Invalid format of the submitted route: {wrong[0]}. Correct the payload and try again."
        raise Refused(400, {"statusCode": 400, "messageId": message, "message": said, "extra": {"Error": wrong[0]}})
    _same_hands(_tree(asked).get("provenance", ""), asked)
    asked.org.tree = _owned(asked, _route(asked.body))
    return {"message": "policies updated"}


@routes("DELETE", f"{_P}/policies", 202)
def reset_tree(_double: Any, asked: Asked) -> Any:
    asked.org.tree = {}
    return _DEFAULT_TREE


def _tree(asked: Asked) -> Object:
    return asked.org.tree or _DEFAULT_TREE


def _route(route: Object) -> Object:
    kept: Object = {}
    for name, value in route.items():
        if name == "routes":
            value = [_route(one) for one in value or ()]
        elif name in ("group_wait", "group_interval", "repeat_interval"):
            value = duration(value)
        elif name == "matchers":
            value = [re.sub(r'^(\w+)(!=|=~|!~|=)"?(.*?)"?$', r'\1\2"\3"', one) for one in value]
        if value not in ("", None, [], {}, False) and name != "provenance":
            kept[name] = value
    return kept


def _receivers(route: Object) -> list[str]:
    own = [route["receiver"]] if route.get("receiver") else []
    return own + [name for one in route.get("routes") or () for name in _receivers(one)]


def _mutes(route: Object) -> list[str]:
    own = list(route.get("mute_time_intervals") or ())
    return own + [name for one in route.get("routes") or () for name in _mutes(one)]


# what all of them share


def _same_hands(before: str, asked: Asked) -> None:
    if before and asked.editable:
        said = (
            f"Resource with provenance status '{before}' cannot be managed via API that handles resources with "
            "provenance status 'none'. You must use appropriate API to manage this resource"
        )
        extra = {"SourceProvenance": before, "TargetProvenance": "none"}
        message = "alerting.notifications.invalidProvenance"
        raise Refused(403, {"statusCode": 403, "messageId": message, "message": said, "extra": extra})


def _same_version(before: Object, asked: Asked) -> None:
    if asked.body.get("version") not in (None, "", before["version"]):
        message = "alerting.notifications.conflict"
        raise Refused(409, {"statusCode": 409, "messageId": message, "message": "Conflict"})


def _owned(asked: Asked, kept: Object) -> Object:
    return kept if asked.editable else {**kept, "provenance": "api"}


def _version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
