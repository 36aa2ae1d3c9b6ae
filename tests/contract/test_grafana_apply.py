"""What an apply does to a Grafana, against the double that answers as a real one was recorded."""

import pytest

from core.errors import ExitCode, NotConnected, OperatorError
from core.plan import Cause, Change, InterruptedApplyError, render
from grafana import resources as r
from grafana.apply import apply, survey
from tests.support.grafana_scene import FOLDER, Scene, board, organisation, rule


def writes(scene: Scene, start: int = 0) -> list[tuple[str, str]]:
    return [(method, path) for method, path in scene.double.asked[start:] if method != "GET"]


def test_a_second_apply_writes_nothing() -> None:
    """Not a board is saved again: each save would be a version."""
    scene, desired = Scene(), organisation("ccpvm")
    assert scene.apply(desired).done == len(desired)
    start = len(scene.double.asked)
    assert scene.apply(desired).done == 0
    assert writes(scene, start) == []
    boards = scene.double.organisation("Commune ccpvm").boards.values()
    assert {(len(one.versions), one.folder) for one in boards} == {(1, FOLDER)}
    assert all(one.versions[0]["message"] == "Initial save" for one in boards)


def test_organisations_first_alerting_last() -> None:
    """So that all Alertmanagers come up while boards are written: one of two new organisations is waited for."""
    scene = Scene(alertmanager_s=56)
    desired = organisation("ccpvm") + organisation("esternay")
    assert scene.apply(desired).failures == ()
    paths = [path for _, path in writes(scene)]
    assert paths[:2] == ["/api/orgs", "/api/orgs"]
    alerting = [number for number, path in enumerate(paths) if "/api/v1/provisioning" in path]
    assert [path for path in paths[: alerting[0]] if path == "/api/dashboards/db"] == ["/api/dashboards/db"] * 18
    assert {note.split(":")[0] for note in scene.notes} == {"ccpvm"}
    assert sum(scene.hands.pauses) == 60


def test_an_alertmanager_that_does_not_come() -> None:
    """A minute is waited, with a line of progress; that organisation's alerting is left for the next apply."""
    scene, desired = Scene(alertmanager_s=300), organisation("ccpvm")
    outcome = scene.apply(desired)
    assert [(failure.error.code, failure.action.key.kind) for failure in outcome.failures] == [
        ("grafana.no_alertmanager", "contact point")
    ]
    assert (outcome.of - outcome.done, sum(scene.hands.pauses)) == (4, 60)
    assert scene.notes[-1] == "ccpvm: waiting for its Alertmanager, 55 s of 60"
    plan = scene.survey(desired).plan
    assert {(action.key.kind, action.cause) for action in plan.actions} == {
        (kind, Cause.DECLARED) for kind in ("contact point", "template", "policies", "rule group")
    }
    scene.hands.ms += 300_000
    assert scene.apply(desired).done == 4


def test_what_operators_add_is_left_alone() -> None:
    """Their board, rules, receiver, route, user: named as not ours, and there after an apply that prunes."""
    scene, desired = Scene(), organisation("ccpvm")
    scene.apply(desired)
    with scene.grafana() as grafana:
        org = scene.double.organisation("Commune ccpvm").id
        grafana.save_dashboard(org, board("mine", title="Mien"), folder="", message="")
        grafana.save_dashboard(org, {**board("beffroi-copy"), "tags": []}, folder="", message="")
        grafana.put_rule_group(org, "beffroi-alertes", "theirs", {"interval": 60, "rules": [rule("theirs")]})
        point = {"uid": "theirs", "name": "theirs", "type": "email", "settings": {"addresses": "a@b.example"}}
        grafana.create_contact_point(org, point)
        tree = grafana.policies(org)
        tree = {**tree, "receiver": "theirs", "routes": [*tree["routes"], {"receiver": "theirs"}]}
        grafana.put_policies(org, tree, editable=True)
        grafana.create_user(org, login="maire", name="", email="maire@x.example", password="pass-word")
    seen = scene.survey(desired, prune=True)
    assert seen.plan.actions == ()
    assert {left.key.id for left in seen.plan.left} == {
        *("Main Org.", "mine", "beffroi-copy", "beffroi-alertes/theirs", "theirs", "maire")
    }
    assert not any(left.ours for left in seen.plan.left)
    fewer = [one for one in desired if one.kind in ("organisation", "data source")]
    outcome = scene.apply(fewer, prune=True)
    assert (outcome.failures, outcome.done) == ((), len(desired) - len(fewer) - 2)  # preferences, and the folder in use
    live = scene.double.organisation("Commune ccpvm")
    assert (set(live.boards), set(live.folders)) == ({"mine", "beffroi-copy"}, {"beffroi-alertes"})
    assert list(live.groups) == [("beffroi-alertes", "theirs")]
    assert live.tree == {
        "receiver": "theirs",
        "group_by": ["grafana_folder", "alertname"],
        "routes": [{"receiver": "theirs"}],
    }
    assert [point["uid"] for point in live.points] == ["theirs"]
    assert sorted(scene.double.users[user].login for user in live.members) == ["admin", "maire"]


