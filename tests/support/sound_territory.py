"""A small territory without a fault: every file, every kind of asset, every state of a device."""

from pathlib import Path

CODECS = ("nas_ul20xx", "nas_ul20xx@1.1")
SOUND = {
    "territory.toml": """\
[operator]
id = "grand-est"
name = "Hyperviseur"

[[tenants]]
id = "ccpvm"
name = "Porte des Vosges"
communes = ["88383", "88429"]

[[tenants]]
id = "esternay"
name = "Esternay"
communes = ["51237"]
""",
    "sites.toml": """\
[[sites]]
id = "remiremont"
name = "Remiremont"
commune = "88383"
lat = 48.0175
lon = 6.5882
network_server = "chirpstack"
applications = ["7c1f0c52-3c1b-4d57-9a39-2f3f5d9d8a01"]

[[sites.gateways]]
eui = "7076ff0056070a11"
lat = 48.0
lon = 6.6

[[sites]]
id = "esternay"
name = "Esternay"
commune = "51237"
lat = 48.7323
lon = 3.5616
network_server = "chirpstack"
applications = ["e5c3a7b4-61f2-4a0b-bb0e-0d9a4c1e7703"]

[[sites.gateways]]
eui = "7076ff0056070a12"
lat = 48.7
lon = 3.6
""",
    "profiles.toml": """\
[[profiles]]
id = "nas-ul20xx"
codec = "nas_ul20xx@1.1"
region = "EU868"
mac = "1.0.3"
class = "C"
expected_interval_s = 3600
""",
    "calendars.toml": """\
[[programmes]]
id = "extinction"
[[programmes.periods]]
from = "23:00"
to = "05:00"
level_pct = 0

[[calendars]]
id = "quartiers"
programme = "extinction"
[[calendars.exceptions]]
name = "14 juillet"
arrete = "2026-104"
first = 2026-07-13
last = 2026-07-14
programme = "extinction"
weekdays = ["mon"]
""",
    "assets.csv": """\
id,kind,commune,lat,lon,street,circuit,rated_power_w,colour_temperature_k,luminaire,installed_on,geometry,speed_limit_kmh
cab-1,cabinet,88383,48.0175,6.5882,,,,,,,,
lamp-1,lamp,88383,48.0175,6.5882,Rue de la Gare,cir-1,40,3000,"Urbaine, 40 W",2020-03-01,,
lamp-2,lamp,88429,48.0517,6.5825,,cir-1,,,,,,
bin-1,bin,51237,48.7323,3.5616,Rue de l'Église,,,,,,shape=upright height_mm=1500 blind_mm=60,
cnt-1,counter,51237,48.7323,3.5616,,,,,,,,50
""",
    "circuits.csv": """\
id,cabinet,supply,calendar
cir-1,cab-1,switched,quartiers
""",
    "devices.csv": """\
dev_eui,profile,state
70b3d54990000001,nas-ul20xx,installed
70b3d54990000002,nas-ul20xx,maintenance
70b3d54990000003,nas-ul20xx,stock
70b3d54990000004,nas-ul20xx,retired
""",
    "assignments.csv": """\
dev_eui,asset,from,to
70b3d54990000001,lamp-1,2026-03-01T09:30:00+01:00,
70b3d54990000004,lamp-2,2025-03-01T09:30:00Z,2026-03-01T09:30:00Z
70b3d54990000002,lamp-2,2026-03-01T09:30:00Z,
""",
}


def write(folder: Path, **changed: str) -> Path:
    """The folder with the sound files, some of them changed: `assets_csv="…"`."""
    texts = SOUND | {name.replace("_", "."): text for name, text in changed.items()}
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode())
    return folder
