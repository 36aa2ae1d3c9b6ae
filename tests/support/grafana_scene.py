"""An organisation as `beffroi boards` declares one, and a Grafana double to apply it to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.plan import Resource
from grafana import resources as r
from grafana.api import Grafana
from grafana.apply import Outcome, Survey, apply, survey
from grafana.client import Client, Credentials
from tests.servers.grafana_double import ADMIN, GrafanaDouble

START_MS = 1_795_547_765_000
FOLDER = "beffroi-tableaux"


class Hands:
    """A clock that goes on only while somebody waits."""

    def __init__(self) -> None:
        self.ms = START_MS
        self.pauses: list[float] = []

    def now_ms(self) -> int:
        return self.ms

    def mono_ms(self) -> int:
        return self.ms

    def synced(self) -> bool:
        return True

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.ms += round(seconds * 1000)


class Scene:
    """A double, its clock, and what is applied to it."""

    def __init__(self, *, alertmanager_s: int = 0) -> None:
        self.hands = Hands()
        self.double = GrafanaDouble(clock=self.hands.now_ms, alertmanager_s=alertmanager_s)
        self.notes: list[str] = []

    @contextmanager
    def grafana(self) -> Iterator[Grafana]:
        with Client(
            "http://127.0.0.1:3000",
            Credentials(*ADMIN),
            pause=self.hands.pause,
            transport=self.double.transport(),
        ) as client:
            yield Grafana(client)

    def survey(self, desired: list[Resource], *, prune: bool = False) -> Survey:
        with self.grafana() as grafana:
            return survey(grafana, desired, prune=prune)

    def apply(self, desired: list[Resource], *, prune: bool = False) -> Outcome:
        """Survey and apply, on one connection."""
        with self.grafana() as grafana:
            seen = survey(grafana, desired, prune=prune)
            return apply(grafana, seen, clock=self.hands, pause=self.hands.pause, note=self.notes.append)


def board(uid: str, *, title: str = "", panels: int = 3, **more: Any) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title or uid,
        "tags": [r.TAG],
        "schemaVersion": 41,
        "panels": [
            {"id": number, "type": "stat", "title": f"P{number}", "gridPos": {"x": 0, "y": number, "w": 6, "h": 4}}
            for number in range(1, panels + 1)
        ],
        **more,
    }


def rule(uid: str, **more: Any) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": uid,
        "condition": "C",
        "for": "300s",
        "noDataState": "Alerting",
        "execErrState": "Error",
        "data": [
            {
                "refId": "A",
                "datasourceUid": r.LEDGER,
                "relativeTimeRange": {"from": 900, "to": 0},
                "model": {"refId": "A", "rawQuery": True, "query": "SELECT …", "resultFormat": "time_series"},
            },
            {
                "refId": "C",
                "datasourceUid": "__expr__",
                "model": {"refId": "C", "type": "threshold", "expression": "A"},
            },
        ],
        **more,
    }


def organisation(
    scope: str, *, name: str = "", boards: int = 9, password: str = "s3cr3t-1", hmac: str = "h-1", people: int = 3
) -> list[Resource]:
    """Everything that one tenant has."""
    uids = [f"beffroi-b{number}" for number in range(boards)]
    return [
        r.organisation(scope, name or f"Commune {scope}"),
        r.data_source(
            scope,
            r.LEDGER,
            name="InfluxDB",
            url="http://127.0.0.1:8086",
            user=f"{scope}-read",
            default=True,
            json_data={"dbName": scope, "httpMode": "GET", "version": "InfluxQL"},
            secrets={"password": password},
        ),
        r.folder(scope, FOLDER, "Tableaux"),
        r.folder(scope, "beffroi-alertes", "Alertes"),
        *(r.dashboard(scope, FOLDER, board(uid)) for uid in uids),
        r.playlist(scope, "beffroi-mur", name="Mur", interval="1m", boards=uids[:2]),
        r.preferences(scope, home=uids[0]),
        *(
            r.member(
                scope, f"agent{number}.{scope}", "Viewer", email=f"a{number}@{scope}.example", password="pass-word"
            )
            for number in range(people)
        ),
        r.contact_point(
            scope,
            "beffroi-astreinte",
            name="beffroi-astreinte",
            type="webhook",
            settings={"url": "https://relais.example/hook", "httpMethod": "POST"},
            secrets={"hmacConfig.secret": hmac},
        ),
        r.template(scope, "beffroi-fr", '{{ define "beffroi.titre" }}Alerte{{ end }}'),
        r.policies(
            scope,
            [
                {
                    "receiver": "beffroi-astreinte",
                    "object_matchers": [["beffroi", "=", "muet"]],
                    "repeat_interval": "24h",
                }
            ],
        ),
        r.rule_group(scope, "beffroi-alertes", "beffroi-pipeline", interval_s=60, rules=[rule("beffroi-muet")]),
    ]
