"""Of the Grafana double: data sources."""

import re
from typing import Any
from urllib.parse import urlsplit

from tests.servers.grafana_state import Asked, Object, Refused, Routes, as_kept

routes = Routes()
_LOGOS = {
    "influxdb": "public/plugins/influxdb/img/influxdb_logo.svg",
    "grafana-testdata-datasource": "public/plugins/grafana-testdata-datasource/img/testdata.svg",
    "prometheus": "public/plugins/prometheus/img/prometheus_logo.svg",
}
_TYPES = {"influxdb": "InfluxDB", "grafana-testdata-datasource": "TestData", "prometheus": "Prometheus"}
_DEFAULTS: Object = {"url": "", "user": "", "database": "", "basicAuth": False, "isDefault": False}
_LISTED = (
    *("id", "uid", "orgId", "name", "type", "typeName", "typeLogoUrl", "access", "url", "user", "database"),
    *("basicAuth", "isDefault", "jsonData", "readOnly"),
)


@routes("GET", "/api/datasources")
def list_sources(double: Any, asked: Asked) -> Any:
    sources = sorted(asked.org.sources.values(), key=lambda one: str(one["name"]))
    return [
        {
            name: value
            for name, value in {**_shown(double, asked, one), "typeName": _type_name(one)}.items()
            if name in _LISTED
        }
        for one in sources
    ]


@routes("POST", "/api/datasources")
def create_source(double: Any, asked: Asked) -> Any:
    body = asked.body
    if not all(body.get(name) for name in ("name", "type", "access")):
        raise Refused(400, "bad request data")
    uid = body.get("uid") or double.make_uid()
    if len(uid) > 40 or not re.fullmatch(r"[a-zA-Z0-9_-]+", uid):
        raise Refused(
            400, {"statusCode": 400, "messageId": "datasource.uidInvalid", "message": "Invalid datasource UID."}
        )
    _check_url(body.get("url", ""))
    if any(one["name"] == body["name"] for one in asked.org.sources.values()):
        raise Refused(409, "data source with the same name already exists")
    if uid in asked.org.sources:
        raise Refused(409, "data source with the same uid already exists")
    return _store(double, asked, uid, double.number("source"), body, version=1, message="Datasource added")


@routes("GET", "/api/datasources/uid/<uid>")
def get_source(double: Any, asked: Asked) -> Any:
    return _shown(double, asked, _source(asked, asked.parts[0]))


@routes("GET", "/api/datasources/name/<name>")
def get_source_by_name(double: Any, asked: Asked) -> Any:
    found = next((one for one in asked.org.sources.values() if one["name"] == asked.parts[0]), None)
    if found is None:
        raise Refused(404, "Data source not found")
    return _shown(double, asked, found)


@routes("PUT", "/api/datasources/uid/<uid>")
def update_source(double: Any, asked: Asked) -> Any:
    uid, body = asked.parts[0], asked.body
    if not all(body.get(name) for name in ("name", "type", "access")):
        raise Refused(400, "bad request data")
    found = _source(asked, uid)
    if body.get("uid", uid) != uid:
        raise Refused(500, "Failed to update datasource")
    _check_url(body.get("url", "") or (":" if body["type"] == "influxdb" else ""))
    if any(one["name"] == body["name"] and one["uid"] != uid for one in asked.org.sources.values()):
        raise Refused(409, "Failed to update datasource: data source with the same name already exists")
    version = body.get("version", 0)
    if version and version < found["version"]:
        raise Refused(409, "Datasource has already been updated by someone else. Please reload and try again")
    return _store(double, asked, uid, found["id"], body, version=version + 1, message="Datasource updated")


@routes("DELETE", "/api/datasources/uid/<uid>")
def delete_source(_double: Any, asked: Asked) -> Any:
    found = _source(asked, asked.parts[0])
    del asked.org.sources[found["uid"]]
    asked.org.source_secrets.pop(found["uid"], None)
    return {"id": found["id"], "message": "Data source deleted"}


def _source(asked: Asked, uid: str) -> Object:
    if uid not in asked.org.sources:
        raise Refused(404, "Data source not found")
    return asked.org.sources[uid]


def _store(double: Any, asked: Asked, uid: str, number: int, body: Object, *, version: int, message: str) -> Object:
    kept = {name: body.get(name, default) for name, default in _DEFAULTS.items()}
    kept |= {"id": number, "uid": uid, "version": version, "jsonData": as_kept(body.get("jsonData") or {})}
    kept |= {name: body[name] for name in ("name", "type", "access")}
    secrets = {**asked.org.source_secrets.get(uid, {}), **(body.get("secureJsonData") or {})}
    asked.org.source_secrets[uid] = {name: secret for name, secret in secrets.items() if secret}
    if kept["isDefault"]:
        for other in asked.org.sources.values():
            other["isDefault"] = False
    asked.org.sources[uid] = kept
    shown = _shown(double, asked, kept)
    return {"datasource": shown, "id": number, "message": message, "name": kept["name"]}


def _shown(_double: Any, asked: Asked, source: Object) -> Object:
    return {
        **source,
        "orgId": asked.org.id,
        "typeLogoUrl": _LOGOS.get(source["type"], "public/img/icn-datasource.svg"),
        "basicAuthUser": "",
        "withCredentials": False,
        "secureJsonFields": dict.fromkeys(asked.org.source_secrets.get(source["uid"], {}), True),
        "readOnly": False,
        "apiVersion": "",
    }


def _type_name(source: Object) -> str:
    return _TYPES.get(source["type"], source["type"])


def _check_url(url: str) -> None:
    if not url:
        return
    if urlsplit(url).scheme not in ("http", "https"):
        raise Refused(400, "Validation error, invalid URL")
