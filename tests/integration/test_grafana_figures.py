"""Grafana's double over a real socket; how long a region takes, every request counted (`-s` shows the figures)."""

import sys
import time

from core.plan import Resource
from grafana.api import Grafana
from grafana.apply import apply, survey
from grafana.client import SERVER, Client, Credentials
from tests.servers.grafana_double import ADMIN
from tests.support.grafana_scene import Scene, organisation

TENANTS = 150


def test_over_http() -> None:
    """The double over a real socket: one connection, all its answers."""
    scene = Scene()
    with scene.double.serve() as url, Client(url, Credentials(*ADMIN)) as client:
        grafana = Grafana(client)
        org = grafana.create_organisation("Commune Alpha")
        assert grafana.templates(org) == []
        assert grafana.organisations() == [(org, "Commune Alpha"), (1, "Main Org.")]
        assert grafana.version() == "12.2.0"


def test_150_organisations() -> None:
    """Over HTTP on loopback: a plan within 60 s and 25 requests an organisation, a bare apply within 5 min and 80."""
    scene = Scene(alertmanager_s=56)
    hands = scene.hands
    desired: list[Resource] = [one for number in range(TENANTS) for one in organisation(f"t{number:03}")]
    with scene.double.serve() as url, Client(url, Credentials(*ADMIN), pause=hands.pause) as client:
        grafana = Grafana(client)

        def measured(most: int, began_s: float, name: str) -> float:
            """Seconds; no organisation had more than `most` requests, the server itself about one for each."""
            spent_s = time.monotonic() - began_s
            sent = {org: number for org, number in client.requests.items() if org != SERVER}
            assert max(sent.values()) <= most
            assert client.requests[SERVER] <= TENANTS + 5
            requests = sum(client.requests.values()) / TENANTS
            sys.stdout.write(f"{name} of {TENANTS} organisations: {spent_s:.1f} s, {requests:.1f} requests each\n")
            client.requests.clear()
            return spent_s

        began_s = time.monotonic()
        seen = survey(grafana, desired)
        outcome = apply(grafana, seen, clock=hands, pause=hands.pause)
        assert (outcome.failures, outcome.done) == ((), len(desired))
        assert measured(80, began_s, "bare apply") <= 300
        began_s = time.monotonic()
        assert survey(grafana, desired).plan.actions == ()
        assert measured(25, began_s, "plan") <= 60
