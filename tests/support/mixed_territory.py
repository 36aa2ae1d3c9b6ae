"""A territory of three communes in memory, with lamps, bins and counters of every profile that is simulated."""

from core.territory import Territory
from core.territory.calendars import Calendar, Programme
from core.territory.model import (
    Asset,
    Assignment,
    Circuit,
    Commune,
    Device,
    DeviceClass,
    DeviceState,
    Gateway,
    Geometry,
    Kind,
    MacVersion,
    Operator,
    Profile,
    Region,
    Shape,
    Site,
    Supply,
    Tenant,
)

TOWN, VILLAGE, ALONE = "88383", "88205", "51237"
_COMMUNES = {
    TOWN: Commune(TOWN, "Remiremont", "ccpvm", 48.0175, 6.5882, 7_500),
    VILLAGE: Commune(VILLAGE, "Girmont-Val-d'Ajol", "ccpvm", 47.9547, 6.5619, 256),
    ALONE: Commune(ALONE, "Esternay", "esternay", 48.7323, 3.5616, 1_776),
}
_PROFILES = {
    "nas-ul20xx": ("nas_ul20xx@1.1", DeviceClass.C, 3600),
    "milesight-em400-mud": ("milesight_em400_mud@1", DeviceClass.A, 3600),
    "dingtek-df702": ("dingtek_df702@1", DeviceClass.A, 7200),
    "pmx-tcr": ("pmx_tcr@1", DeviceClass.A, 900),
    "parametric-tcr": ("parametric_tcr@1", DeviceClass.A, 600),
    "unheard-of": ("unheard_of@1", DeviceClass.A, 600),
}
_SENSORS = {Kind.BIN: ("milesight-em400-mud", "dingtek-df702"), Kind.COUNTER: ("pmx-tcr", "parametric-tcr")}
_GEOMETRIES = (
    Geometry(Shape.UPRIGHT, 1_100, 60),
    Geometry(Shape.UPRIGHT, 1_800, 120),
    Geometry(Shape.LYING, 1_300, 80),
)


def territory(*, lamps: int = 6, bins: int = 6, counters: int = 4, circuit: int = 3, unknown: int = 0) -> Territory:
    """So many of each kind in each commune, `circuit` lamps to a circuit; `unknown` bins of an unknown profile."""
    assets: dict[str, Asset] = {}
    circuits: dict[str, Circuit] = {}
    devices: dict[str, Device] = {}
    assignments: list[Assignment] = []

    def put_up(asset: Asset, profile: str) -> None:
        dev_eui = f"70b3d54992{len(devices):06x}"
        assets[asset.id] = asset
        devices[dev_eui] = Device(dev_eui, profile, DeviceState.INSTALLED)
        assignments.append(Assignment(dev_eui, asset.id, 1_700_000_000_000))

    for insee, commune in _COMMUNES.items():
        for number in range(lamps):
            cable = f"{insee}-cir-{number // circuit:02}"
            circuits[cable] = Circuit(cable, f"{insee}-cab-01", list(Supply)[number // circuit % 2], "every-night")
            north = commune.lat + 0.0004 * number
            put_up(
                Asset(f"{insee}-lamp-{number:03}", Kind.LAMP, insee, north, commune.lon, circuit=cable), "nas-ul20xx"
            )
        for number in range(bins + unknown):
            geometry = _GEOMETRIES[number % len(_GEOMETRIES)]
            place = {"lat": commune.lat, "lon": commune.lon + 0.0003 * number}
            profile = _SENSORS[Kind.BIN][number % 2] if number < bins else "unheard-of"
            put_up(Asset(f"{insee}-bin-{number:03}", Kind.BIN, insee, **place, geometry=geometry), profile)
        for number in range(counters):
            found = Asset(
                f"{insee}-cnt-{number:03}",
                Kind.COUNTER,
                insee,
                commune.lat,
                commune.lon - 0.001 * number,
                circuit=f"{insee}-cir-00" if number >= 2 else None,
                speed_limit_kmh=(50, 30)[number % 2],
            )
            put_up(found, _SENSORS[Kind.COUNTER][number % 2])
    return Territory(
        operator=Operator("grand-est", "Hyperviseur"),
        tenants={
            "ccpvm": Tenant("ccpvm", "Porte des Vosges", (TOWN, VILLAGE)),
            "esternay": Tenant("esternay", "Esternay", (ALONE,)),
        },
        communes=_COMMUNES,
        sites={
            "remiremont": _site("remiremont", TOWN, "7c1f0c52-3c1b-4d57-9a39-2f3f5d9d8a01"),
            "esternay": _site("esternay", ALONE, "e5c3a7b4-61f2-4a0b-bb0e-0d9a4c1e7703"),
        },
        profiles={
            name: Profile(name, codec, Region.EU868, MacVersion.V1_0_3, device_class, interval_s)
            for name, (codec, device_class, interval_s) in _PROFILES.items()
        },
        programmes={"every-night": Programme("every-night")},
        calendars={"every-night": Calendar("every-night", "every-night")},
        circuits=circuits,
        assets=assets,
        devices=devices,
        assignments=tuple(assignments),
    )


def _site(name: str, insee: str, application: str) -> Site:
    commune = _COMMUNES[insee]
    gateways = tuple(
        Gateway(f"7076ff0056{place}{insee}", commune.lat + 0.01 * place, commune.lon) for place in range(2)
    )
    return Site(
        name,
        commune.name,
        insee,
        commune.tenant,
        commune.lat,
        commune.lon,
        applications=(application,),
        gateways=gateways,
    )
