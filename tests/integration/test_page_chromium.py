"""The page as a person sees it, in headless Chromium, over a real store that another process writes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import page_process, page_scene
from tests.support.page_scene import BROKEN, LIT, MAP, NIGHT_MS, Scene
from tests.support.streets import HOUR_MS, Streets
from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for all tests of this file, which do not undo each other."""
    folder = tmp_path_factory.mktemp("page")
    with page_scene.scene(folder, tmp_path_factory.mktemp("profile"), page_scene.streets(folder)) as built:
        yield built


def test_outlines_and_assets_are_drawn_without_any_tile(scene: Scene) -> None:
    """12 outlines, every declared asset, in shape and colour of its state, under a legend with words."""
    scene.open(1280, 800)
    assert scene.tab.run(f"{MAP}.layer.points.length") == len(scene.declared.assets) == 11 * (12 + 5 + 3 + 1)
    assert scene.tab.run(f"{MAP}.outlines.length") == 12
    assert scene.tab.run("document.querySelectorAll('.leaflet-tile').length") == 0
    broken = "51237-lamp-001"
    assert scene.position(broken)["state"] == "fault"
    scene.look_at(broken)
    at = scene.position(broken)
    wait_for("the broken lamp is drawn", lambda: scene.colour(at["x"], at["y"])[:3] == [0xD5, 0x5E, 0x00])
    said = scene.text(".legend")
    for word in ("Allumés", "En défaut", "Mesure douteuse", "Sans donnée", "À vider", "Feu", "Sans passage"):
        assert word in said
    assert "Éteints" not in said  # none is: a legend lists what there is
    assert "IGN" in scene.text(".leaflet-control-attribution")


def test_the_strip_says_the_balance_and_how_fresh_it_is(scene: Scene) -> None:
    """accepted = stored + spooled + quarantined + evicted, from the edges' reports in the store."""
    scene.open(1280, 800)
    said = " ".join(scene.text(".sum").split())
    assert said == "12 672 acceptés = 12 636 stockés + 30 en attente + 6 en quarantaine + 0 évincés"
    assert scene.text(".verdict").startswith("✓ Bilan équilibré : rien n’est perdu (3 sites, il y a ")
    assert scene.text(".fresh").strip().startswith("dernière donnée il y a ")
    assert scene.text(".moment").startswith("mar. 25 nov. 2025, 21:0")


def test_communes_tell_lit_of_equipped_or_why_not(scene: Scene) -> None:
    """Twelve communes; the one without a lamp says so."""
    scene.open(1280, 800)
    rows = scene.tab.run("[...document.querySelectorAll('.commune')].map(row => row.innerText.split('\\n'))")
    assert len(rows) == 12
    counts = {row[0]: row[-1] for row in rows}
    assert counts["Girmont-Val-d'Ajol"] == "aucun lampadaire"
    assert counts["Esternay"] == "8 / 11"


def test_a_click_on_a_lamp_opens_its_last_readings_and_its_last_day(scene: Scene) -> None:
    """Asset, commune, readings with French label and unit and age, and a chart; Esc closes it."""
    scene.open(1280, 800)
    scene.tab.run("document.querySelector('.commune').click()")
    at = scene.tab.until("the map has moved", f"({_settled()})")
    scene.tab.click(at["x"], at["y"])
    scene.tab.until("the panel is open", f"document.querySelector('.panel h2')?.innerText === '{LIT}'")
    scene.tab.until("the chart is drawn", "!!document.querySelector('.panel .curve canvas')")
    assert "Remiremont" in scene.text(".panel-place")
    assert scene.text(".panel-state") == "Allumé"
    rows = scene.tab.run("[...document.querySelectorAll('.readings tr')].map(row => row.innerText.split('\\t'))")
    readings = {label: (value.replace("\u202f", " "), since) for label, value, since in rows}
    assert readings["Niveau d’éclairage"][0] == "100 %"
    assert readings["Puissance"][0].endswith(" W")
    assert readings["Puissance"][1].endswith(" min")
    assert "Puissance du signal" not in scene.text(".panel")
    series = scene.tab.run(
        "getElement(+document.querySelector('.curve').id.slice(1)).chart.getOption().series.map(s => s.data.length)"
    )
    assert min(series) >= 20
    scene.tab.press("Escape")
    scene.tab.until("the panel is closed", "!document.querySelector('.panel').offsetParent")


def _settled() -> str:
    """The lamp's place once the map has stopped moving, as nothing but JavaScript can tell."""
    return (
        f"(async () => {{ let before = null; for (;;) {{ const at = {MAP}.position('{LIT}');"
        " if (before && at && before.x === at.x && before.y === at.y && at.x > 320) return at; before = at;"
        " await new Promise(done => setTimeout(done, 300)); } })()"
    )


