"""Every fault of a territory is found, at its line and column, with its code; all of them at once.

A case changes one text of a sound territory; ▲ in the new text marks where the fault must be reported.
"""

from pathlib import Path
from typing import NamedTuple

import pytest

from core.territory import TerritoryError, load
from tests.support.sound_territory import CODECS, SOUND, write


class Case(NamedTuple):
    old: str
    new: str
    code: str
    says: str  # part of the sentence or hint
    also: tuple[str, ...] = ()  # codes of what is wrong by consequence


WHEN = "from = 2026-03-01T08:00:00Z, to = 2026-03-02T08:00:00Z"


def alerting(line: str, code: str, says: str) -> Case:
    """A line below the tenant esternay."""
    return Case('communes = ["51237"]', f'communes = ["51237"]\n{line}', code, says)


def contact(keys: str, code: str, says: str, *, at_table: bool = False) -> Case:
    return alerting(f"contacts = [{'▲' if at_table else ''}{{{keys}}}]", code, says)


def maintenance(keys: str, code: str, says: str) -> Case:
    return alerting(f'maintenance = [{{{keys}, reason = "travaux"}}]', code, says)


CASES = {
    "territory.toml": {
        "toml syntax": Case('name = "Esternay"', "name = ▲Esternay", "toml", "between quotes"),
        "toml cut short": Case('communes = ["51237"]\n', 'communes = ["51237"▲', "toml", "Unclosed array"),
        "unknown key": Case('name = "Esternay"', 'name = "E"\n▲nmae = "E"', "unknown_key", "did you mean name?"),
        "unknown table": Case("[operator]", "▲[operators]\n[operator]", "unknown_key", "did you mean operator?"),
        "missing key": Case('[[tenants]]\nid = "esternay"\n', "▲[[tenants]]\n", "missing_key", "id is missing"),
        "no operator": Case(
            '[operator]\nid = "grand-est"\nname = "Hyperviseur"\n', "▲\n", "missing_key", "operator is missing"
        ),
        "tenant twice": Case('id = "esternay"', '▲id = "ccpvm"', "duplicate", "first on line 6"),
        "tenant named operator": Case('id = "esternay"', '▲id = "operator"', "reserved", "another id"),
        "tenant's id": Case('id = "esternay"', '▲id = "Esternay 51"', "id", "lower-case"),
        "postal code": Case('"88429"]', '"88429", ▲"54000"]', "unknown_commune", "Nancy is 54395"),
        "name for a code": Case('"88429"]', '"88429", ▲"Éloyes"]', "insee", "Éloyes is 88158"),
        "commune of two tenants": Case('["51237"]', '["51237", ▲"88383"]', "duplicate", "one tenant"),
        "no communes": Case('communes = ["51237"]', "▲communes = []", "empty", "communes is empty"),
        "text for an array": Case('communes = ["51237"]', '▲communes = "51237"', "type", "not an array"),
        "number for a text": Case('["51237"]', "[▲51237]", "type", "between quotes"),
        "token": Case("[operator]", "[operator]\n▲api_token = 'x'", "secret", "mode 0600"),
        "password": Case("[operator]", "[operator]\n▲password = 'x'", "secret", "mode 0600"),
        "hidden key": Case(
            "[operator]", "# ▲00112233445566778899aabbccddeeff\n[operator]", "secret", "look like a key"
        ),
        "bad threshold": Case("[operator]", "[thresholds]\n▲bin_full_pct = 120\n[operator]", "range", "1 to 100 %"),
        "half a day": Case("[operator]", "[retention]\n▲raw_days = 1.5\n[operator]", "type", "whole"),
        "e-mail": Case('["51237"]', '["51237"]\ncontacts = [{name = "M", ▲email = "mairie"}]', "email", "'mairie'"),
        "contact without address": contact('name = "M"', "missing_key", "an email, a webhook", at_table=True),
        "webhook in the open": contact('name = "M", ▲webhook = "http://h.example/x"', "url", "not this machine"),
        "webhook with a password": contact('name = "M", ▲webhook = "https://u:p@h.example"', "url", "credentials"),
        "webhook with a token": contact('name = "M", ▲webhook = "https://h.example/?t=1"', "url", "secrets live apart"),
        "webhook's port": contact('name = "M", ▲webhook = "https://h.example:99999"', "url", "not a URL"),
        "webhook nowhere": contact('name = "M", ▲webhook = "hooks"', "url", "https"),
        "quiet hours": contact('name = "M", email = "m@m.fr", ▲quiet = "22h-7h"', "hours", "22:00-07:00"),
        "quiet for ever": contact('name = "M", email = "m@m.fr", ▲quiet = "22:00-22:00"', "hours", "as it ends"),
        "hour of the quiet": contact('name = "M", email = "m@m.fr", ▲quiet = "25:00-07:00"', "hour", "23:00"),
        "severity wanted": contact('name = "M", email = "m@m.fr", severities = [▲"warn"]', "enum", "warning"),
        "escalation": contact('name = "M", email = "m@m.fr", ▲escalate_after_min = 0', "range", "1 to 10080 min"),
        "contact twice": contact(
            'name = "M", email = "m@m.fr"}, {▲name = "M", email = "n@m.fr"', "duplicate", "named M"
        ),
        "severity of no alarm": alerting(
            'severities = [{▲kind = "bin.ful", severity = "notice"}]', "kind", "bin.full?"
        ),
        "severity twice": alerting(
            'severities = [{kind = "bin.full", severity = "notice"}, {▲kind = "bin.full", severity = "notice"}]',
            "duplicate",
            "twice",
        ),
        "no such severity": alerting('severities = [{kind = "bin.full", ▲severity = "low"}]', "enum", "notice"),
        "maintenance without zone": maintenance(
            "▲from = 2026-03-01T08:00:00, to = 2026-03-02T08:00:00Z", "type", "zone"
        ),
        "maintenance as text": maintenance(
            '▲from = "2026-03-01T08:00:00Z", to = 2026-03-02T08:00:00Z', "type", "without quotes"
        ),
        "maintenance backwards": maintenance(
            "from = 2026-03-02T08:00:00Z, ▲to = 2026-03-01T08:00:00Z", "interval", "before it starts"
        ),
        "maintenance of no asset": maintenance(f'{WHEN}, assets = [▲"bin-2"]', "unknown_asset", "did you mean bin-1?"),
        "maintenance of no circuit": maintenance(f'{WHEN}, circuits = [▲"cir-2"]', "unknown_circuit", "cir-1?"),
        "maintenance of no commune": maintenance(
            f'{WHEN}, communes = [▲"51001"]', "unknown_commune", "no commune 51001"
        ),
        "maintenance elsewhere": maintenance(f'{WHEN}, communes = [▲"88383"]', "of_another_tenant", "of ccpvm"),
        "maintenance of another's lamp": maintenance(f'{WHEN}, assets = [▲"lamp-1"]', "of_another_tenant", "of ccpvm"),
        "maintenance of another's circuit": maintenance(
            f'{WHEN}, circuits = [▲"cir-1"]', "of_another_tenant", "of ccpvm"
        ),
    },
    "sites.toml": {
        "site twice": Case('id = "esternay"', '▲id = "remiremont"', "duplicate", "first on line 2"),
        "site of no tenant": Case(
            'commune = "51237"\nlat', '▲commune = "51001"\nlat', "commune_of_no_tenant", "territory.toml", ("far",)
        ),
        "site far away": Case("lat = 48.7323", "▲lat = 48.0323", "far", "km outside Esternay"),
        "application of two sites": Case(
            '"e5c3a7b4-61f2-4a0b-bb0e-0d9a4c1e7703"',
            '▲"7c1f0c52-3c1b-4d57-9a39-2f3f5d9d8a01"',
            "two_sites",
            "the site remiremont",
        ),
        "application's id": Case('"7c1f0c52-', '▲"7c1f-', "uuid", "8-4-4-4-12"),
        "gateway of two sites": Case(
            'eui = "7076ff0056070a12"', '▲eui = "7076FF0056070A11"', "two_sites", "the gateway"
        ),
        "gateway's EUI": Case('eui = "7076ff0056070a12"', '▲eui = "7076ff0056070a1"', "eui", "16 hexadecimal"),
        "unknown server": Case(
            'network_server = "chirpstack"\napplications = ["e5',
            '▲network_server = "chirpstak"\napplications = ["e5',
            "enum",
            "chirpstack?",
        ),
        "latitude": Case("lat = 48.7\n", "▲lat = 487\n", "range", "-90 to 90 °"),
        "latitude as text": Case("lat = 48.7\n", '▲lat = "48.7"\n', "type", "without quotes"),
    },
    "profiles.toml": {
        "region": Case('region = "EU868"', '▲region = "EU86"', "enum", "did you mean EU868?"),
        "class": Case('class = "C"', '▲class = "D"', "enum", "one of A, B, C"),
        "mac": Case('mac = "1.0.3"', '▲mac = "1.3"', "enum", "1.0.3"),
        "interval": Case("expected_interval_s = 3600", "▲expected_interval_s = 0", "range", "10 to"),
        "codec": Case('codec = "nas_ul20xx@1.1"', '▲codec = "NAS!"', "codec", "codecs list"),
        "unknown codec": Case('codec = "nas_ul20xx', '▲codec = "nas_ul20x', "unknown_codec", "nas_ul20xx@1.1?"),
    },
    "calendars.toml": {
        "period backwards": Case('to = "05:00"', '▲to = "22:00"', "interval", "noon to noon"),
        "hour": Case('from = "23:00"', '▲from = "23h"', "hour", "23:00"),
        "level": Case("level_pct = 0", "▲level_pct = 101", "range", "0 to 100 %"),
        "overlap": Case(
            "[[calendars]]",
            '▲[[programmes.periods]]\nfrom = "04:00"\nto = "06:00"\nlevel_pct = 50\n[[calendars]]',
            "overlap",
            "overlap",
        ),
        "unknown programme": Case(
            'programme = "extinction"\n[[', '▲programme = "extintion"\n[[', "unknown_programme", "extinction?"
        ),
        "exception backwards": Case("last = 2026-07-14", "▲last = 2026-07-12", "interval", "before it starts"),
        "date as text": Case("first = 2026-07-13", '▲first = "2026-07-13"', "type", "without quotes"),
        "weekday": Case('["mon"]', '[▲"lundi"]', "enum", "mon, tue"),
        "no arrêté": Case('arrete = "2026-104"', '▲arrete = ""', "text", "1 to 200"),
    },
    "assets.csv": {
        "asset twice": Case("lamp-2,lamp", "▲lamp-1,lamp", "duplicate", "first on line 3", ("unknown_asset",)),
        "kind": Case("lamp-2,lamp", "lamp-2,▲lmap", "enum", "did you mean lamp?"),
        "commune that is none": Case("lamp-2,lamp,88429", "lamp-2,lamp,▲88999", "unknown_commune", "88999"),
        "commune of no tenant": Case(
            "lamp-2,lamp,88429,48.0517,6.5825", "lamp-2,lamp,▲88158,48.0979,6.6065", "commune_of_no_tenant", ""
        ),
        "outside the outline": Case("88429,48.0517", "88429,▲48.1517", "far", "outside Saint-Nabord (88429)"),
        "lat and lon swapped": Case("88429,48.0517,6.5825", "88429,▲6.5825,48.0517", "far", "look swapped"),
        "decimal comma": Case("88429,48.0517", '88429,▲"48,0517"', "number", "a point"),
        "not a number": Case("cir-1,40,", "cir-1,▲nan,", "number", "'nan'"),
        "negative power": Case("cir-1,40,", "cir-1,▲-40,", "range", "0.1 to 5000 W"),
        "colour temperature": Case("40,3000", "40,▲300", "range", "1500 to 7000 K"),
        "date": Case('40 W",2020-03-01', '40 W",▲01/03/2020', "date", "2026-07-14"),
        "date of no month": Case('40 W",2020-03-01', '40 W",▲2020-02-30', "date", "2020-02-30"),
        "speed limit": Case(",,,50\n", ",,,▲500\n", "range", "10 to 130 km/h"),
        "speed limit of a lamp": Case(
            "2020-03-01,,", "2020-03-01,,▲50", "not_of_kind", "a lamp has no speed_limit_kmh"
        ),
        "street": Case("Rue de l'Église", f"▲{'Rue ' * 51}", "text", "1 to 200 characters"),
        "two columns for the street": Case("luminaire", "▲street", "duplicate", "street is there twice"),
        "geometry": Case("shape=upright height_mm=1500", "▲shape=upright", "geometry", "height_mm=1500"),
        "lamp without circuit": Case("6.5825,,cir-1", "6.5825,,▲", "empty", "circuits.csv"),
        "unknown circuit": Case("6.5825,,cir-1", "6.5825,,▲cir-2", "unknown_circuit", "did you mean cir-1?"),
        "empty cell": Case("lamp-2,lamp,88429", "lamp-2,lamp,▲", "empty", "commune is empty"),
        "too few values": Case(
            "lamp-2,lamp,88429,48.0517,6.5825,,cir-1,,,,,,", "▲lamp-2,lamp", "columns", "2 values for 13"
        ),
        "open quote": Case('"Urbaine, 40 W"', '▲"Urbaine, 40 W', "quotes", "doubled"),
        "asset's id": Case("\nbin-1,", "\n▲bin 1,", "id", "letters, digits"),
        "unknown column": Case("luminaire", "▲luminare", "unknown_column", "did you mean luminaire?"),
        "column twice": Case("luminaire", "▲circuit", "duplicate", "twice"),
        "key column": Case("luminaire", "▲app_key", "secret", "mode 0600"),
        "AppKey column": Case("luminaire", "▲AppKey", "secret", "mode 0600"),
    },
    "circuits.csv": {
        "missing column": Case(
            "id,cabinet,supply,calendar", "▲id,cabinet,supply,name", "missing_column", "calendar", ("unknown_column",)
        ),
        "no header": Case("id,cabinet,supply,calendar", "▲", "header", "no columns"),
        "semicolons": Case(
            "id,cabinet,supply,calendar", "id▲;cabinet;supply;calendar", "separator", "choose the comma"
        ),
        "supply": Case("switched", "▲switch", "enum", "did you mean switched?"),
        "unknown calendar": Case("quartiers", "▲quartier", "unknown_calendar", "did you mean quartiers?"),
        "unknown cabinet": Case("cab-1", "▲cab-2", "unknown_asset", "did you mean cab-1?"),
        "a lamp as cabinet": Case("cab-1", "▲lamp-1", "not_of_kind", "not a cabinet"),
    },
    "devices.csv": {
        "device twice": Case("70b3d54990000003,", "▲70-B3-D5-49-90-00-00-01,", "duplicate", "first on line 2"),
        "dev_eui": Case("70b3d54990000003", "▲70b3d5499000000g", "eui", "16 hexadecimal"),
        "state": Case(",stock", ",▲spare", "enum", "stock, installed, maintenance, retired"),
        "unknown profile": Case("03,nas-ul20xx", "03,▲nas-ul20x", "unknown_profile", "nas-ul20xx?"),
    },
    "assignments.csv": {
        "unknown device": Case("70b3d54990000001,", "▲70b3d54990000009,", "unknown_device", "there is no"),
        "unknown asset": Case("1,lamp-1,", "1,▲lamp-9,", "unknown_asset", "did you mean lamp-"),
        "no zone": Case("2026-03-01T09:30:00+01:00", "▲2026-03-01T09:30:00", "zone", "+01:00"),
        "no hour": Case("2026-03-01T09:30:00+01:00", "▲2026-03-01", "instant", "ISO 8601"),
        "ends first": Case("Z,2026-03-01T09:30:00Z", "Z,▲2025-03-01T09:29:59Z", "interval", "ends before"),
        "ends at once": Case("Z,2026-03-01T09:30:00Z", "Z,▲2025-03-01T10:30:00+01:00", "interval", "at once"),
        "two devices on a lamp": Case(
            "Z,2026-03-01T09:30:00Z\n70b3d54990000002,lamp-2,2026",
            "Z,2026-03-01T09:30:01Z\n70b3d54990000002,▲lamp-2,2026",
            "two_devices",
            "on line 3",
        ),
        "two assets for a device": Case(
            "70b3d54990000002,lamp-2", "▲70b3d54990000001,lamp-2", "two_assets", "on line 2"
        ),
        "stock, yet assigned": Case(
            "70b3d54990000001,lamp-1,2026-03-01T09:30:00+01:00,",
            "70b3d54990000003,lamp-1,2026-03-01T09:30:00+01:00,▲",
            "state",
            "is stock",
        ),
        "retired, yet assigned": Case(
            "Z,2026-03-01T09:30:00Z\n70b3d54990000002,lamp-2", "Z,▲\n70b3d54990000002,cab-1", "state", "is retired"
        ),
    },
}
ALL = [pytest.param(file, case, id=name) for file, cases in CASES.items() for name, case in cases.items()]