def test_a_folder_is_looked_into_right_before_it_goes() -> None:
    """Grafana deletes the boards inside without asking: somebody may have put one there after the survey."""
    scene, desired = Scene(), organisation("ccpvm", boards=1)
    scene.apply([*desired, r.folder("ccpvm", "beffroi-old", "Old")])
    with scene.grafana() as grafana:
        seen = survey(grafana, desired, prune=True)
        org = scene.double.organisation("Commune ccpvm").id
        grafana.save_dashboard(org, board("mine"), folder="beffroi-old", message="")
        outcome = apply(grafana, seen, clock=scene.hands, pause=scene.hands.pause)
    assert [failure.error.code for failure in outcome.failures] == ["grafana.folder_in_use"]
    assert "mine" in scene.double.organisation("Commune ccpvm").boards


def test_nothing_is_deleted_without_prune() -> None:
    """What is no longer declared is named, and stays."""
    scene, desired = Scene(), organisation("ccpvm")
    scene.apply(desired)
    plan = scene.survey(desired[:2]).plan
    assert not plan.actions
    assert "--prune deletes): beffroi-b0, beffroi-b1" in render(plan, unchanged="")


def test_a_whole_organisation_goes_only_when_it_is_ours() -> None:
    """Known by the ledger in it; the one that was always there stays."""
    scene = Scene()
    scene.apply(organisation("ccpvm") + organisation("esternay"))
    with scene.grafana() as grafana:
        grafana.create_organisation("Somebody else's")
    outcome = scene.apply(organisation("ccpvm"), prune=True)
    assert outcome.done == 1
    assert sorted(one.name for one in scene.double.organisations.values()) == [
        *("Commune ccpvm", "Main Org.", "Somebody else's")
    ]


def test_a_renamed_tenant_keeps_its_organisation() -> None:
    """And everything in it: it is known by its ledger."""
    scene = Scene()
    scene.apply(organisation("ccpvm"))
    renamed = organisation("ccpvm", name="Porte des Vosges")
    plan = scene.survey(renamed).plan
    assert [(action.change, action.key.kind) for action in plan.actions] == [(Change.UPDATE, "organisation")]
    scene.apply(renamed)
    assert len(scene.double.organisation("Porte des Vosges").boards) == 9
    assert scene.survey(renamed).plan.actions == ()


def test_a_rotated_secret_is_seen_and_sent() -> None:
    """The server never shows one; a secret that is no longer declared is taken away."""
    scene = Scene()
    scene.apply(organisation("ccpvm"))
    rotated = organisation("ccpvm", password="s3cr3t-2", hmac="h-2")
    plan = scene.survey(rotated).plan
    assert [str(action.key) for action in plan.actions] == [
        *("data source ccpvm/beffroi-influxdb", "contact point ccpvm/beffroi-astreinte")
    ]
    assert {action.cause for action in plan.actions} == {Cause.CODE}
    scene.apply(rotated)
    org = scene.double.organisation("Commune ccpvm")
    assert org.source_secrets[r.LEDGER] == {"password": "s3cr3t-2"}
    assert org.points[0]["settings"]["hmacConfig"] == {"secret": "h-2"}
    assert scene.survey(rotated).plan.actions == ()
    without = organisation("ccpvm", password="", hmac="")
    scene.apply(without)
    assert org.source_secrets[r.LEDGER] == {}
    assert "hmacConfig" not in org.points[0]["settings"]
    ledger = str(org.sources[r.LEDGER]["jsonData"]["beffroi"])
    assert not [word for word in ("s3cr3t", "h-1", "h-2") if word in ledger]


