"""What spreadsheets, other systems and hurried people make of a territory's files gets one clear answer."""

from pathlib import Path

import pytest

from core.territory import DeviceState, Fault, Kind, TerritoryError, load
from core.territory.faults import looks_secret
from core.territory.reading import FILES
from tests.support.sound_territory import SOUND, write


def faults_of(folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(TerritoryError) as caught:
        load(folder)
    return caught.value.faults


def places(faults: tuple[Fault, ...]) -> list[tuple[str, int, int, str]]:
    return [(f.file, f.line, f.column, f.code) for f in faults]


def test_a_mark_before_the_text_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    """BOM and CRLF, which a spreadsheet writes, are read as if they were not there."""
    (tmp_path / "plain").mkdir()
    plain = load(write(tmp_path / "plain"))
    for name in FILES:
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + SOUND[name].replace("\n", "\r\n").encode())
    marked = load(tmp_path)
    assert (marked.assets, marked.sites, marked.assignments) == (plain.assets, plain.sites, plain.assignments)
    assert marked.digest != plain.digest


def test_columns_may_stand_in_any_order_with_spaces_and_quotes(tmp_path: Path) -> None:
    """The header says which column is which; spaces around values and quotes around all of them do not matter."""
    write(tmp_path, devices_csv='"state", "dev_eui","profile"\n stock ,"70B3D54990000001","nas-ul20xx"\n\n')
    (tmp_path / "assignments.csv").write_text("dev_eui,asset,from,to\n")
    device = load(tmp_path).devices["70b3d54990000001"]
    assert (device.state, device.profile) == (DeviceState.STOCK, "nas-ul20xx")


def test_a_file_of_before_the_street_is_read(tmp_path: Path) -> None:
    """A column that is optional may be left out, whatever stands after it."""
    rows = [line.split(",") for line in SOUND["assets.csv"].splitlines()]
    before = "\n".join(",".join([*row[:5], *row[6:]]) for row in rows)
    assert "street" not in before
    assets = load(write(tmp_path, assets_csv=before)).assets
    assert {asset.street for asset in assets.values()} == {None}
    assert assets["cnt-1"].speed_limit_kmh == 50


def test_latin_1_is_named_at_its_first_byte(tmp_path: Path) -> None:
    """The answer shows the line, the column and the letter that was meant."""
    (write(tmp_path) / "assets.csv").write_bytes(SOUND["assets.csv"].replace("Urbaine", "Éclairage").encode("latin-1"))
    (fault,) = faults_of(tmp_path)
    assert (fault.line, fault.column, fault.code) == (3, 64, "territory.encoding")
    assert "'É'" in fault.message
    assert "UTF-8" in fault.hint


def test_utf_16_is_named(tmp_path: Path) -> None:
    """`Unicode text` of a spreadsheet."""
    (write(tmp_path) / "devices.csv").write_bytes(SOUND["devices.csv"].encode("utf-16"))
    (fault,) = faults_of(tmp_path)
    assert (fault.file, fault.code, fault.message) == ("devices.csv", "territory.encoding", "the file is UTF-16")


def test_cr_alone_and_control_characters_are_named(tmp_path: Path) -> None:
    """They stand out neither in an editor nor in a terminal."""
    write(
        tmp_path, circuits_csv=SOUND["circuits.csv"].replace("\n", "\r", 1), devices_csv=SOUND["devices.csv"] + "\x00"
    )
    assert places(faults_of(tmp_path)) == [
        ("circuits.csv", 1, 27, "territory.control_character"),
        ("devices.csv", 6, 1, "territory.control_character"),
    ]


def test_tabs_are_named(tmp_path: Path) -> None:
    """The separator is said to be wrong, not each of the columns."""
    write(tmp_path, circuits_csv=SOUND["circuits.csv"].replace(",", "\t"))
    (fault,) = faults_of(tmp_path)
    assert (fault.line, fault.column, fault.code) == (1, 3, "territory.separator")
    assert "tabs" in fault.message


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_one_fault(name: str, tmp_path: Path) -> None:
    """What refers to a missing file is not reported line by line."""
    (write(tmp_path) / name).unlink()
    assert places(faults_of(tmp_path)) == [(name, 1, 1, "territory.missing_file")]


def test_a_file_with_capitals_is_recognised(tmp_path: Path) -> None:
    """`Assets.csv` is the file that was meant."""
    (write(tmp_path) / "assets.csv").rename(tmp_path / "Assets.csv")
    (fault,) = faults_of(tmp_path)
    assert fault.hint == "rename Assets.csv"


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    """What the system says is passed on."""
    (write(tmp_path) / "assets.csv").unlink()
    (tmp_path / "assets.csv").mkdir()
    (fault,) = faults_of(tmp_path)
    assert fault.code == "territory.unreadable_file"
    assert "Is a directory" in fault.message


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """One fault, not eight missing files."""
    (fault,) = faults_of(tmp_path / "nowhere")
    assert (fault.code, fault.file) == ("territory.missing_folder", str(tmp_path / "nowhere"))


