"""Where an operator acknowledges an alarm: the worker's control socket. The page itself writes nothing. Blocking."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cloud.page.alarms import Alarm
from core.errors import OperatorError, StorageError
from core.ports.control import ask

MOST_WHO, MOST_NOTE = 80, 400  # characters
_REFUSALS = {
    "control.unknown": (
        "Le service ne sait pas acquitter.",
        "La veille n’y tourne pas : voyez « watch » dans cloud.toml, ou un service plus récent.",
    ),
    "alarm.cleared": ("Cette alarme n’est plus en cours.", "Elle a pris fin entre-temps : il n’y a rien à acquitter."),
    "alarm.unknown": ("Le service ne connaît pas cette alarme.", "Est-ce bien le dossier du service qui veille ?"),
}


class Verdict(NamedTuple):
    """What became of it, in French; `hint`: what to do next."""

    done: bool
    words: str
    hint: str = ""


class Desk:
    """Of an operator's page.

    Args:
        folder: the worker's; None where the settings do not say.
        put: asks the service that runs in a folder.
    """

    def __init__(self, folder: Path | None, *, put: Callable[..., Any] = ask) -> None:
        self._folder = folder
        self._put = put

    def acknowledge(self, alarm: Alarm, *, who: str, note: str) -> Verdict:
        """Tell the worker who takes care of an alarm."""
        who, note = " ".join(who.split())[:MOST_WHO], " ".join(note.split())[:MOST_NOTE]
        if not who:
            return Verdict(False, "Indiquez qui s’en occupe.")
        if self._folder is None:
            return Verdict(
                False,
                "La page ne sait pas où tourne le service.",
                "Indiquez son dossier : cloud dans page.toml, ou --cloud.",
            )
        try:
            self._put(self._folder, "alarm.ack", ids=[alarm.id], who=who, note=note)
        except StorageError:
            return Verdict(
                False,
                "Le service ne répond pas : rien n’est acquitté.",
                "Vérifiez qu’il tourne : beffroi cloud status.",
            )
        except OperatorError as refused:
            words, hint = _REFUSALS.get(
                refused.code, (f"Refusé par le service : {refused.message} ({refused.code}).", refused.hint)
            )
            return Verdict(False, words, hint)
        return Verdict(True, f"Pris en charge par {who}.")
