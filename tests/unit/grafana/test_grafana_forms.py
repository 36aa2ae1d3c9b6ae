"""What is declared and what the server answers, in one form; what cannot be declared; the ledger."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.plan import GONE, Action, Change, Kind, Resource, differences
from grafana import forms
from grafana import resources as r
from grafana.ledger import Ledger
from grafana.live import our_routes
from tests.support.grafana_scene import board, organisation, rule

RECORDINGS = Path(__file__).parents[2] / "grafana_api"


def recorded(name: str) -> dict[str, Any]:
    """One recorded call."""
    lines = (RECORDINGS / f"{name.split('/')[0]}.jsonl").read_text("utf-8").rstrip("\n").split("\n")
    found: dict[str, Any] = next(call for call in map(json.loads, lines) if call["name"] == name)
    return found


def same(kind: Kind, desired: Resource, live: Resource) -> bool:
    return differences(kind.live(live), kind.desired(desired)) == ()


def test_a_recorded_board_comes_back_as_it_was_sent() -> None:
    """GET adds `id` and `version`, no more."""
    sent, found = recorded("dashboards/01-create")["body"], recorded("dashboards/02-get")["answer"]
    desired = Resource("dashboard", "s", "carte", {"dashboard": sent["dashboard"], "folderUid": sent["folderUid"]})
    live = Resource(
        "dashboard", "s", "carte", {"dashboard": found["dashboard"], "folderUid": found["meta"]["folderUid"]}
    )
    assert same(r.DASHBOARD, desired, live)


def test_recorded_numbers_come_back_as_doubles() -> None:
    """1.0 is 1, and a long integer loses its last digits."""
    found = recorded("dashboards/39-exact-values")["answer"]["dashboard"]
    sent = {"a": 1.0, "b": 0.1, "c": 12345678901234567890, "h": 1e21, "i": 48.4536}
    assert forms.exact({name: found[name] for name in sent}) == forms.exact(sent)


def test_a_recorded_group_comes_back_as_it_was_sent() -> None:
    """With all that the server adds to it."""
    sent, found = recorded("rules/02-put-new")["body"], recorded("rules/03-get")["answer"]
    assert same(r.RULE_GROUP, Resource("g", "s", "f/g1", sent), Resource("g", "s", "f/g1", found))


def test_a_recorded_tree_comes_back_as_it_was_sent() -> None:
    """Without provenance, empty fields, and with durations written another way."""
    for put, got in (
        ("policies/02-put", "policies/03-get"),
        ("policies/08b-put-durations", "policies/08c-get-durations"),
    ):
        assert forms.route(recorded(put)["body"]) == forms.route(recorded(got)["answer"])


def test_recorded_contact_points_come_back_without_their_secrets() -> None:
    """Only that one is there is known."""
    call = recorded("contact-points/02-create")
    assert forms.redacted(call["answer"]["settings"]) == ["authorization_credentials"]
    settings = {name: value for name, value in call["body"]["settings"].items() if name != "authorization_credentials"}
    desired = Resource("p", "s", "cp", {**call["body"], "settings": settings})
    assert same(r.CONTACT_POINT, desired, Resource("p", "s", "cp", call["answer"]))


@pytest.mark.parametrize(
    "name", ["templates/02-put", "templates/04-put-again-no-version", "templates/07-put-no-define"]
)
def test_recorded_templates_come_back_as_they_were_sent(name: str) -> None:
    """One without `define` is wrapped by the server."""
    call = recorded(name)
    identity = call["path"].rpartition("/")[2]
    desired = Resource("t", "s", identity, {"template": call["body"]["template"]})
    assert same(r.TEMPLATE, desired, Resource("t", "s", identity, {"template": call["answer"]["template"]}))


def test_recorded_data_sources_come_back_as_they_were_sent() -> None:
    """With their defaults filled in, and our own key left out of the comparison."""
    call = recorded("datasources/01-create")
    live = Resource("d", "s", "x", {**call["answer"]["datasource"], "secrets": {}})
    assert same(r.DATA_SOURCE, Resource("d", "s", "x", call["body"]), live)
    live.body["jsonData"]["beffroi"] = {"tenant": "x"}
    assert same(r.DATA_SOURCE, Resource("d", "s", "x", call["body"]), live)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("300s", "5m"),
        ("60s", "1m"),
        ("90m", "1h30m"),
        ("24h", "1d"),
        ("1w", "7d"),
        ("1h30m0s", "1h30m"),
        ("0", "0s"),
        ("", "0s"),
        ("500ms", "500ms"),
        ("1.5h", "1h30m"),
        ("soon", "soon"),
        ("5 m", "5 m"),
        (None, None),
    ],
)
def test_durations(text: str | None, plain: str | None) -> None:
    """One text for one length; what is none stays as it is, so that the server says so."""
    assert forms.duration(text) == plain
    assert forms.duration(forms.duration(text)) == forms.duration(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_the_form_of_numbers_is_the_server_s(value: Any) -> None:
    """Sent, kept as doubles, and read again: the same, once and for all."""
    kept = json.loads(json.dumps(value), parse_int=float)
    assert (
        json.dumps(forms.exact(kept)) == json.dumps(forms.exact(value)) == json.dumps(forms.exact(forms.exact(value)))
    )


def test_fingerprints_tell_no_secret() -> None:
    """Other for the same secret elsewhere; the same for the same; short enough to fit many secrets."""
    one = forms.fingerprint("a/data source/x/password", "s3cr3t")
    assert one == forms.fingerprint("a/data source/x/password", "s3cr3t")
    assert one != forms.fingerprint("b/data source/x/password", "s3cr3t")
    assert (len(one), "s3cr3t" in one) == (16, False)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: r.organisation("a", " A"),
        lambda: r.folder("a", "x y", "X"),
        lambda: r.folder("a", "x" * 41, "X"),
        lambda: r.folder("a", "beffroi-x", ""),
        lambda: r.data_source("a", "beffroi-x", name="X", url="", json_data={}),
        lambda: r.data_source("a", "beffroi-x", name="X", url="http://x", json_data={"beffroi": 1}),
        lambda: r.dashboard("a", "f", {"title": "X", "tags": [r.TAG]}),
        lambda: r.dashboard("a", "f", {**board("beffroi-x"), "tags": []}),
        lambda: r.dashboard("a", "f", {**board("beffroi-x"), "title": ""}),
        lambda: r.dashboard("a", "f", {**board("beffroi-x"), "elements": {}}),
        lambda: r.playlist("a", "beffroi-x", name="X", interval="1m", boards=[]),
        lambda: r.member("a", "Agent", "Viewer"),
        lambda: r.member("a", "agent", "Boss"),
        lambda: r.contact_point("a", "beffroi-x", name="x", type="email", settings={}),
        lambda: r.template("a", "fr", "x"),
        lambda: r.policies("a", [{"receiver": "grafana-default-email"}]),
        lambda: r.rule_group("a", "f", "g", interval_s=60, rules=[rule("x")]),
        lambda: r.rule_group("a", "f", "beffroi-g", interval_s=15, rules=[rule("x")]),
        lambda: r.rule_group("a", "f", "beffroi-g", interval_s=60, rules=[]),
        lambda: r.rule_group("a", "f", "beffroi-g", interval_s=60, rules=[rule("x", condition="Z")]),
        lambda: r.rule_group("a", "f", "beffroi-g", interval_s=60, rules=[rule("x", title="")]),
        lambda: r.rule_group("a", "f", "beffroi-g", interval_s=60, rules=[rule("x", noDataState="")]),
        lambda: r.rule_group("a", "f", "beffroi-g", interval_s=60, rules=[rule("x", labels={"grafana_folder": "y"})]),
        lambda: r.rule_group("a", "f", "beffroi-g", interval_s=60, rules=[rule("x" * 41)]),
    ],
)
def test_what_grafana_takes_without_a_word_is_refused_here(wrong: Callable[[], Resource]) -> None:
    """Or could not be told as ours, or could not be changed again."""
    with pytest.raises(ValueError, match=r".+"):
        wrong()


def test_kinds_have_one_order() -> None:
    """Every resource of an organisation is of a known kind, and is declared in the order in which it can be made."""
    names = [kind.name for kind in r.KINDS]
    assert {one.kind for one in organisation("a")} == set(names)
    assert [kind.stage for kind in r.KINDS] == sorted(kind.stage for kind in r.KINDS)
    assert {kind.name for kind in r.KINDS if kind.stage == 2} == r.ALERTING


def test_our_routes() -> None:
    """Those to our receivers, with whatever stands before the last of them."""
    ours, theirs = {"receiver": "beffroi-a"}, {"receiver": "theirs"}
    assert our_routes({"routes": [ours, theirs]}) == [ours]
    assert our_routes({"routes": [theirs, ours, theirs]}) == [theirs, ours]
    assert our_routes({"routes": [theirs]}) == our_routes({"routes": None}) == our_routes({}) == []


@given(json_values)
def test_any_ledger_can_be_read(written: Any) -> None:
    """Whatever somebody wrote there; and what we write is read as it was."""
    ledger = Ledger.read(written)
    assert Ledger.read(json.loads(json.dumps(ledger.as_json()))) == ledger


def test_the_ledger_while_an_apply_is_under_way() -> None:
    """The old and the new are both ours; what was found in other hands is not taken for ours by setting out."""
    before, after = Resource("folder", "a", "x", {"title": "A"}), Resource("folder", "a", "x", {"title": "B"})
    hand = Resource("folder", "a", "x", {"title": "Main"})
    known = Ledger("a").settled([before], [])
    (old,) = known.states["folder/x"]
    update = Action(Change.UPDATE, after.key, after, before)
    under_way = known.setting_out("a", [update]).states["folder/x"]
    assert (len(under_way), under_way[1]) == (2, old)
    changed = Action(Change.UPDATE, after.key, after, hand)
    assert known.setting_out("a", [changed]).states["folder/x"] == under_way
    created = Action(Change.CREATE, after.key, after, None)
    assert Ledger().setting_out("a", [created]).states["folder/x"] == (under_way[0], GONE)
    gone = Action(Change.DELETE, before.key, None, before)
    assert known.setting_out("a", [gone]).states["folder/x"] == (GONE, old)
    assert known.settled([], [gone]).states == {}
