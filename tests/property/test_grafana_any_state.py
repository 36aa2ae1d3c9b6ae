"""Any declared state, any state before it, ended anywhere: apply leads there, and a second apply has nothing to do."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.plan import Cause, Resource, render
from core.secrets import Masked
from grafana import resources as r
from tests.support.grafana_scene import FOLDER, Scene, board, organisation, rule

SCOPES = ("ccpvm", "esternay")
numbers = st.integers(-5, 5) | st.sampled_from([1.0, 0.5, 48.4536, 12345678901234567890, 1e21])
texts = st.sampled_from(["", "a", "é <&>", "\u2028", "{{ x }}"])
settings_ = st.dictionaries(
    st.sampled_from(["unit", "min", "é"]), numbers | texts | st.none() | st.lists(numbers, max_size=2)
)
durations = st.sampled_from(["0s", "60s", "1m", "90m", "24h", "1h30m", "5m"])


@st.composite
def tenants(draw: Any, scope: str) -> list[Resource]:
    """What one tenant has; now and then less than all of it."""
    found: list[Resource] = [r.organisation(scope, draw(st.sampled_from([f"Commune {scope}", f"Ville {scope}"])))]
    found.append(
        r.data_source(
            scope,
            r.LEDGER,
            name="InfluxDB",
            url=draw(st.sampled_from(["http://a.example", "http://b.example"])),
            json_data={"dbName": scope, **draw(settings_)},
            secrets=draw(st.dictionaries(st.sampled_from(["password", "token"]), st.sampled_from(["s1", "s2"]))),
            default=draw(st.booleans()),
        )
    )
    if draw(st.booleans()):
        found.append(r.data_source(scope, "beffroi-other", name="Other", url="http://c.example", json_data={}))
    found.append(r.folder(scope, FOLDER, draw(st.sampled_from(["Tableaux", "Boards"]))))
    if extra := draw(st.booleans()):
        found.append(r.folder(scope, "beffroi-extra", "Extra"))
    uids = draw(st.lists(st.sampled_from(["beffroi-a", "beffroi-b", "beffroi-c"]), unique=True, max_size=3))
    for uid in uids:
        where = draw(st.sampled_from([FOLDER, "beffroi-extra"])) if extra else FOLDER
        found.append(r.dashboard(scope, where, board(uid, panels=draw(st.integers(0, 2)), options=draw(settings_))))
    if uids:
        found.append(r.playlist(scope, "beffroi-mur", name="Mur", interval=draw(durations), boards=uids))
        found.append(r.preferences(scope, home=uids[0], theme=draw(st.sampled_from(["light", "dark"]))))
    found += [
        r.member(scope, login, draw(st.sampled_from(r.ROLES)), email=f"{login}@a.example", password="pass-word")
        for login in draw(st.lists(st.sampled_from(["agent", "maire"]), unique=True))
    ]
    if draw(st.booleans()):
        secrets = draw(
            st.dictionaries(st.sampled_from(["hmacConfig.secret", "password"]), st.sampled_from(["h1", "h2"]))
        )
        found.append(
            r.contact_point(
                scope,
                "beffroi-cp",
                name="beffroi-cp",
                type="webhook",
                settings={"url": "http://x.example", **draw(settings_)},
                secrets=secrets,
            )
        )
        routes = draw(
            st.lists(st.fixed_dictionaries({"receiver": st.just("beffroi-cp"), "group_wait": durations}), max_size=2)
        )
        if routes:
            found.append(r.policies(scope, routes))
    if draw(st.booleans()):
        text = draw(st.sampled_from(["Bonjour", " Bonjour\nà tous ", '{{ define "x" }}y{{ end }}\n']))
        found.append(r.template(scope, "beffroi-fr", text))
    if draw(st.booleans()):
        rules = [rule("beffroi-muet", **{"for": draw(durations)}), rule("beffroi-r2", labels={"a": "b"})]
        rules = rules[: draw(st.integers(1, 2))]
        found.append(r.rule_group(scope, FOLDER, "beffroi-g", interval_s=draw(st.sampled_from([10, 60])), rules=rules))
    return found


states = st.tuples(*(st.none() | tenants(scope) for scope in SCOPES)).map(
    lambda pair: [one for part in pair if part for one in part]
)


class Killed(BaseException):
    """The process is gone."""


def settled(scene: Scene, desired: list[Resource]) -> None:
    """Nothing is left to do, nor is anything of ours there that is not declared (but what holds no ledger)."""
    plan = scene.survey(desired, prune=True).plan
    assert plan.actions == (), render(plan, unchanged="")
    assert not [left for left in plan.left if left.ours]


@settings(max_examples=40, deadline=None)
@given(states, states, st.sampled_from([0, 56]))
def test_apply_then_plan_is_nothing(before: list[Resource], after: list[Resource], alertmanager_s: int) -> None:
    """From nothing to one state and on to another, with everything that is ours pruned."""
    scene = Scene(alertmanager_s=alertmanager_s)
    for desired in (before, after):
        outcome = scene.apply(desired, prune=True)
        assert (outcome.failures, outcome.done) == ((), outcome.of)
        settled(scene, desired)


@settings(max_examples=60, deadline=None)
@given(states, states, states, st.floats(0, 1, exclude_max=True), st.booleans(), st.sampled_from([0, 56]))
def test_killed_between_any_two_requests(
    before: list[Resource],
    after: list[Resource],
    then: list[Resource],
    where: float,
    answered: bool,
    alertmanager_s: int,
) -> None:
    """Before a request or after it, its answer lost: the next apply leads there or elsewhere, and blames nobody."""
    scene, rehearsal = Scene(alertmanager_s=alertmanager_s), Scene(alertmanager_s=alertmanager_s)
    scene.apply(before, prune=True)
    rehearsal.apply(before, prune=True)
    start = len(scene.double.asked)
    rehearsal.apply(after, prune=True)
    last = start + int(where * (len(rehearsal.double.asked) - start))

    def kill(number: int, *_: str) -> None:
        if number == last:
            raise Killed

    if answered:
        scene.double.lose = kill
    else:
        scene.double.interrupt = kill
    with pytest.raises(Killed):
        scene.apply(after, prune=True)
    scene.double.lose = scene.double.interrupt = lambda *_: None
    for desired in (after, then):
        causes = {action.cause for action in scene.survey(desired, prune=True).plan.actions}
        assert not causes & {Cause.HAND, Cause.GONE}
    outcome = scene.apply(after, prune=True)
    assert (outcome.failures, outcome.done) == ((), outcome.of)
    settled(scene, after)


def _by_hand(scene: Scene, edit: str) -> None:
    org = scene.double.organisation("Commune ccpvm")
    edits: dict[str, Callable[[], object]] = {
        "board title": lambda: org.boards["beffroi-b1"].body.update(title="Main"),
        "board moved": lambda: setattr(org.boards["beffroi-b1"], "folder", ""),
        "board gone": lambda: org.boards.pop("beffroi-b1"),
        "panel gone": lambda: org.boards["beffroi-b1"].body["panels"].pop(),
        "home": lambda: org.preferences.update(homeDashboardUID=""),
        "language": lambda: org.preferences.update(language="en-US"),
        "folder title": lambda: org.folders[FOLDER].update(title="Boards"),
        "source url": lambda: org.sources[r.LEDGER].update(url="http://elsewhere.example"),
        "not default": lambda: org.sources[r.LEDGER].update(isDefault=False),
        "playlist": lambda: org.playlists["beffroi-mur"]["items"].pop(),
        "role": lambda: org.members.update({2: "Admin"}),
        "member gone": lambda: org.members.pop(2),
        "point url": lambda: org.points[0]["settings"].update(url="http://elsewhere.example"),
        "template": lambda: org.templates["beffroi-fr"].update(template='{{ define "x" }}{{ end }}'),
        "route": lambda: org.tree["routes"][0].update(repeat_interval="1d"),
        "routes gone": lambda: org.tree.update(routes=[]),
        "rule paused": lambda: org.groups["beffroi-alertes", "beffroi-pipeline"]["rules"][0].update(isPaused=True),
        "interval": lambda: org.groups["beffroi-alertes", "beffroi-pipeline"].update(interval=300),
        "group gone": lambda: org.groups.clear(),
        "name": lambda: setattr(org, "name", "Ville"),
        "secret gone": lambda: org.source_secrets[r.LEDGER].clear(),
        "other secret": lambda: org.sources[r.LEDGER]["jsonData"].pop("beffroi"),
    }
    edits[edit]()


SAME = {"route"}  # 24h written another way
UNTOLD = {"secret gone", "other secret"}  # nothing but the secret, or the ledger itself, is gone


@pytest.mark.parametrize(
    "edit",
    [
        *("board title", "board moved", "board gone", "panel gone", "home", "language", "folder title", "source url"),
        *("not default", "playlist", "role", "member gone", "point url", "template", "route", "routes gone"),
        *("rule paused", "interval", "group gone", "name", "secret gone", "other secret"),
    ],
)
def test_a_change_by_hand_is_named_and_mended(edit: str) -> None:
    """One edit, of every kind: one action, which says whose change it was; after it, nothing."""
    scene, desired = Scene(), organisation("ccpvm")
    scene.apply(desired)
    _by_hand(scene, edit)
    actions = scene.survey(desired).plan.actions
    if edit in SAME:
        assert actions == ()
        return
    if edit not in UNTOLD:
        assert [action.cause in (Cause.HAND, Cause.GONE) for action in actions] == [True]
    assert scene.apply(desired).failures == ()
    settled(scene, desired)


def test_secrets_are_masked_wherever_they_are_printed() -> None:
    """In a resource, a survey, a plan."""
    seen = Scene().survey(organisation("ccpvm", password="geheim-1", hmac="geheim-2"))
    assert "geheim" not in repr(seen) + render(seen.plan, unchanged="") + repr(Masked({"a": "geheim"}))
