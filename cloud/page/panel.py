"""The panel of one asset: what it is, its last readings with their age, its history as a chart."""

from collections.abc import Callable
from functools import partial
from typing import Any

from nicegui import ui

from cloud.page import alarm_words, charts, readings, sentences, words
from cloud.page.alarms import Alarm
from cloud.page.elements import Text, box, button, markup, symbol
from cloud.page.story import Story
from cloud.watch.alarms.alarm import AlarmState
from core.territory import Kind

_CLOSE = (
    '<svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.5"'
    ' stroke-linecap="round"><path d="M5 5 19 19M19 5 5 19"/></svg>'
)


class Panel:
    """Hidden until `show`; a second `show` replaces what it says, and keeps the chart when it is the same asset's."""

    def __init__(self, on_close: Callable[[], None], *, on_acknowledge: Callable[[Alarm], None] | None = None) -> None:
        self._on_acknowledge = on_acknowledge
        self.asset: str | None = None
        self._chart: ui.echart | None = None
        self._root = box("aside", "panel", aria_label="Fiche de l’équipement", tabindex="-1", role="region")
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
        """Say what is known of an asset now."""
        fresh = self.asset != story.asset.id
        self.asset = story.asset.id
        self._name.text = story.place.label
        self._head.clear()
        with self._head:
            _say_state(story)
            self._say_alarms(story)
            for sentence in sentences.told(story):
                Text("p", sentence, "panel-fact")
        self._readings.clear()
        with self._readings:
            _say_readings(story)
            _say_radio(story)
        options = chart(story)
        if fresh or self._chart is None or options is None:
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

    def _say_alarms(self, story: Story) -> None:
        for alarm in story.alarms:
            with box("div", f"panel-alarm is-{alarm.severity}"):
                markup(alarm_words.sign(alarm.severity), "alarm-sign")
                Text("span", alarm_words.name(alarm), "name")
                Text("span", alarm_words.since(alarm, story.now_ms), "what")
                Text("span", alarm_words.to_do(alarm), "what to-do")
                seen = alarm_words.seen_by(alarm)
                if seen:
                    Text("span", seen, "what seen-by")
                if self._on_acknowledge is not None and alarm.state is AlarmState.RAISED:
                    with button("alarm-ack", partial(self._on_acknowledge, alarm)):
                        Text("span", "Acquitter")

    def _draw(self, story: Story, options: dict[str, Any] | None) -> None:
        self._curve.clear()
        self._chart = None
        if story.asset.kind is Kind.CABINET:
            return
        with self._curve:
            Text("h3", sentences.CHARTS[story.asset.kind])
            if options is None:
                Text("p", sentences.NO_HISTORY[story.asset.kind], "panel-note")
            else:
                self._chart = ui.echart(options).classes("curve")


def chart(story: Story) -> dict[str, Any] | None:
    """The options of the chart of its kind; None without anything to draw."""
    if not story.history:
        return None
    match story.asset.kind:
        case Kind.LAMP:
            return charts.lamp_day(story.history, story.now_ms, gap_ms=story.gap_ms)
        case Kind.BIN:
            return charts.bin_week(story.history, story.now_ms, gap_ms=story.gap_ms, full_pct=story.place.full_pct)
        case Kind.COUNTER:
            return charts.counter_hours(story.history, story.now_ms, midnight_ms=story.midnight_ms)
        case Kind.CABINET:
            return None


def _say_state(story: Story) -> None:
    Text("p", sentences.declared(story), "panel-place")
    with box("p", f"panel-state is-{story.seen.state}"):
        symbol(story.asset.kind, story.seen.state)
        Text("span", sentences.headline(story))
    Text("p", sentences.age(story), "panel-note")


def _say_readings(story: Story) -> None:
    listed = readings.lines(story.asset.kind, story.latest, story.history, story.suspects)
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
                older = sentences.OLDER[story.asset.kind]
                Text("td", older if at_ms is None else words.duration(story.now_ms - at_ms), "age")
    for sentence in readings.glossary(text for line in listed for text in (line.label, line.text)):
        Text("p", sentence, "panel-meaning")


def _say_radio(story: Story) -> None:
    listed = sentences.radio(story)
    if not listed:
        return
    Text("h3", "Exploitation")
    with box("table", "readings radio"), box("tbody"):
        for label, text in listed:
            with box("tr"):
                with Text("th", label) as name:
                    name.props["scope"] = "row"
                Text("td", text, "value")