def test_a_lamp_that_changes_changes_on_the_page_without_reload(scene: Scene) -> None:
    """The map, the commune's count and the legend follow one write; the other lamps are not drawn again."""
    scene.open(1280, 800)
    asset = "51237-lamp-007"
    scene.tab.run("window.neverReloaded = true")
    scene.tab.run(f"void (window.untouched = {MAP}.layer.by_id.get('{LIT}'))")
    assert scene.position(asset)["state"] == "lit"
    before = scene.tab.run("[...document.querySelectorAll('.commune')].at(-1).innerText")
    scene.point(asset, "dali_1", NIGHT_MS + 1000, {"level_pct": 0.0, "lamp_state": "off"})
    scene.tab.until("the lamp is off", f"{MAP}.position('{asset}').state === 'off'")
    scene.tab.until(
        "the commune counts it", f"[...document.querySelectorAll('.commune')].at(-1).innerText !== {before!r}"
    )
    scene.tab.until("the legend lists it", "document.querySelector('.legend').innerText.includes('Éteints')")
    assert scene.tab.run(f"window.neverReloaded && window.untouched === {MAP}.layer.by_id.get('{LIT}')") is True


def test_an_open_panel_follows_its_lamp(scene: Scene) -> None:
    """What the panel says is as new as the map."""
    scene.open(1280, 800)
    asset = "51237-lamp-008"
    scene.tab.run(f"{MAP}.$emit('asset', '{asset}')")
    scene.tab.until("the panel is open", f"document.querySelector('.panel h2')?.innerText === '{asset}'")
    scene.tab.until("it is lit", "document.querySelector('.panel-state')?.innerText.trim() === 'Allumé'")
    scene.point(asset, "dali_1", NIGHT_MS + 1000, {"level_pct": 40.0, "lamp_failure": "fault"})
    scene.tab.until(
        "it is broken",
        "document.querySelector('.panel-state')?.innerText.trim() === 'En défaut : panne de lampe'",
    )


def test_a_phone_shows_all_of_it_without_scrolling_sideways(scene: Scene) -> None:
    """390 × 844: one column, every control at least 40 px, the panel over the whole screen."""
    scene.open(390, 844, touch=True)
    assert scene.tab.run("document.documentElement.scrollWidth <= 390") is True
    small = scene.tab.run(
        "[...document.querySelectorAll('button, .leaflet-control a')].filter(one => one.offsetParent !== null)"
        ".map(one => [one.innerText || one.title, one.getBoundingClientRect()])"
        ".filter(([_, box]) => box.height < 40 || box.width < 40).map(([name]) => name)"
    )
    assert small == []
    scene.tab.run(f"[...document.querySelectorAll('.report')].find(r => r.innerText.includes('{BROKEN}')).click()")
    scene.tab.until("the chart is drawn", "!!document.querySelector('.panel .curve canvas')")
    box = scene.tab.run(
        "(({x, y, width, height}) => [x, y, width, height])(document.querySelector('.panel').getBoundingClientRect())"
    )
    assert box == [0, 0, 390, 844]
    assert scene.tab.run("document.documentElement.scrollWidth <= 390") is True
    assert "En défaut : panne de lampe" in scene.text(".panel-state")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_a_desk_and_a_wall_show_it_on_one_screen(scene: Scene, width: int, height: int) -> None:
    """Map, lists and legend fit the screen: nobody scrolls a wall."""
    scene.open(width, height)
    assert scene.tab.run("document.documentElement.scrollHeight") == height
    assert scene.tab.run("document.documentElement.scrollWidth") == width
    bottom = scene.tab.run("document.querySelector('.legend').getBoundingClientRect().bottom")
    assert bottom == pytest.approx(height, abs=1)


def test_the_keyboard_reaches_a_lamp(scene: Scene) -> None:
    """Lists are buttons with names; the panel takes the focus and gives the way out first."""
    scene.open(1280, 800)
    scene.tab.run("document.querySelector('.report').focus()")
    scene.tab.press("Enter")
    scene.tab.until("the panel has the focus", "document.activeElement?.classList.contains('panel')")
    scene.tab.press("Tab")
    assert scene.tab.run("document.activeElement.getAttribute('aria-label')") == "Fermer la fiche"
    unnamed = scene.tab.run(
        "[...document.querySelectorAll('button')]"
        ".filter(one => !one.innerText.trim() && !one.getAttribute('aria-label')).length"
    )
    assert unnamed == 0
    assert scene.tab.run("document.documentElement.lang") == "fr"


def test_an_empty_page_says_what_it_waits_for_and_then_fills(tmp_path: Path, scene: Scene) -> None:
    """Before the worker's first write there is a sentence, not a blank page; it goes away by itself."""
    streets = Streets(tmp_path / "territory", 6, NIGHT_MS)
    declared = streets.declare()
    with page_process.page(tmp_path, now_ms=NIGHT_MS) as started:
        empty = Scene(tmp_path, declared, started, scene.tab)
        empty.open(1280, 800)
        assert "En attente des premières données…" in empty.text(".message")
        assert "aucune donnée reçue" in empty.text(".fresh")
        assert empty.position(LIT)["state"] == "awaited"
        empty.point(LIT, "dali_1", NIGHT_MS - HOUR_MS, {"level_pct": 100.0})
        empty.tab.until("the lamp is lit", f"{MAP}.position('{LIT}').state === 'lit'")
        empty.tab.until("the message is gone", "!document.querySelector('.message').offsetParent")
        assert "dernière donnée il y a 1 h" in empty.text(".fresh")
