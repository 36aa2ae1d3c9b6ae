"""The Grafana double answers as the recorded server did: every replayed call, its status, and its body after what
the server makes up by itself is taken away.
"""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.grafana_double import ADMIN, GrafanaDouble

RECORDINGS = Path(__file__).parents[1] / "grafana_api"
FOLDERS = (  # as they were recorded, on one server
    *("orgs", "datasources", "folders", "dashboards", "preferences", "users", "org-users", "playlists"),
    *("new-org", "rules", "contact-points", "templates", "mute-timings", "policies"),
)
# Made by the server, other in each run: numbers, uids, times, hashes, pictures. `version` of a template is a hash.
SERVER_MADE = frozenset(
    {
        *("id", "dashboardId", "folderId", "userId", "created", "updated", "lastSeenAt", "lastSeenAtAge"),
        *("accessErrorId", "avatarUrl", "typeLogoUrl"),
    }
)
HASHED = ("templates", "mute-timings")
PEOPLE = {
    "server admin": ADMIN,
    "viewer": ("agent.alpha", "agent-pass-1"),
    "disabled user": ("agent.beta", "agent-pass-3"),
}
CUT = frozenset(  # recorded with a few keys of the answer alone
    {
        *("dashboards/05b-get-after-same", "rules/05b-provenance-list", "rules/06b-provenance-list"),
        *("rules/06d-provenance-list", "rules/06f-provenance-list", "rules/07c-provenance-list", "rules/22-get"),
        *("rules/26b-list", "rules/34aa-get"),
    }
)
MADE = re.compile(r"[a-z]g5amm[a-z0-9]{8}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BOARD = {"uid": "", "title": "", "panels": []}
RULE = {"uid": "z1", "title": "Z", "condition": "A", "for": "0s", "noDataState": "OK", "execErrState": "OK", "data": []}


def recorded(folder: str) -> Iterator[dict[str, Any]]:
    for line in (RECORDINGS / f"{folder}.jsonl").read_text("utf-8").rstrip("\n").split("\n"):
        yield json.loads(line)


SAVED = next(call["body"] for call in recorded("dashboards") if call["name"] == "dashboards/01-create")

# Calls that were made between the recorded ones, and are needed to stand where they stood.
BEFORE: dict[str, list[tuple[str, str, int, Any]]] = {
    "orgs/01-create": [
        ("POST", "/api/admin/users", 1, {"login": "second", "email": "second@example.org", "password": "second-pass"})
    ],
    "folders/42-delete-with-dashboard": [
        ("POST", "/api/folders", 2, {"uid": "f-del", "title": "Del"}),
        (
            "POST",
            "/api/dashboards/db",
            2,
            {"dashboard": {**BOARD, "uid": "in-del", "title": "D"}, "folderUid": "f-del"},
        ),
    ],
    "orgs/26b-leave": [("POST", "/api/orgs/5/users", 1, {"loginOrEmail": "second", "role": "Admin"})],
    "dashboards/01-create": [("POST", "/api/folders", 2, {"uid": "f-boards", "title": "Tableaux"})],
    "dashboards/39-exact-values": [
        (
            "POST",
            "/api/dashboards/db",
            2,
            {
                "dashboard": {
                    "uid": "exact",
                    "title": "Exact",
                    "panels": [],
                    "a": 1.0,
                    "b": 0.1,
                    "c": 12345678901234567890,
                    "d": None,
                    "e": "é\u2028<&>",
                    "f": [],
                    "g": {},
                    "h": 1e21,
                    "i": 48.4536,
                }
            },
        )
    ],
    "dashboards/15-empty-title": [  # back into its folder, with the body that the recordings of dashboards begin with
        ("POST", "/api/dashboards/db", 2, {**SAVED, "overwrite": True})
    ],
    "preferences/13-home-deleted": [
        (
            "PUT",
            "/api/org/preferences",
            2,
            {"theme": "light", "timezone": "Europe/Paris", "weekStart": "monday", "language": "fr-FR"},
        )
    ],
    "rules/41-counts": [
        ("POST", "/api/folders", 2, {"uid": "f-alertes", "title": "Alertes"}),
        (
            "PUT",
            "/api/v1/provisioning/folder/f-alertes/rule-groups/g0",
            2,
            {"title": "g0", "interval": 60, "rules": [RULE]},
        ),
    ],
    "rules/44-datasource-delete-in-use": [
        (
            "POST",
            "/api/datasources",
            4,
            {"uid": "ds-td", "name": "TestData", "type": "grafana-testdata-datasource", "access": "proxy"},
        )
    ],
    "new-org/12-rule-group": [("POST", "/api/folders", 6, {"uid": "f-a", "title": "A"})],
    "rules/01-get-missing-group": [("POST", "/api/folders", 2, {"uid": "f-alertes", "title": "Alertes"})],
}


class Replay:
    """One server, all folders in the order in which they were recorded."""

    def __init__(self) -> None:
        self.now_ms = 1_795_547_765_000
        self.double = GrafanaDouble(clock=lambda: self.now_ms, alertmanager_s=60)
        self.made: dict[str, str] = {}  # a uid that the server made → the double's

    def ask(
        self, method: str, path: str, who: str, org: str | None, body: Any, editable: str | None
    ) -> tuple[int, Any]:
        headers = {"authorization": "Basic " + base64.b64encode(":".join(PEOPLE[who]).encode()).decode()}
        if org is not None:
            headers["x-grafana-org-id"] = org
        if editable is not None:
            headers["x-disable-provenance"] = editable
        for real, ours in self.made.items():
            path = path.replace(real, ours)
        content = b"" if body is None else json.dumps(body).encode()
        return self.double.answer(method, path, headers, content)

    def call(self, call: dict[str, Any]) -> tuple[int, Any]:
        if call["name"] == "new-org/20-contact-points-ready":
            self.now_ms += 60_000
        for method, path, org, body in BEFORE.get(call["name"], ()):
            status, answer = self.ask(method, path, "server admin", str(org), body, None)
            assert status < 300, (method, path, answer)
        status, answer = self.ask(
            call["method"], call["path"], call["who"], call.get("org"), call.get("body"), call.get("editable")
        )
        self._learn(call.get("answer"), answer)
        return status, answer

    def _learn(self, real: Any, ours: Any) -> None:
        if isinstance(real, dict) and isinstance(ours, dict):
            uids = real.get("uid"), ours.get("uid")
            if all(isinstance(uid, str) and uid for uid in uids) and MADE.fullmatch(uids[0]):
                self.made[uids[0]] = uids[1]
            for name in real.keys() & ours.keys():
                self._learn(real[name], ours[name])
        elif isinstance(real, list) and isinstance(ours, list):
            for one, other in zip(real, ours, strict=False):
                self._learn(one, other)

    def plain(self, answer: Any, folder: str) -> Any:
        """Without what the server makes up, and with its uids as the double's."""
        if isinstance(answer, dict):
            hidden = SERVER_MADE | ({"version"} if folder in HASHED else frozenset())
            return {name: self.plain(value, folder) for name, value in answer.items() if name not in hidden}
        if isinstance(answer, list):
            return [self.plain(member, folder) for member in answer]
        if isinstance(answer, str):
            for real, ours in self.made.items():
                answer = answer.replace(real, ours)
        return answer


REPLAYED = [(folder, call) for folder in FOLDERS for call in recorded(folder)]


def as_cut(says: Any, told: Any) -> Any:
    """The part of an answer that was recorded."""
    if isinstance(says, dict) and isinstance(told, dict):
        return {name: as_cut(says.get(name, ""), told[name]) for name in told}
    if isinstance(says, list) and isinstance(told, list) and len(says) == len(told):
        return [as_cut(one, other) for one, other in zip(says, told, strict=True)]
    return says


@pytest.fixture(scope="module")
def answers() -> dict[str, tuple[Any, Any]]:
    """Every call of every folder, in order: what was recorded, and what the double says."""
    replay = Replay()
    found = {}
    for folder, call in REPLAYED:
        status, answer = replay.call(call)
        told, says = replay.plain(call.get("answer"), folder), replay.plain(answer, folder)
        if call["name"] in CUT:
            says = as_cut(says, told)
        found[call["name"]] = ((call["status"], told), (status, says))
    return found


@pytest.mark.parametrize("name", [call["name"] for _, call in REPLAYED])
def test_the_double_answers_as_recorded(name: str, answers: dict[str, tuple[Any, Any]]) -> None:
    """Status and body."""
    told, says = answers[name]
    assert says == told
