"""InfluxDB 2.x, through its API as operator (an all-access token cannot create an organisation)."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from core.errors import OperatorError, RejectedError
from core.secrets import Secrets
from provisioning.influxdb.actions import Plan
from provisioning.influxdb.desired import Database, Policy
from provisioning.influxdb.link import Credentials, Link
from provisioning.influxdb.plan_v2 import (
    CreateBucket,
    CreateMapping,
    CreateOrganisation,
    DeleteMapping,
    IssueToken,
    Live,
    LiveBucket,
    LiveMapping,
    LiveToken,
    MakeDefault,
    RevokeToken,
    UpdateBucket,
    V2Action,
    V2Step,
    actions_of,
    bucket_name,
    plan,
    token_label,
)

_PAGE = 100  # the most that it lists at once


class Influx2:
    """One server and one organisation in it."""

    warnings: tuple[str, ...] = ()  # it always asks for a token

    def __init__(self, link: Link, version: str, credentials: Credentials, organisation: str) -> None:
        self.url, self.version = link.url, version
        self._link, self._organisation = link, organisation
        self._headers = {"Authorization": f"Token {credentials.token}", "Content-Type": "application/json"}
        self._organisation_id: str | None = None

    def create_admin(self) -> bool:
        """Not for 2.x.

        Raises:
            OperatorError: `influxdb.setup`.
        """
        raise OperatorError(
            "influxdb.setup",
            "--create-admin is for InfluxDB 1.x",
            hint="set 2.x up with `influx setup`, then give its operator token in BEFFROI_INFLUXDB_ADMIN_TOKEN",
        )

    def plan(self, desired: tuple[Database, ...], secrets: Secrets) -> Plan[V2Step]:
        """What is, compared with what should be.

        Raises:
            OperatorError: `influxdb.refused`.
        """
        return plan(self._organisation, desired, self._read(), secrets)

    def perform(self, action: V2Action, secrets: Secrets, keep: Callable[[Secrets], None]) -> Secrets:
        """Run one step. A token is kept in the file as soon as it can be recognised there: whatever ends us before,
        the next run revokes it and issues another.
        """
        match action.step:
            case CreateOrganisation(name):
                self._organisation_id = self._call("POST", "/api/v2/orgs", {"name": name})["id"]
            case CreateBucket(name, policy):
                body = {"orgID": self._organisation_id, "name": name, "retentionRules": [_rule(policy)]}
                self._call("POST", "/api/v2/buckets", body)
            case UpdateBucket(bucket, policy):
                self._call("PATCH", f"/api/v2/buckets/{bucket}", {"retentionRules": [_rule(policy)]})
            case CreateMapping(database, policy):
                mapped: dict[str, Any] = {
                    "orgID": self._organisation_id,
                    "bucketID": self._bucket(bucket_name(database, policy)),
                    "database": database,
                    "retention_policy": policy.name,
                    "default": policy.default,
                }
                self._call("POST", "/api/v2/dbrps", mapped)
            case MakeDefault(mapping):
                self._call("PATCH", self._in_organisation(f"/api/v2/dbrps/{mapping}"), {"default": True})
            case DeleteMapping(mapping):
                self._call("DELETE", self._in_organisation(f"/api/v2/dbrps/{mapping}"))
            case IssueToken():
                return self._issue(action.step, secrets, keep)
            case RevokeToken(token):
                self._call("DELETE", f"/api/v2/authorizations/{token}")
        return secrets

    def _issue(self, step: IssueToken, secrets: Secrets, keep: Callable[[Secrets], None]) -> Secrets:
        buckets = [self._bucket(name) for name in step.buckets]
        body = {
            "orgID": self._organisation_id,
            "description": token_label(step.database, step.use),
            "permissions": [
                {"action": action, "resource": {"type": "buckets", "id": bucket, "orgID": self._organisation_id}}
                for action in actions_of(step.use)
                for bucket in buckets
            ],
        }
        made = self._call("POST", "/api/v2/authorizations", body)
        known = {"description": token_label(step.database, step.use, made["token"])}
        self._call("PATCH", f"/api/v2/authorizations/{made['id']}", known)
        changed = secrets.with_value(step.use.table, step.database, made["token"])
        keep(changed)
        return changed

    def _read(self) -> Live:
        # the filter answers 404 or an empty list where there is none, by version
        told = self._call("GET", f"/api/v2/orgs?{urlencode({'org': self._organisation})}", missing={"orgs": []})
        found = [org["id"] for org in told["orgs"] if org["name"] == self._organisation]
        self._organisation_id = found[0] if found else None
        if self._organisation_id is None:
            return Live()
        return Live(
            self._organisation_id,
            {bucket["name"]: _live_bucket(bucket) for bucket in self._buckets()},
            {
                (mapping["database"], mapping["retention_policy"]): LiveMapping(
                    mapping["id"], mapping["bucketID"], bool(mapping["default"])
                )
                for mapping in self._call("GET", self._in_organisation("/api/v2/dbrps"))["content"]
                # one that the server only imagines from a bucket's name has the bucket's id
                if not mapping.get("virtual") and mapping["id"] != mapping["bucketID"]
            },
            [
                _live_token(t)
                for t in self._call("GET", self._in_organisation("/api/v2/authorizations"))["authorizations"]
            ],
        )

    def _buckets(self) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self._call("GET", self._in_organisation("/api/v2/buckets", limit=_PAGE, offset=offset))["buckets"]
            yield from page
            offset += _PAGE
            if len(page) < _PAGE:
                return

    def _bucket(self, name: str) -> str:
        """The id of a bucket that this run may have made."""
        told = self._call("GET", self._in_organisation("/api/v2/buckets", name=name), missing={"buckets": []})
        for bucket in told["buckets"]:
            if bucket["name"] == name:
                return str(bucket["id"])
        raise RejectedError("influxdb.changed", f"bucket {name} is gone meanwhile", hint="apply again")

    def _in_organisation(self, path: str, **more: str | int) -> str:
        return f"{path}?{urlencode({'orgID': self._organisation_id, **more})}"

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, missing: dict[str, Any] | None = None
    ) -> Any:
        """The answer's JSON; `missing` where it is a 404."""
        answer = self._link.request(
            method, path, headers=self._headers, body=None if body is None else json.dumps(body).encode()
        )
        if answer.status == 204:
            return {}
        if 200 <= answer.status < 300:
            return answer.json()
        if answer.status == 404 and missing is not None:
            return missing
        if answer.status in (401, 403):
            raise OperatorError(
                "influxdb.refused",
                f"{self.url} refuses the operator token: {answer.told()}",
                hint="give an operator token in BEFFROI_INFLUXDB_ADMIN_TOKEN or --admin-file (`influx auth list`)",
            )
        raise RejectedError(
            "influxdb.statement",
            f"{self.url} refuses a step ({method} {path.split('?')[0]}): {answer.told()}",
            hint="what was applied stays; put it right and apply again",
        )


def _rule(policy: Policy) -> dict[str, Any]:
    return {"type": "expire", "everySeconds": policy.keep_s, "shardGroupDurationSeconds": policy.shard_s}


def _live_bucket(bucket: dict[str, Any]) -> LiveBucket:
    rule: dict[str, int] = next(iter(bucket["retentionRules"]), {})  # none: for ever
    return LiveBucket(bucket["id"], rule.get("everySeconds", 0), rule.get("shardGroupDurationSeconds", 0))


def _live_token(token: dict[str, Any]) -> LiveToken:
    rights = frozenset(
        (right["action"], right["resource"].get("id", "") if right["resource"]["type"] == "buckets" else "*")
        for right in token["permissions"]
    )
    return LiveToken(token["id"], token.get("description", ""), rights, token["status"] == "active")
