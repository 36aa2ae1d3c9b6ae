"""sites.toml and profiles.toml: edges, their applications and gateways; kinds of devices."""

import re
from collections.abc import Collection

from core.territory import geography, values
from core.territory.declarations import Declared
from core.territory.document import Table
from core.territory.faults import close_to
from core.territory.model import DeviceClass, Gateway, MacVersion, NetworkServer, Profile, Region, Site
from core.territory.tomlplace import KeyPath, Place

_DIGEST = re.compile(r"@[0-9a-f]{12}$")  # a JavaScript codec: only the edge's bundle knows it


def read_sites(top: Table, found: Declared) -> None:
    """sites.toml; territory.toml was read before, when it could be."""
    applications: dict[str, tuple[str, Place]] = {}
    gateways: dict[str, tuple[str, Place]] = {}
    for table in top.tables("sites"):
        ident, name = table.text("id", values.slug), table.text("name", values.text)
        found.register("site", ident, table, "id")
        commune = table.text("commune", values.insee)
        lat, lon = table.number("lat", -90, 90, "°"), table.number("lon", -180, 180, "°")
        _check_commune(table, found, commune, lat, lon)
        server = table.text("network_server", values.one_of(NetworkServer))
        ours = table.texts("applications", values.uuid)
        for below, application in ours:
            _claim(applications, application, ident or "", table, below, "the application")
        radios = tuple(r for entry in table.tables("gateways") if (r := _read_gateway(entry, gateways, ident or "")))
        if not table.close() or ident is None or name is None or commune is None or lat is None or lon is None:
            continue
        tenant = found.communes[commune].tenant if commune in found.communes else ""
        if server is not None:
            identifiers = tuple(application for _, application in ours)
            found.sites[ident] = Site(ident, name, commune, tenant, lat, lon, server, identifiers, radios)
    top.close()


def _check_commune(table: Table, found: Declared, commune: str | None, lat: float | None, lon: float | None) -> None:
    """The commune is a tenant's, and the site stands in it."""
    if commune is None:
        return
    if found.communes_whole and commune not in found.seen["commune"]:
        table.fault(("commune",), *geography.of_no_tenant(commune))
    if lat is not None and lon is not None and (stray := geography.stray(commune, lat, lon)):
        table.fault(("lat",), *stray)


def _read_gateway(table: Table, owners: dict[str, tuple[str, Place]], site: str) -> Gateway | None:
    eui = table.text("eui", values.eui)
    lat, lon = table.number("lat", -90, 90, "°"), table.number("lon", -180, 180, "°")
    name = table.text("name", values.text, required=False)
    if eui is not None:
        _claim(owners, eui, site, table, ("eui",), "the gateway")
    if not table.close() or eui is None or lat is None or lon is None:
        return None
    return Gateway(eui, lat, lon, name or "")


def _claim(
    owners: dict[str, tuple[str, Place]], what: str, site: str, table: Table, below: KeyPath, words: str
) -> None:
    """One application, one gateway: one site, once."""
    place = table.place(below)
    owner, first = owners.setdefault(what, (site, place))
    if owner != site:
        message, hint = f"{words} {what} belongs to the site {owner} already", "an edge hears what is its own alone"
        table.fault(below, "territory.two_sites", message, hint)
    elif first != place:
        table.fault(below, "territory.duplicate", f"{words} {what} is there twice")


def read_profiles(top: Table, found: Declared, codecs: Collection[str] | None = None) -> None:
    """profiles.toml. `codecs`: the native ones, when somebody knows them."""
    found.seen.setdefault("profile", {})
    for table in top.tables("profiles"):
        ident, name = table.text("id", values.slug), table.text("name", values.text, required=False)
        found.register("profile", ident, table, "id")
        codec = table.text("codec", values.codec)
        if codec is not None and codecs is not None and codec not in codecs and not _DIGEST.search(codec):
            table.fault(("codec",), "territory.unknown_codec", f"no codec is named {codec}", close_to(codec, codecs))
        region = table.text("region", values.one_of(Region))
        mac = table.text("mac", values.one_of(MacVersion))
        device_class = table.text("class", values.one_of(DeviceClass))
        interval_s = table.whole("expected_interval_s", 10, 31 * 86400, "s")
        if not table.close() or ident is None or codec is None or region is None or mac is None:
            continue
        if device_class is not None and interval_s is not None:
            found.profiles[ident] = Profile(ident, codec, region, mac, device_class, interval_s, name or "")
    top.close()
