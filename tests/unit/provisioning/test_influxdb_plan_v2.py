"""InfluxDB 2.x: desired and live → ordered steps, without a server."""

from dataclasses import replace

import pytest

from core.secrets import INFLUXDB_READ, INFLUXDB_WRITE, Secrets
from provisioning.influxdb.desired import DAY_S, Database, Policy, Use
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
    V2Step,
    plan,
    token_label,
)

RAW = Policy("raw", 400 * DAY_S, 30 * DAY_S, default=True)
LONG = Policy("long", 0, 364 * DAY_S, default=False)
CCPVM = Database("ccpvm", RAW, LONG)
SECRETS = Secrets({INFLUXDB_WRITE: {"ccpvm": "w"}, INFLUXDB_READ: {"ccpvm": "r"}})
NAMES = ("ccpvm/raw", "ccpvm/long")
WRITER = LiveToken(
    "tw",
    token_label("ccpvm", Use.WRITE, "w"),
    frozenset({("read", "b1"), ("write", "b1"), ("read", "b2"), ("write", "b2")}),
    active=True,
)
READER = LiveToken("tr", token_label("ccpvm", Use.READ, "r"), frozenset({("read", "b1"), ("read", "b2")}), active=True)
RIGHT = Live(
    "o",
    {"ccpvm/raw": LiveBucket("b1", 400 * DAY_S, 30 * DAY_S), "ccpvm/long": LiveBucket("b2", 0, 364 * DAY_S)},
    {
        ("ccpvm", "raw"): LiveMapping("m1", "b1", default=True),
        ("ccpvm", "long"): LiveMapping("m2", "b2", default=False),
    },
    (WRITER, READER),
)
ISSUE_READER = IssueToken("ccpvm", Use.READ, NAMES)


def steps(live: Live, secrets: Secrets = SECRETS) -> list[V2Step]:
    return [action.step for action in plan("beffroi", (CCPVM,), live, secrets).actions]


def test_from_nothing() -> None:
    """Organisation, buckets, their InfluxQL names, then the tokens that need the buckets' ids."""
    assert steps(Live(), Secrets()) == [
        CreateOrganisation("beffroi"),
        CreateBucket("ccpvm/raw", RAW),
        CreateBucket("ccpvm/long", LONG),
        CreateMapping("ccpvm", RAW),
        CreateMapping("ccpvm", LONG),
        IssueToken("ccpvm", Use.WRITE, NAMES),
        ISSUE_READER,
    ]


def test_nothing_to_do() -> None:
    """A foreign bucket is named; one of the system is not."""
    assert steps(RIGHT) == []
    more = replace(RIGHT, buckets={**RIGHT.buckets, "x": LiveBucket("b3", 0, 1), "_tasks": LiveBucket("b4", 1, 1)})
    assert plan("beffroi", (CCPVM,), more, SECRETS).notes == ("bucket x: not declared, left alone",)


def test_buckets_and_mappings() -> None:
    """Retention altered, a mapping to another bucket replaced, the default put back."""
    live = replace(RIGHT, buckets={**RIGHT.buckets, "ccpvm/raw": LiveBucket("b1", 0, 7 * DAY_S)})
    assert steps(live) == [UpdateBucket("b1", RAW)]
    mappings = {**RIGHT.mappings, ("ccpvm", "raw"): LiveMapping("m1", "b9", default=True)}
    assert steps(replace(RIGHT, mappings=mappings)) == [DeleteMapping("m1"), CreateMapping("ccpvm", RAW)]
    mappings = {key: replace(mapping, default=not mapping.default) for key, mapping in RIGHT.mappings.items()}
    assert steps(replace(RIGHT, mappings=mappings)) == [MakeDefault("m1")]


@pytest.mark.parametrize(
    "spoiled",
    [
        replace(READER, active=False),
        replace(READER, rights=READER.rights | {("write", "b1")}),
        replace(READER, rights=READER.rights | {("read", "*")}),
        replace(READER, rights=READER.rights - {("read", "b2")}),
        replace(READER, description=token_label("ccpvm", Use.READ, "another")),
        replace(READER, description=token_label("ccpvm", Use.READ)),
    ],
    ids=["inactive", "may write", "may more", "may less", "not the file's", "cut before it was known"],
)
def test_a_token_that_is_not_right_is_replaced(spoiled: LiveToken) -> None:
    """The new one first, then the old one is revoked: its rights cannot be changed."""
    assert steps(replace(RIGHT, tokens=(WRITER, spoiled))) == [ISSUE_READER, RevokeToken("tr")]


def test_surplus_tokens() -> None:
    """Ours beside the right one is revoked; anyone else's is left alone, however it is called."""
    mine = replace(READER, id="t3", description=token_label("ccpvm", Use.READ))
    foreign = replace(READER, id="t4", description="beffroi ccpvm reading board")
    assert steps(replace(RIGHT, tokens=(mine, WRITER, READER, foreign))) == [RevokeToken("t3")]


def test_a_bucket_made_anew_needs_new_tokens() -> None:
    """It has another id: the old rights are to nothing."""
    live = replace(RIGHT, buckets={"ccpvm/raw": RIGHT.buckets["ccpvm/raw"]})
    kinds = [type(step) for step in steps(live)]
    assert kinds == [CreateBucket, DeleteMapping, CreateMapping, IssueToken, RevokeToken, IssueToken, RevokeToken]


def test_a_token_cannot_be_guessed_from_its_label() -> None:
    """The label has 16 hex digits of a digest, and none of the token."""
    label = token_label("ccpvm", Use.READ, "a-very-secret-token")
    assert "secret" not in label
    assert len(label.split("#")[1]) == 16
