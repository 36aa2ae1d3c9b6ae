"""The agent's control socket: each question is answered by the agent's own loop, between two steps."""

from collections.abc import Callable
from concurrent.futures import TimeoutError as NotInTime
from pathlib import Path
from typing import Any

from core.errors import OperatorError
from core.ports.control import ControlServer
from edge.inbox import Inbox, Question

STATUS = "status"
ANSWER_S = 5.0


def serve(folder: Path, inbox: Inbox) -> ControlServer:
    """Answer `status` in the agent's data folder until closed."""
    return ControlServer(folder, {STATUS: _asking(inbox, STATUS)})


def _asking(inbox: Inbox, verb: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def ask(_arguments: dict[str, Any]) -> dict[str, Any]:
        question = Question(verb)
        inbox.put(question)
        try:
            return question.answer.result(ANSWER_S)
        except NotInTime as error:
            raise OperatorError(
                "agent.busy", f"the agent did not answer within {ANSWER_S:.0f} s", hint="a slow disk? see its log"
            ) from error

    return ask