def test_all_faults_come_at_once_in_order(tmp_path: Path) -> None:
    """A fault in each of the eight files: eight faults, by file and line, in one answer."""
    write(
        tmp_path,
        territory_toml=SOUND["territory.toml"].replace("ccpvm", "CCPVM"),
        sites_toml=SOUND["sites.toml"].replace("lat = 48.7\n", "lat = 480\n"),
        profiles_toml=SOUND["profiles.toml"].replace("EU868", "US915"),
        calendars_toml=SOUND["calendars.toml"].replace("23:00", "25:00"),
        assets_csv=SOUND["assets.csv"].replace("lamp-1,lamp", "lamp-1,tree"),
        circuits_csv=SOUND["circuits.csv"].replace("switched", "gas"),
        devices_csv=SOUND["devices.csv"].replace("retired", "lost"),
        assignments_csv=SOUND["assignments.csv"].replace("+01:00", ""),
    )
    assert places(faults_of(tmp_path)) == [
        ("assets.csv", 3, 8, "territory.enum"),
        ("assignments.csv", 2, 25, "territory.zone"),
        ("calendars.toml", 4, 1, "territory.hour"),
        ("circuits.csv", 2, 13, "territory.enum"),
        ("devices.csv", 5, 29, "territory.enum"),
        ("profiles.toml", 4, 1, "territory.enum"),
        ("sites.toml", 26, 1, "territory.range"),
        ("territory.toml", 6, 1, "territory.id"),
    ]


def test_several_faults_of_one_row_are_all_reported(tmp_path: Path) -> None:
    """A technician mends a row once."""
    write(tmp_path, devices_csv="dev_eui,profile,state\n70b3,,gone\n", assignments_csv="dev_eui,asset,from,to\n")
    assert places(faults_of(tmp_path)) == [
        ("devices.csv", 2, 1, "territory.eui"),
        ("devices.csv", 2, 6, "territory.empty"),
        ("devices.csv", 2, 7, "territory.enum"),
    ]


def test_the_error_says_how_many_and_the_first(tmp_path: Path) -> None:
    """A service that cannot start with it prints one sentence and the command that shows all."""
    write(tmp_path, devices_csv=SOUND["devices.csv"].replace("retired", "lost").replace("stock", "spare"))
    with pytest.raises(
        TerritoryError, match=r"has 2 faults: devices\.csv:4:29: state: 'spare' is not one of"
    ) as caught:
        load(tmp_path)
    assert caught.value.hint == f"beffroi territory check {tmp_path}"
    assert caught.value.exit_code == 78


def test_a_cabinet_may_have_several_devices(tmp_path: Path) -> None:
    """A meter and a door contact measure different things of one cabinet; a lamp has one controller."""
    rows = "70b3d54990000001,cab-1,2026-03-01T09:30:00Z,\n70b3d54990000002,cab-1,2026-03-01T09:30:00Z,\n"
    territory = load(write(tmp_path, assignments_csv=f"dev_eui,asset,from,to\n{rows}"))
    assert territory.assets["cab-1"].kind is Kind.CABINET
    assert {territory.place(d, 1_800_000_000_000, site="remiremont").asset for d in territory.timelines} == {"cab-1"}


def test_no_message_repeats_a_key(tmp_path: Path) -> None:
    """What looks like a key is refused and never printed, wherever it was typed."""
    key = "2b7e151628aed2a6abf7158809cf4f3c"
    write(
        tmp_path,
        devices_csv=SOUND["devices.csv"] + f"{key},nas-ul20xx,{key}\n",
        profiles_toml=SOUND["profiles.toml"].replace("EU868", key),
    )
    faults = faults_of(tmp_path)
    assert {f.code for f in faults} == {"territory.secret", "territory.eui", "territory.enum"}
    assert not any(key in f"{fault}{fault.hint}" for fault in faults)


@pytest.mark.parametrize(
    "name", ["app_key", "AppKey", "nwkSKey", "appskey", "NwkKey", "key", "api-token", "Mot de passe", "secret"]
)
def test_names_of_secrets_are_recognised(name: str) -> None:
    """However a network server or a spreadsheet spells them."""
    assert looks_secret(name)


@pytest.mark.parametrize("name", ["id", "luminaire", "keyword", "monkey_bars", "supply", "tokenring"])
def test_other_names_are_no_secrets(name: str) -> None:
    """A column is not refused for a syllable."""
    assert not looks_secret(name)
