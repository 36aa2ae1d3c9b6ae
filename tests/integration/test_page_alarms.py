"""Alarms on the page, in headless Chromium: raised, acknowledged and cleared by the real desk, over a real store."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from cloud.stores.base import Point
from cloud.watch.alarms.desk import AlarmDesk
from cloud.watch.alarms.verbs import alarm_verbs
from cloud.watch.model import About, Finding, FindingKey, Severity
from core.ports.control import ControlServer
from tests.support import page_process, page_scene
from tests.support.page_scene import MAP, NIGHT_MS, Scene
from tests.support.streets import GATEWAY, HOUR_MS
from tests.support.waiting import wait_for

FIRE, FAILED, FULL = "88383-bin-002", "51237-lamp-001", "88383-bin-001"
BUTTONS = "[...document.querySelectorAll('.alarm-ack')].filter(one => one.innerText.trim() === 'Acquitter')"


def found(
    kind: str, severity: Severity, subject: str, commune: str, ago_ms: int, about: About = About.ASSET
) -> Finding:
    database = "ccpvm" if commune == "88383" else "esternay"
    return Finding(kind, severity, database, commune, about, subject, NIGHT_MS - ago_ms)


HELD = [
    found("light.lamp_failure", Severity.WARNING, FAILED, "51237", 3 * HOUR_MS),
    found("bin.fire", Severity.CRITICAL, FIRE, "88383", 8 * 60_000),
    found("bin.full", Severity.NOTICE, FULL, "88383", 5 * HOUR_MS),
    found("silence.gateway", Severity.WARNING, GATEWAY, "88383", HOUR_MS, About.GATEWAY),
]


@dataclass
class Tower:
    """The watch as far as alarms go: what it finds is told to the desk, what the desk says is stored."""

    scene: Scene
    desk: AlarmDesk
    plain: Scene  # the page that is not the operator's
    now_ms: int = NIGHT_MS - HOUR_MS - 120_000  # of the desk: an hour may pass before the page's now
    held: dict[FindingKey, Finding] = field(default_factory=dict)

    def look(self, findings: Iterable[Finding], *, later_ms: int = 1_000) -> None:
        self.now_ms += later_ms
        self.held = {finding.key: finding for finding in findings}
        points = self.desk.look(self.held, self.scene.declared, self.now_ms)
        batches: dict[str, list[Point]] = {}
        for database, point in points:
            batches.setdefault(database, []).append(point)
        for tenant in ("ccpvm", "belleville", "esternay"):
            beat = Point("heartbeat", {"kind": "watch"}, NIGHT_MS * 1000, {"findings": float(len(self.held))})
            batches.setdefault(tenant, []).append(beat)
        page_process.write(self.scene.folder, batches)
        self.desk.written(points)

    @contextmanager
    def service(self) -> Iterator[None]:
        """The worker's control socket answers."""
        server = ControlServer(self.scene.folder / "cloud", alarm_verbs(self.desk, lambda: self.now_ms))
        try:
            yield
        finally:
            server.close()

    def acknowledge(self, who: str, note: str) -> None:
        """As the operator does, in the form that is open."""
        for css, text in (("ack-who", who), ("ack-note", note)):
            self.scene.tab.run(
                f"(() => {{ const one = document.querySelector('.{css} input, input.{css}'); one.value = {text!r};"
                " one.dispatchEvent(new Event('input', {bubbles: true})) })()"
            )
        self.scene.tab.until("the form has it", f"document.querySelector('.ack-note input').value === {note!r}")
        self.scene.tab.run("document.querySelector('.ack-put').click()")


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tower]:
    """One for all tests of this file, in their order: alarms have a life."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "cloud").mkdir()
    more = 'operator = true\ncloud = "./cloud"\n'
    profile = tmp_path_factory.mktemp("profile")
    with page_scene.scene(folder, profile, page_scene.streets(folder), more=more) as scene:
        port = page_process.free_port()
        settings = page_process.write_settings(folder, now_ms=NIGHT_MS, port=port)
        desk = AlarmDesk.open(folder / "cloud", territory=scene.declared)
        with page_process.running(settings, port=port) as plain:
            try:
                yield Tower(scene, desk, Scene(folder, scene.declared, plain, scene.tab))
            finally:
                desk.close()


def test_before_the_first_heartbeat_the_page_says_so_and_judges_by_itself(tower: Tower) -> None:
    """No watch is no good news; the list of the page's own judgement stands in."""
    tower.plain.open(1280, 800)
    assert tower.plain.text(".badge").strip() == "Pas de veille"
    assert "La veille n’a pas encore commencé" in tower.plain.text(".watch-note")
    assert "À SIGNALER" in tower.plain.text(".reports").upper()
    tower.look([])
    tower.plain.tab.until("all is well", "document.querySelector('.badge').innerText.trim() === 'Aucune alarme'")
    tower.plain.tab.until("so says the list", "document.querySelector('.watch-note').innerText.includes('en cours')")
    assert "À SIGNALER" not in tower.plain.text(".reports").upper()


