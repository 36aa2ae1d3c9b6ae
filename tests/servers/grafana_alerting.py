"""Of the Grafana double: contact points, templates, mute timings, the policy tree, rule groups."""

import hashlib
import re
from typing import Any

from tests.servers.grafana_boards import _json
from tests.servers.grafana_state import NEVER, Asked, Object, Refused, Routes

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
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_ORDER = (
    *("id", "uid", "orgID", "folderUID", "ruleGroup", "title", "condition", "data", "updated", "noDataState"),
    *("execErrState", "for", "keep_firing_for", "annotations", "labels", "provenance", "isPaused"),
    *("notification_settings", "record", "missingSeriesEvalsToResolve"),
)


def ready(double: Any, asked: Asked) -> bool:
    return bool(double.clock() >= asked.org.made_ms + double.alertmanager_s * 1000)


def _need(double: Any, asked: Asked, status: int, body: Any) -> None:
    if not ready(double, asked):
        raise Refused(status, body)


# contact points


@routes("GET", f"{_P}/contact-points")
def list_points(double: Any, asked: Asked) -> Any:
    said = "No alertmanager configuration present in this organization"
    missing = {"statusCode": 500, "messageId": "alerting.notification.configMissing", "message": said}
    _need(double, asked, 500, missing)
    points = [_DEFAULT_POINT, *({**point, "settings": _hidden(point["settings"])} for point in asked.org.points)]
    return [{name: value for name, value in point.items() if value != "" or name == "uid"} for point in points]


@routes("POST", f"{_P}/contact-points", 202)
def create_point(double: Any, asked: Asked) -> Any:
    _need(double, asked, 500, "Internal Server Error")
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
    _need(double, asked, 500, "Internal Server Error")
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
    kept = {"uid": uid, "name": body["name"], "type": body["type"], "settings": _json(body["settings"])}
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
    _need(double, asked, 500, "Internal Server Error")
    return [one for _, one in sorted(asked.org.templates.items())] or None


@routes("GET", f"{_P}/templates/<name>")
def get_template(_double: Any, asked: Asked) -> Any:
    if asked.parts[0] not in asked.org.templates:
        message = "alerting.notifications.templates.notFound"
        raise Refused(404, {"statusCode": 404, "messageId": message, "message": "NotFound"})
    return asked.org.templates[asked.parts[0]]


@routes("PUT", f"{_P}/templates/<name>", 202)
def put_template(double: Any, asked: Asked) -> Any:
    _need(double, asked, 500, "Internal Server Error")
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
    _need(double, asked, 500, "failed to get mute timings")
    return list(asked.org.mute_timings.values())


@routes("GET", f"{_P}/mute-timings/<name>")
def get_timing(_double: Any, asked: Asked) -> Any:
    return _timing(asked)


@routes("POST", f"{_P}/mute-timings", 201)
def create_timing(double: Any, asked: Asked) -> Any:
    _need(double, asked, 500, "failed to create mute timing")
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
    _need(double, asked, 404, "could not find an Alertmanager configuration")
    return _tree(asked)


@routes("PUT", f"{_P}/policies", 202)
def put_tree(double: Any, asked: Asked) -> Any:
    _need(double, asked, 404, "could not find an Alertmanager configuration")
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


# rule groups


@routes("GET", f"{_P}/alert-rules")
def list_rules(_double: Any, asked: Asked) -> Any:
    return [_in_order(rule) for group in asked.org.groups.values() for rule in group["rules"]]


@routes("GET", f"{_P}/alert-rules/<uid>")
def get_rule(_double: Any, asked: Asked) -> Any:
    for group in asked.org.groups.values():
        for rule in group["rules"]:
            if rule["uid"] == asked.parts[0]:
                return _in_order(rule)
    raise Refused(404, None)