def test_one_refusal_ends_the_steps_of_its_organisation_alone() -> None:
    """A user without a first password: told, and everybody else gets what is his."""
    scene = Scene()
    bad = [*organisation("ccpvm"), r.member("ccpvm", "neu", "Viewer", email="neu@x.example")]
    outcome = scene.apply(bad + organisation("esternay"))
    assert [failure.error.code for failure in outcome.failures] == ["grafana.no_password"]
    assert len(scene.double.organisation("Commune ccpvm").boards) == 9
    assert not scene.double.organisation("Commune ccpvm").groups
    assert len(scene.double.organisation("Commune esternay").groups) == 1
    assert {action.key.scope for action in scene.survey(bad + organisation("esternay")).plan.actions} == {"ccpvm"}


@pytest.mark.parametrize(
    "error", [NotConnected("grafana.unreachable", "gone"), OperatorError("grafana.refused", "401")]
)
def test_a_server_that_goes_away_ends_it_all(error: NotConnected | OperatorError) -> None:
    """How far it came is said, with the exit code of what ended it; again, it goes on from there."""
    scene, desired = Scene(), organisation("ccpvm")

    def away(_number: int, method: str, path: str) -> None:
        if (method, path) == ("POST", "/api/playlists"):
            raise error

    scene.double.interrupt = away
    with pytest.raises(InterruptedApplyError) as caught:
        scene.apply(desired)
    assert (caught.value.code, caught.value.exit_code) == (error.code, error.exit_code)
    assert "(13 of 22 steps applied)" in caught.value.message
    assert error.exit_code in (ExitCode.UNREACHABLE, ExitCode.REFUSED)
    scene.double.interrupt = lambda *_: None
    assert scene.apply(desired).done == 22 - 13


def test_a_locked_sqlite_delays_and_no_more() -> None:
    """Two 500s in the middle of it."""
    scene, desired = Scene(), organisation("ccpvm")

    def lock(_number: int, method: str, path: str) -> None:
        if (method, path) == ("POST", "/api/folders"):
            scene.double.interrupt = lambda *_: None
            scene.double.lock(2)

    scene.double.interrupt = lock
    assert scene.apply(desired).failures == ()
    assert scene.hands.pauses == [0.25, 0.5]


def test_the_tree_stays_in_the_hands_it_was_in() -> None:
    """Open to the operator, as it was; and under another tool's ownership where it was that, for Grafana refuses to
    give it back."""
    scene, desired = Scene(), organisation("ccpvm")
    scene.apply(desired)
    org = scene.double.organisation("Commune ccpvm")
    assert "provenance" not in org.tree
    org.tree = {"receiver": "grafana-default-email", "routes": [{"receiver": "email receiver"}], "provenance": "api"}
    assert scene.apply(desired).failures == ()
    assert org.tree["provenance"] == "api"
    assert [route["receiver"] for route in org.tree["routes"]] == ["beffroi-astreinte", "email receiver"]


def test_another_s_route_before_ours_is_put_behind() -> None:
    """The first that matches wins: ours stand first."""
    scene, desired = Scene(), organisation("ccpvm")
    scene.apply(desired)
    org = scene.double.organisation("Commune ccpvm")
    org.tree["routes"].insert(0, {"receiver": "email receiver"})
    assert [str(action.key) for action in scene.survey(desired).plan.actions] == ["policies ccpvm/-"]
    scene.apply(desired)
    assert [route["receiver"] for route in org.tree["routes"]] == ["beffroi-astreinte", "email receiver"]


def test_organisations_never_mix() -> None:
    """After 3 tenants are applied, the organisation that was there is empty, and each has its own database alone."""
    scene = Scene()
    scopes = ("a", "b", "c")
    scene.apply([one for scope in scopes for one in organisation(scope)])
    main = scene.double.organisation("Main Org.")
    assert [*main.boards, *main.folders, *main.sources, *main.points, *main.groups, *main.playlists] == []
    for scope in scopes:
        org = scene.double.organisation(f"Commune {scope}")
        assert [source["jsonData"]["dbName"] for source in org.sources.values()] == [scope]
        assert {scene.double.users[user].login for user in org.members} == {
            "admin",
            *(f"agent{n}.{scope}" for n in range(3)),
        }


def test_what_cannot_be_surveyed() -> None:
    """Faults of the code that declares, told before a request is sent."""
    scene = Scene()
    for desired, told in (
        (organisation("a", name="X") + organisation("b", name="X"), "one name"),
        ([r.folder("a", "beffroi-x", "X")], "no organisation"),
        ([r.organisation("a", "A")], "no data source"),
    ):
        with pytest.raises(ValueError, match=told):
            scene.survey(desired)
    assert scene.double.asked == []