def test_alarms_are_listed_as_they_are_raised_the_gravest_first(tower: Tower) -> None:
    """What, where, since when; without a reload."""
    tower.plain.open(1280, 800)
    tower.look(HELD)
    tower.plain.tab.until("they are listed", "document.querySelectorAll('.alarm').length === 4")
    rows = tower.plain.tab.run("[...document.querySelectorAll('.alarm')].map(row => row.innerText)")
    assert [row.split("\n")[1] for row in rows] == [
        "Température anormale : feu possible",
        "La passerelle radio ne reçoit plus rien",
        "Lampe en panne",
        "Plein",
    ]
    assert "Bac, Rue du Pont · Remiremont · depuis 8 min" in " ".join(rows[0].split())
    assert "Lampadaire 51237-lamp-001 · Esternay · depuis 3 h" in " ".join(rows[2].split())
    assert tower.plain.text(".badge").strip() == "4 alarmes"
    tower.plain.tab.until("the map shows it", f"{MAP}.position('{FULL}').state === 'full'")


def test_a_page_that_is_not_the_operators_names_no_radio_and_acknowledges_nothing(tower: Tower) -> None:
    """No button, no form, no EUI, neither in the page nor in its endpoints."""
    tower.plain.open(1280, 800)
    tower.plain.tab.until("they are listed", "document.querySelectorAll('.alarm').length === 4")
    assert tower.plain.tab.run("document.querySelectorAll('.alarm-ack, .ack-form').length") == 0
    said = tower.plain.tab.run("document.documentElement.outerHTML")
    said += httpx.get(f"{tower.plain.page.url}/api/state").text
    assert GATEWAY not in said
    assert not [device for device in tower.plain.declared.devices if device in said]
    alarms = tower.plain.page.state()["alarms"]
    assert {one["kind"] for one in alarms} == {finding.kind for finding in HELD}
    assert tower.plain.page.state()["watch"] == {"awake": True, "stopped_ms": None}


def test_a_click_on_an_alarm_opens_its_asset(tower: Tower) -> None:
    """With what to do about it."""
    tower.plain.open(1280, 800)
    tower.plain.tab.until("they are listed", "document.querySelectorAll('.alarm').length === 4")
    tower.plain.tab.run("document.querySelector('.alarm-what').click()")
    tower.plain.tab.until("the panel is open", "!!document.querySelector('.panel .panel-alarm')")
    assert tower.plain.text(".panel-place").startswith(f"Bac · Remiremont · {FIRE}")
    assert "appeler le 18 ou le 112" in tower.plain.text(".panel-alarm")
    assert tower.plain.tab.run(f"{MAP}.layer.chosen") == FIRE


