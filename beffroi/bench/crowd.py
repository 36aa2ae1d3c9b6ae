"""A territory of many small tenants, and what their edges would send: for the worker alone, without the edges."""

import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from core import topics
from core.envelope import MAX_ROWS, Header, pack
from core.model import RowClass, encode_row
from core.territory import geography
from edge.intake import Intake
from edge.sources.chirpstack_events import parse_event
from simulator.network import Event

_PROFILE = "nas-ul20xx"
_FIRST_EUI = 0x70B3_D549_9A00_0000


def write_territory(folder: Path, *, tenants: int, lamps: int) -> None:
    """`lamps` lamps, shared out over the `tenants` largest communes of the official list: a tenant and a site each."""
    folder.mkdir(parents=True, exist_ok=True)
    communes = sorted(geography.official().values(), key=lambda one: (-one.population, one.insee))[:tenants]
    declared = ['[operator]\nid = "bench"\nname = "Bench"\n']
    sites: list[str] = []
    assets = ["id,kind,commune,lat,lon,circuit,rated_power_w"]
    circuits = ["id,cabinet,supply,calendar"]
    devices, assignments = ["dev_eui,profile,state"], ["dev_eui,asset,from,to"]
    for number, commune in enumerate(communes):
        name, site = json.dumps(commune.name, ensure_ascii=False), f"s{commune.insee}"
        declared.append(f'[[tenants]]\nid = "t{commune.insee}"\nname = {name}\ncommunes = ["{commune.insee}"]\n')
        place = f"lat = {commune.lat}\nlon = {commune.lon}\n"
        sites.append(
            f'[[sites]]\nid = "{site}"\nname = {name}\ncommune = "{commune.insee}"\n{place}'
            f'network_server = "chirpstack"\napplications = ["00000000-0000-4000-8000-{number:012}"]\n'
            f'[[sites.gateways]]\neui = "{0x7076_FF00_5607_0000 + number:016x}"\nname = {name}\n{place}'
        )
        assets.append(f"{commune.insee}-cab,cabinet,{commune.insee},{commune.lat},{commune.lon},,")
        circuits.append(f"{commune.insee}-cir,{commune.insee}-cab,permanent,usual")
        for lamp in range(number, lamps, tenants):
            asset, eui = f"{commune.insee}-lamp-{lamp:05}", f"{_FIRST_EUI + lamp:016x}"
            assets.append(f"{asset},lamp,{commune.insee},{commune.lat},{commune.lon},{commune.insee}-cir,40")
            devices.append(f"{eui},{_PROFILE},installed")
            assignments.append(f"{eui},{asset},2020-01-01T00:00:00Z,")
    for name, text in {
        "territory.toml": "\n".join(declared),
        "sites.toml": "\n".join(sites),
        "profiles.toml": _PROFILES,
        "calendars.toml": _CALENDARS,
        "assets.csv": "\n".join([*assets, ""]),
        "circuits.csv": "\n".join([*circuits, ""]),
        "devices.csv": "\n".join([*devices, ""]),
        "assignments.csv": "\n".join([*assignments, ""]),
    }.items():
        (folder / name).write_text(text, "utf-8")


def messages(events: list[Event]) -> Iterator[tuple[str, bytes]]:
    """What the edges of these events would send of a backlog: topic and full envelopes, each edge's in its turn."""
    intake = Intake()
    rows: dict[tuple[str, RowClass], list[bytes]] = defaultdict(list)
    for event in events:
        row_class, row = intake.read(parse_event(event.topic, event.payload, now_ms=event.at_ms))
        rows[event.edge, row_class].append(encode_row(row))
    waiting = [_runs(edge, row_class, kept) for (edge, row_class), kept in rows.items()]
    while waiting:
        for run in list(waiting):
            message = next(run, None)
            if message is None:
                waiting.remove(run)
            else:
                yield message


def _runs(edge: str, row_class: RowClass, rows: list[bytes]) -> Iterator[tuple[str, bytes]]:
    stored = iter(rows)
    first = 1
    while run := list(islice(stored, MAX_ROWS)):
        header = Header(
            edge=edge,
            spool_id="00000000000000b1",
            row_class=row_class,
            first=first,
            last=first + len(run) - 1,
            boot="bench",
            offset_ms=0,
        )
        yield topics.of_edge(edge, topics.UP), pack(header, run)
        first += len(run)


_PROFILES = f"""\
[[profiles]]
id = "{_PROFILE}"
name = "NAS UL20xx, firmware 1.1"
codec = "nas_ul20xx@1.1"
region = "EU868"
mac = "1.0.3"
class = "C"
expected_interval_s = 3600
"""

_CALENDARS = """\
[[programmes]]
id = "night"
name = "Nuit"
level_pct = 100

[[calendars]]
id = "usual"
name = "Usuel"
programme = "night"
"""
