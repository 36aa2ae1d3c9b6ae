"""What is wrong at the moment is told when it begins, changes its cause, and ends."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from core.errors import NotConnected
from edge.conditions import Conditions


@pytest.fixture
def lines() -> Iterator[list[object]]:
    with capture_logs() as captured:
        yield captured  # type: ignore[misc]


def test_a_cause_is_said_once(lines: list[dict[str, str]]) -> None:
    """Each attempt tells it again; the log holds one line a cause, and what passes by itself is a WARNING."""
    conditions = Conditions()
    for seconds in range(3):
        conditions.begin("cloud", NotConnected("link.unreachable", f"no answer within {seconds} s"), lasting=False)
    for _ in range(3):
        conditions.begin("cloud", NotConnected("tls.expired", "it expired", hint="renew it"))
    conditions.end("cloud")
    conditions.end("cloud")
    assert [(line["log_level"], line.get("code")) for line in lines] == [
        ("warning", "link.unreachable"),
        ("error", "tls.expired"),
        ("info", None),
    ]


def test_the_status_says_what_was_seen_and_what_to_do() -> None:
    """A code for machines, both sentences for a person, nothing once it is over."""
    conditions = Conditions()
    conditions.begin("cloud", NotConnected("tls.expired", "it expired", hint="renew it"))
    assert conditions.codes == {"cloud": "tls.expired"}
    assert conditions.reasons == {"cloud": "it expired; renew it"}
    conditions.end("cloud")
    assert (conditions.codes, conditions.reasons) == ({}, {})