def test_a_phone_has_the_alarms_before_the_map(tower: Tower) -> None:
    """390 × 844: three of them, the others on demand; nothing sideways, nothing too small for a thumb."""
    tower.scene.open(390, 844, touch=True)
    tower.scene.tab.until("they are listed", "document.querySelectorAll('.alarm').length === 4")
    shown = "[...document.querySelectorAll('.alarm')].filter(row => row.offsetParent).length"
    assert tower.scene.tab.run(shown) == 3
    assert tower.scene.tab.run("document.documentElement.scrollWidth <= 390") is True
    small = tower.scene.tab.run(
        "[...document.querySelectorAll('button')].filter(one => one.offsetParent !== null)"
        ".map(one => [one.innerText, one.getBoundingClientRect()])"
        ".filter(([_, box]) => box.height < 40 || box.width < 40).map(([name]) => name)"
    )
    assert small == []
    top = "document.querySelector('{}').getBoundingClientRect().top"
    assert tower.scene.tab.run(f"{top.format('.alarms')} < {top.format('.asset-map')}") is True
    tower.scene.tab.run("[...document.querySelectorAll('.alarm-more')][0].click()")
    tower.scene.tab.until("all are shown", f"{shown} === 4")
    assert tower.scene.tab.run("document.documentElement.scrollWidth <= 390") is True
    tower.scene.tab.run("document.querySelector('.badge').click()")
    tower.scene.tab.until("the list is in view", f"Math.abs({top.format('.alarms')}) < 300")


def test_an_operator_acknowledges_through_the_worker(tower: Tower) -> None:
    """Without a running service a clear sentence; with one the alarm is taken up, and every page says by whom."""
    tower.scene.open(1280, 800)
    tower.scene.tab.until("they can be acknowledged", f"{BUTTONS}.length === 4")
    tower.scene.tab.run(f"{BUTTONS}[0].click()")
    tower.scene.tab.until("the form is open", "!!document.querySelector('.ack-form')?.offsetParent")
    assert "Température anormale : feu possible · Bac, Rue du Pont · Remiremont" in tower.scene.text(".ack-what")
    tower.acknowledge("Marie Petit", "les <b>pompiers</b> sont là")
    tower.scene.tab.until("it is refused", "document.querySelector('.ack-answer').dataset.look === 'shown'")
    assert "Le service ne répond pas : rien n’est acquitté." in tower.scene.text(".ack-answer")
    assert {alarm.state for alarm in tower.desk.holding()} == {"raised"}
    with tower.service():
        tower.acknowledge("Marie Petit", "les <b>pompiers</b> sont là")
        wait_for("the desk knows", lambda: any(one.by == "Marie Petit" for one in tower.desk.holding()))
    tower.scene.tab.until("the form is closed", "!document.querySelector('.ack-form')?.offsetParent")
    tower.look(HELD)
    tower.scene.tab.until("it is taken up", f"{BUTTONS}.length === 3")
    tower.plain.open(1280, 800)
    tower.plain.tab.until("they are listed", "!!document.querySelector('.seen-by')")
    assert tower.plain.text(".seen-by") == "Pris en charge par Marie Petit : les <b>pompiers</b> sont là"


def test_what_is_over_fades_and_is_found_in_the_past(tower: Tower) -> None:
    """A cleared alarm stays a while, at the end of the list, and for a week in the history."""
    tower.plain.open(1280, 800)
    rest = [finding for finding in HELD if finding.kind != "bin.full"]
    tower.look(rest)
    tower.look(rest, later_ms=HOUR_MS)  # longer than an alarm is held for
    tower.plain.tab.until("it is over", "document.querySelector('.badge').innerText.trim() === '3 alarmes'")
    last = tower.plain.tab.run("[...document.querySelectorAll('.alarm')].at(-1).className")
    assert "is-cleared" in last
    tower.plain.tab.run("[...document.querySelectorAll('.alarm-more')].at(-1).click()")
    tower.plain.tab.until("the past is told", "document.querySelectorAll('.history .alarm').length === 1")
    said = " ".join(tower.plain.text(".history .alarm").split())
    assert "Plein" in said
    assert "Bac, Grande Rue · Remiremont" in said
    assert "a duré" in said