@routes("POST", f"{_P}/alert-rules", 201)
def create_rule(double: Any, asked: Asked) -> Any:
    rule = asked.body
    if rule["folderUID"] not in asked.org.folders:
        raise Refused(400, "invalid alert rule: folder does not exist")
    for group in asked.org.groups.values():
        if any(one["uid"] == rule["uid"] for one in group["rules"]):
            unique = "UNIQUE constraint failed: alert_rule.org_id, alert_rule.uid"
            said = f"Failed to save alert rule '{rule['uid']}' in organization {asked.org.id} due to conflict: {unique}"
            extra = {"Error": unique, "OrgID": asked.org.id, "RuleUID": rule["uid"]}
            message = "alerting.alert-rule.conflict"
            raise Refused(409, {"statusCode": 409, "messageId": message, "message": said, "extra": extra})
    kept = _kept_rule(double, asked, rule, rule["folderUID"], rule["ruleGroup"])
    asked.org.groups.setdefault((rule["folderUID"], rule["ruleGroup"]), {"interval": 60, "rules": []})["rules"].append(
        kept
    )
    return _in_order(kept)


@routes("DELETE", f"{_P}/alert-rules/<uid>", 204)
def delete_rule(_double: Any, asked: Asked) -> Any:
    for group in asked.org.groups.values():
        for rule in [rule for rule in group["rules"] if rule["uid"] == asked.parts[0]]:
            if rule.get("provenance") and asked.editable:
                said = f"cannot delete with provided provenance '', needs '{rule['provenance']}'"
                extra = {"Operation": "delete", "ProvidedProvenance": "", "StoredProvenance": rule["provenance"]}
                message = "alerting.provenanceMismatch"
                raise Refused(409, {"statusCode": 409, "messageId": message, "message": said, "extra": extra})
            group["rules"].remove(rule)
    _sweep(asked)


@routes("GET", f"{_P}/folder/<folder>/rule-groups/<title>")
def get_group(_double: Any, asked: Asked) -> Any:
    folder, title = asked.parts
    group = _group(asked)
    rules = [{n: v for n, v in _in_order(rule).items() if n != "provenance"} for rule in group["rules"]]
    return {"title": title, "folderUid": folder, "interval": group["interval"], "rules": rules}


@routes("PUT", f"{_P}/folder/<folder>/rule-groups/<title>")
def put_group(double: Any, asked: Asked) -> Any:
    folder, title = asked.parts
    body = asked.body
    _valid_group(double, asked)
    uids = {rule.get("uid") for rule in body["rules"]}
    before = {rule["uid"]: rule for group in asked.org.groups.values() for rule in group["rules"]}
    for group in asked.org.groups.values():  # a uid of another group is moved here
        group["rules"] = [rule for rule in group["rules"] if rule["uid"] not in uids]
    kept = [_kept_rule(double, asked, rule, folder, title, before.get(rule.get("uid", ""))) for rule in body["rules"]]
    asked.org.groups.pop((folder, title), None)
    asked.org.groups[folder, title] = {"interval": body["interval"], "rules": kept}
    _sweep(asked)
    return {
        "title": title,
        "folderUid": folder,
        "interval": body["interval"],
        "rules": [_echo(r) for r in body["rules"]],
    }


@routes("DELETE", f"{_P}/folder/<folder>/rule-groups/<title>", 204)
def delete_group(_double: Any, asked: Asked) -> Any:
    _group(asked)
    del asked.org.groups[asked.parts[0], asked.parts[1]]


def _group(asked: Asked) -> Object:
    folder, title = asked.parts
    if (folder, title) not in asked.org.groups:
        raise Refused(404, {"statusCode": 404, "messageId": "alerting.alert-rule.notFound", "message": "NotFound"})
    return asked.org.groups[folder, title]


def _sweep(asked: Asked) -> None:
    for key in [key for key, group in asked.org.groups.items() if not group["rules"]]:
        del asked.org.groups[key]