def marked(text: str) -> tuple[str, int, int]:
    """The text without its ▲, and the line and column of it."""
    before, _, after = text.partition("▲")
    return before + after, before.count("\n") + 1, len(before) - before.rfind("\n")


def test_the_sound_territory_has_no_fault(tmp_path: Path) -> None:
    """What the cases change is sound before: nothing else is reported."""
    territory = load(write(tmp_path), codecs=CODECS)
    assert list(territory.assets) == ["cab-1", "lamp-1", "lamp-2", "bin-1", "cnt-1"]
    assert territory.assets["lamp-1"].luminaire == "Urbaine, 40 W"
    assert [asset.street for asset in territory.assets.values()][1:4] == ["Rue de la Gare", None, "Rue de l'Église"]
    assert territory.communes["88383"].name == "Remiremont"
    assert territory.sites["esternay"].tenant == "esternay"


@pytest.mark.parametrize(("file", "case"), ALL)
def test_a_fault_is_reported_where_it_stands(file: str, case: Case, tmp_path: Path) -> None:
    """One fault in one file is reported once, at the line and column of the mark, with its code and a way out."""
    assert SOUND[file].count(case.old) == 1, "the case must change one place"
    text, line, column = marked(SOUND[file].replace(case.old, case.new))
    with pytest.raises(TerritoryError) as caught:
        load(write(tmp_path, **{file.replace(".", "_"): text}), codecs=CODECS)
    faults = [fault for fault in caught.value.faults if fault.code.removeprefix("territory.") not in case.also]
    places = [(fault.file, fault.line, fault.column, fault.code) for fault in faults]
    assert places == [(file, line, column, f"territory.{case.code}")]
    fault = faults[0]
    assert case.says in f"{fault.message} {fault.hint}"
