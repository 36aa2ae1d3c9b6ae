"""Three domains on one page, what only the operator sees, and one tenant alone: in headless Chromium."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from cloud.stores.base import Point
from core.territory import Territory
from tests.support import page_process, page_scene
from tests.support.page_scene import LIT, MAP, NIGHT_MS, Scene
from tests.support.streets import CODEC, GATEWAY, PAYLOAD
from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for all tests of this file, which do not undo each other."""
    folder = tmp_path_factory.mktemp("page")
    with page_scene.scene(folder, tmp_path_factory.mktemp("profile"), page_scene.streets(folder)) as built:
        yield built


def test_a_tile_a_domain_says_its_figure_and_switches_its_layer(scene: Scene) -> None:
    """Lamps lit of expected, bins to be emptied, vehicles of today; a click takes the domain off map, legend, lists."""
    scene.open(1280, 800)
    tiles = scene.tab.run("[...document.querySelectorAll('.tile')].map(tile => tile.innerText)")
    light, bins, traffic = (tile.replace("\u202f", " ") for tile in tiles)
    assert "allumés sur 121 attendus" in light
    assert "11 à vider sur 55" in bins
    assert "11 feux, 11 renversés" in bins
    assert "véhicules aujourd’hui" in traffic
    assert "22 / 33 compteurs" in traffic
    full = "88383-bin-001"
    scene.look_at(full)
    at = scene.position(full)
    wait_for("the bin is drawn", lambda: scene.colour(at["x"], at["y"])[:3] == [0xF0, 0xA0, 0x20])
    scene.tab.run("document.querySelector('.tile.is-bin').click()")
    scene.tab.until("the layer is off", "document.querySelector('.tile.is-bin').ariaPressed === 'false'")
    wait_for("the bin is gone", lambda: scene.colour(at["x"], at["y"])[3] == 0)
    scene.tab.until("so is its legend", "!document.querySelector('.legend').innerText.includes('À vider')")
    assert full not in scene.text(".reports")
    assert scene.tab.run(f"{MAP}.layer.nearest(L_POINT, 1) === null".replace("L_POINT", scene.map_point(full))) is True
    scene.tab.run("document.querySelector('.tile.is-bin').click()")
    wait_for("the bin is back", lambda: scene.colour(at["x"], at["y"])[:3] == [0xF0, 0xA0, 0x20])


def test_a_bin_and_a_counter_have_panels_of_their_own(scene: Scene) -> None:
    """The week of a bin with its threshold; the hours of a counter by direction; both under the name of the street."""
    scene.open(1280, 800)
    scene.tab.run(f"{MAP}.$emit('asset', '88383-bin-001')")
    scene.tab.until("the bin's chart is drawn", "!!document.querySelector('.panel .curve canvas')")
    assert scene.text(".panel h2") == "Grande Rue"
    assert scene.text(".panel-place").startswith("Bac · Remiremont · 88383-bin-001")
    assert scene.text(".panel-state") == "À vider : 92 % rempli"
    assert "À vider à partir de 80 %." in scene.text(".panel")
    scene.tab.run(f"{MAP}.$emit('asset', '88383-counter-001')")
    scene.tab.until(
        "the counter's chart is drawn", "document.querySelector('.panel').innerText.includes('depuis minuit')"
    )
    names = scene.tab.until(
        "its series are there",
        "getElement(+document.querySelector('.curve').id.slice(1)).chart.getOption().series.map(s => s.name).join()",
    )
    assert names == "vers la gauche,vers la droite,Vitesse moyenne (km/h)"
    assert "km/h, pour une limite de 50 km/h." in scene.text(".panel")


def _secrets(declared: Territory) -> list[str]:
    """What only the operator may see: words of radio and identity, every device, the gateway, the bytes, the codec."""
    words = ["dev_eui", "dev_addr", "rssi", "snr_db", "spool_id", "DevEUI", GATEWAY, PAYLOAD.hex(), CODEC]
    return words + list(declared.devices)


def test_nothing_leaves_this_machine_and_no_device_is_named(scene: Scene) -> None:
    """Every address asked for is loopback; no document, no web socket, no endpoint carries identity, radio or bytes."""
    scene.open(1280, 800)
    for asset in (LIT, "88383-bin-001", "88383-counter-001", "88383-cab-01"):
        scene.tab.run(f"{MAP}.$emit('asset', '{asset}')")
        scene.tab.until("its panel is open", f"document.querySelector('.panel').innerText.includes('{asset}')")
    hosts = {
        urlsplit(address).hostname for address in scene.tab.requests if not address.startswith(("data:", "about:"))
    }
    assert hosts == {"127.0.0.1"}
    assert scene.tab.complaints == []
    told = "".join(scene.tab.frames) + scene.tab.run("document.documentElement.outerHTML")
    for path in ("", "api/state", "api/assets", "api/outlines", "healthz"):
        told += httpx.get(f"{scene.page.url}/{path}").text
    assert LIT in told
    assert not [word for word in _secrets(scene.declared) if word in told]


def test_the_operator_sees_device_radio_and_bytes_and_whom_nobody_declared(scene: Scene) -> None:
    """With `operator = true`; the endpoints still tell none of it."""
    stranger = "0018b200000000ff"
    page_process.write(
        scene.folder,
        {"operator": [Point("uplink", {"device": stranger, "commune": "88383"}, NIGHT_MS * 1000, {"key": "k"})]},
    )
    with page_process.page(scene.folder, now_ms=NIGHT_MS, more="operator = true\n") as started:
        operator = Scene(scene.folder, scene.declared, started, scene.tab)
        operator.open(1280, 800)
        operator.tab.run(f"{MAP}.$emit('asset', '{LIT}')")
        operator.tab.until("radio is told", "document.querySelector('.radio')?.innerText.includes('dBm')")
        said = operator.text(".radio")
        assert GATEWAY in said
        assert PAYLOAD.hex() in said
        assert stranger in operator.text(".strangers")
        told = "".join(httpx.get(f"{started.url}/{path}").text for path in ("api/state", "api/assets"))
        assert not [word for word in [*_secrets(scene.declared), stranger] if word in told]


def test_one_tenant_alone(scene: Scene) -> None:
    """Its communes, its assets, its balance; not a word of the others."""
    with page_process.page(scene.folder, now_ms=NIGHT_MS, more='tenant = "esternay"\n') as started:
        alone = Scene(scene.folder, scene.declared, started, scene.tab)
        alone.tab.resize(1280, 800)
        alone.tab.open(started.url)
        alone.tab.until("its lamps are there", f"!!document.querySelector('.asset-map') && !!{MAP}?.layer?.by_id.size")
        assert alone.text(".brand p") == "Esternay"
        assert alone.tab.run(f"{MAP}.layer.points.every(point => point.commune === '51237')") is True
        assert alone.text(".verdict").startswith("✓ Bilan équilibré : rien n’est perdu (1 site, ")
        told = "".join(httpx.get(f"{started.url}/{path}").text for path in ("api/state", "api/assets", "api/outlines"))
        assert "88383" not in told + alone.tab.run("document.documentElement.outerHTML")
