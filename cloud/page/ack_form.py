"""The form in which an operator says who takes care of an alarm. Only an operator's page builds one."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from cloud.page import alarm_words
from cloud.page.alarms import Alarm
from cloud.page.desk import MOST_NOTE, MOST_WHO, Verdict
from cloud.page.elements import Text, box, button, mark
from cloud.page.ground import Ground

Acknowledge = Callable[[Alarm, str, str], Awaitable[Verdict]]


class AckForm:
    """Hidden until `ask`. It stays open over a refusal and says why.

    Args:
        put: tells the service, off the event loop.
    """

    def __init__(self, put: Acknowledge) -> None:
        self._put = put
        self._alarm: Alarm | None = None
        with ui.dialog().props("aria-label='Acquitter une alarme'") as self._dialog, box("div", "page ack-form"):
            Text("h2", "Acquitter l’alarme")
            self._what = Text("p", css="ack-what")
            self._who = ui.input("Qui s’en occupe").props(f"outlined maxlength={MOST_WHO} autofocus").classes("ack-who")
            self._note = ui.input("Note (facultative)").props(f"outlined maxlength={MOST_NOTE}").classes("ack-note")
            with box("p", "ack-answer", role="alert") as self._answer:
                self._words = Text("strong")
                self._hint = Text("span")
            with box("div", "ack-buttons"):
                with button("ack-cancel", self._dialog.close):
                    Text("span", "Annuler")
                with button("ack-put", self._send) as self._button:
                    Text("span", "Acquitter")

    def ask(self, alarm: Alarm, ground: Ground) -> None:
        """Open the form for an alarm; who said it last is proposed again."""
        self._alarm = alarm
        self._what.text = " · ".join(
            filter(None, (alarm_words.name(alarm), alarm_words.where(alarm, ground, for_operator=True)))
        )
        self._note.value = ""
        self._say(Verdict(True, ""))
        self._dialog.open()

    async def _send(self) -> None:
        if self._alarm is None:
            return
        self._button.props["disabled"] = True
        verdict = await self._put(self._alarm, str(self._who.value or ""), str(self._note.value or ""))
        self._button.props["disabled"] = False
        if verdict.done:
            self._alarm = None
            self._dialog.close()
            ui.notify(verdict.words, type="positive", position="top")
        else:
            self._say(verdict)

    def _say(self, verdict: Verdict) -> None:
        self._words.text, self._hint.text = verdict.words, verdict.hint
        mark(self._answer, "data-look", "shown" if verdict.words else "hidden")
