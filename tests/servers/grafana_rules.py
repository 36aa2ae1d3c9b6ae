"""Of the Grafana double: rule groups."""

import re
from typing import Any

from tests.servers.grafana_state import NEVER, Asked, Object, Refused, Routes, as_kept, duration, need

routes = Routes()
_P = "/api/v1/provisioning"
_ORDER = (
    *("id", "uid", "orgID", "folderUID", "ruleGroup", "title", "condition", "data", "updated", "noDataState"),
    *("execErrState", "for", "keep_firing_for", "annotations", "labels", "provenance", "isPaused"),
    *("notification_settings", "record", "missingSeriesEvalsToResolve"),
)


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
            need(double, asked, 500, "Internal Server Error")
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
    kept["data"] = [{**query, "model": as_kept({**defaults, **query["model"]})} for query in kept["data"]]
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