def _valid_group(double: Any, asked: Asked) -> None:
    interval = asked.body["interval"]
    if not interval or interval % 10:
        said = f"interval ({interval}s) should be non-zero and divided exactly by scheduler interval: 10"
        raise Refused(400, f"invalid alert rule: {said}")
    for rule in asked.body["rules"]:
        uid = rule.get("uid", "")
        wrong = f'invalid alert rule: cannot create rule with UID "{uid}"'
        if len(uid) > 40:
            raise Refused(400, f"{wrong}: UID is longer than 40 symbols")
        if not re.fullmatch(r"[a-zA-Z0-9_-]*", uid):
            raise Refused(400, f"{wrong}: invalid format of UID. Only letters, numbers, '-' and '_' are allowed")
        if rule["noDataState"] not in ("OK", "NoData", "Alerting", "KeepLast"):
            said = f"unknown NoData state option {rule['noDataState']}"
            raise Refused(400, f"failed to update alert rules: invalid alert rule: {said}")
        if settings := rule.get("notification_settings"):
            _need(double, asked, 500, "Internal Server Error")
            names = {point["name"] for point in asked.org.points} | {"grafana-default-email"}
            if settings["receiver"] not in names:
                raise Refused(400, f"invalid alert rule\nreceiver {settings['receiver']} does not exist")


def _kept_rule(
    double: Any, asked: Asked, rule: Object, folder: str, title: str, before: Object | None = None
) -> Object:
    kept = _echo(rule)
    kept |= {"id": before["id"] if before else double.number("rule"), "uid": rule.get("uid") or double.make_uid()}
    kept |= {"orgID": asked.org.id, "folderUID": folder, "ruleGroup": title, "updated": double.now()}
    kept |= {"for": duration(kept["for"]), "keep_firing_for": duration(kept["keep_firing_for"])}
    kept["provenance"] = "" if asked.editable else "api"
    defaults = {"intervalMs": 1000, "maxDataPoints": 43200}
    kept["data"] = [{**query, "model": _json({**defaults, **query["model"]})} for query in kept["data"]]
    return kept


def _echo(rule: Object) -> Object:
    """What a PUT answers: the request with blanks, whatever becomes of it."""
    told = {name: rule.get(name, "") for name in ("uid", "folderUID", "ruleGroup", "title", "condition", "for")}
    told |= {"id": 0, "orgID": rule.get("orgID", 0), "updated": NEVER, "noDataState": rule["noDataState"]}
    told |= {"execErrState": rule["execErrState"], "keep_firing_for": rule.get("keep_firing_for", "0s")}
    told |= {"isPaused": rule.get("isPaused", False), "notification_settings": rule.get("notification_settings")}
    told["record"] = rule.get("record")
    told["for"] = duration(told["for"])
    told |= {name: rule[name] for name in ("annotations", "labels", "missingSeriesEvalsToResolve") if rule.get(name)}
    span = {"from": 0, "to": 0}
    told["data"] = [
        {
            "refId": query["refId"],
            "queryType": query.get("queryType", ""),
            "relativeTimeRange": query.get("relativeTimeRange", span),
            "datasourceUid": query["datasourceUid"],
            "model": query["model"],
        }
        for query in rule.get("data") or ()
    ]
    return told


def _in_order(rule: Object) -> Object:
    return {name: rule[name] for name in _ORDER if name in rule and (name != "provenance" or rule[name])}


# what all of them share


def duration(text: str) -> str:
    """As Prometheus writes it: 24h is 1d, 90m is 1h30m."""
    left = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdw])", text))
    if left == 0:
        return "0s"
    if left % _UNITS["w"] == 0:
        return f"{left // _UNITS['w']}w"
    words = ""
    for unit in ("d", "h", "m", "s", "ms"):
        if unit == "d" and left % _UNITS["d"]:
            continue
        count, left = divmod(left, _UNITS[unit])
        words += f"{count}{unit}" if count else ""
    return words


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
