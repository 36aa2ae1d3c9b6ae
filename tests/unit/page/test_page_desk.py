"""Acknowledging: what the worker is asked, who may, and how a refusal is told."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cloud.page.app import Hub
from cloud.page.desk import MOST_NOTE, MOST_WHO, Desk, Verdict
from core.errors import OperatorError, StorageError
from core.ports.control import ControlServer
from tests.unit.page.page_facts import alarm

FIRE = alarm("bin.fire", "critical", number=17, asset="bin-1")


class Reader:
    snapshot = None

    def __init__(self, *, operator: bool) -> None:
        self.is_operator = operator


def refusing(error: Exception) -> Desk:
    def put(*_: Any, **__: Any) -> None:
        raise error

    return Desk(Path("/anywhere"), put=put)


def test_the_worker_is_told_which_alarm_who_and_why(tmp_path: Path) -> None:
    """Over its own socket, as `beffroi alarm ack` does; spaces are tidied, nothing is longer than it may be."""
    asked: list[dict[str, Any]] = []
    server = ControlServer(tmp_path, {"alarm.ack": asked.append})
    try:
        verdict = Desk(tmp_path).acknowledge(FIRE, who="  Marie\n Petit ", note="n" * (MOST_NOTE + 1))
        Desk(tmp_path).acknowledge(FIRE, who="w" * (MOST_WHO + 1), note="")
    finally:
        server.close()
    assert verdict == Verdict(True, "Pris en charge par Marie Petit.")
    assert asked[0] == {"ids": [17], "who": "Marie Petit", "note": "n" * MOST_NOTE}
    assert len(asked[1]["who"]) == MOST_WHO


def test_somebody_must_say_who(tmp_path: Path) -> None:
    """Nothing is asked of the worker then."""
    assert Desk(tmp_path).acknowledge(FIRE, who="  ", note="x") == Verdict(False, "Indiquez qui s’en occupe.")


def test_without_a_running_service_a_clear_sentence(tmp_path: Path) -> None:
    """Nothing is acknowledged, and what to do."""
    verdict = Desk(tmp_path).acknowledge(FIRE, who="Marie", note="")
    assert not verdict.done
    assert verdict.words == "Le service ne répond pas : rien n’est acquitté."
    assert "beffroi cloud status" in verdict.hint
    assert not Desk(tmp_path / "no-such-folder").acknowledge(FIRE, who="Marie", note="").done
    unset = Desk(None).acknowledge(FIRE, who="Marie", note="")
    assert (unset.done, "--cloud" in unset.hint) == (False, True)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OperatorError("alarm.cleared", "alarm 17 is over", hint="h"), "Cette alarme n’est plus en cours."),
        (OperatorError("control.unknown", "unknown verb", hint="status"), "Le service ne sait pas acquitter."),
        (StorageError("control.no_service", "no"), "Le service ne répond pas : rien n’est acquitté."),
    ],
)
def test_a_refusal_is_told_in_french_with_a_hint(error: Exception, words: str) -> None:
    """What the service knows better is said."""
    verdict = refusing(error).acknowledge(FIRE, who="Marie", note="")
    assert (verdict.done, verdict.words) == (False, words)
    assert verdict.hint


def test_a_refusal_that_nobody_foresaw_is_passed_on() -> None:
    """With its code, so that it can be looked up."""
    verdict = refusing(OperatorError("alarm.odd", "the moon is full", hint="wait")).acknowledge(
        FIRE, who="Marie", note=""
    )
    assert verdict == Verdict(False, "Refusé par le service : the moon is full (alarm.odd).", "wait")


@pytest.mark.parametrize(("operator", "has_desk"), [(False, True), (True, False), (False, False)])
def test_a_page_that_is_not_the_operators_acknowledges_nothing(operator: bool, has_desk: bool) -> None:
    """Checked where it is done, not only by hiding a button: the worker is never asked."""

    def put(*_: Any, **__: Any) -> None:
        raise AssertionError("the worker was asked")

    reader: Any = Reader(operator=operator)
    hub = Hub(reader, poll_s=1.0, desk=Desk(Path("/anywhere"), put=put) if has_desk else None)
    try:
        assert not hub.acknowledges
        verdict = asyncio.run(hub.acknowledge(FIRE, "Marie", ""))
    finally:
        hub.close()
    assert verdict == Verdict(False, "Cette page ne peut rien acquitter.")
