"""The panel of one lamp: what it is, its last readings with their age, its last 24 hours."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from cloud.page import readings, words
from cloud.page.elements import Text, box, button, markup, symbol
from cloud.page.lamp import LampState, faults
from cloud.page.reader import Story
from cloud.page.symbols import SYMBOLS

_CLOSE = (
    '<svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.5"'
    ' stroke-linecap="round"><path d="M5 5 19 19M19 5 5 19"/></svg>'
)


class Panel:
    """Hidden until `show`; a second `show` replaces what it says, and keeps the chart when it is the same lamp's."""

    def __init__(self, on_close: Callable[[], None]) -> None:
        self.asset: str | None = None
        self._chart: ui.echart | None = None
        self._root = box("aside", "panel", aria_label="Fiche du lampadaire", tabindex="-1", role="region")
        self._root.on("keydown.esc", on_close, args=[])
        self._root.set_visibility(False)
        with self._root:
            with box("div", "panel-title"):
                self._name = Text("h2")
                with button("panel-close", on_close, aria_label="Fermer la fiche"):
                    markup(_CLOSE, "icon")
            self._head = box("div")
            self._curve = box("div")
            self._readings = box("div")

    def show(self, story: Story) -> None:
        """Say what is known of a lamp now."""
        fresh = self.asset != story.asset.id
        self.asset = self._name.text = story.asset.id
        self._head.clear()
        with self._head:
            _say_state(story)
        self._readings.clear()
        with self._readings:
            _say_readings(story)
        options = readings.chart(story.day, story.now_ms, gap_ms=story.gap_ms)
        if fresh or self._chart is None or not story.day:
            self._draw(story, options)
        else:
            self._chart.options.clear()
            self._chart.options.update(options)
        self._root.set_visibility(True)
        if fresh:
            focus = f"document.getElementById('{self._root.html_id}').focus()"
            self._root.client.run_javascript(f"Vue.nextTick(() => {focus})")  # once it is visible

    def refuse(self, asset: str, why: str) -> None:
        """Say why there is nothing to show."""
        self.asset = self._name.text = asset
        self._chart = None
        for part in (self._head, self._curve, self._readings):
            part.clear()
        with self._head:
            Text("p", why, "panel-note")
        self._root.set_visibility(True)

    def hide(self) -> None:
        self.asset = None
        self._root.set_visibility(False)

    def _draw(self, story: Story, options: dict[str, Any]) -> None:
        self._curve.clear()
        self._chart = None
        with self._curve:
            Text("h3", "Dernières 24 heures")
            if story.day:
                self._chart = ui.echart(options).classes("curve")
            else:
                Text("p", "Aucune mesure depuis 24 heures.", "panel-note")


def _say_state(story: Story) -> None:
    Text("p", " · ".join(_declared(story)), "panel-place")
    with box("p", f"panel-state is-{story.seen.state}"):
        symbol(story.seen.state)
        Text("span", headline(story))
    Text("p", age(story), "panel-note")


def _say_readings(story: Story) -> None:
    listed = readings.lines(story.latest, story.day, story.suspects)
    if not listed:
        return
    Text("h3", "Dernières mesures")
    with box("table", "readings"), box("tbody"):
        for line in listed:
            with box("tr", "broken" if line.broken else "doubtful" if line.doubtful else ""):
                with Text("th", line.label) as name:
                    name.props["scope"] = "row"
                Text("td", f"{line.text} (douteux)" if line.doubtful else line.text, "value")
                at_ms = line.at_ms
                Text("td", "plus de 24 h" if at_ms is None else words.duration(story.now_ms - at_ms), "age")


def _declared(story: Story) -> list[str]:
    """Commune and what the territory says of the lamp."""
    asset = story.asset
    facts = [story.commune]
    if asset.luminaire:
        facts.append(asset.luminaire)
    if asset.rated_power_w is not None:
        facts.append(f"{words.number(asset.rated_power_w)}{words.NARROW_SPACE}W")
    if asset.colour_temperature_k is not None:
        facts.append(f"{words.number(asset.colour_temperature_k)}{words.NARROW_SPACE}K")
    return facts


def headline(story: Story) -> str:
    """The state in words, with what is broken."""
    word = SYMBOLS[story.seen.state].word
    if story.seen.state is LampState.FAULT:
        return f"{word} : {', '.join(readings.broken(name) for name in faults(story.latest))}"
    return f"{word} : circuit coupé" if story.seen.unpowered else word


def age(story: Story) -> str:
    """How old the last reading is; that there was none; that no device is there."""
    at_ms, state = story.seen.at_ms, story.seen.state
    if at_ms is None:
        return "Aucun capteur n’est affecté à ce lampadaire." if state is LampState.BARE else "Aucune donnée reçue."
    span = words.duration(story.now_ms - at_ms)
    if state is LampState.SILENT:
        return f"Pas de donnée depuis {span} ({words.moment(at_ms)})."
    if state is LampState.BARE:
        return f"Capteur retiré ; dernière donnée le {words.moment(at_ms)}."
    return f"Dernière donnée {words.ago(story.now_ms - at_ms)}."
