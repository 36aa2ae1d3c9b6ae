"""What the page's endpoints answer: the same facts as the page shows, as JSON. Pure; never a device, never radio."""

from typing import Any

from cloud.page.kinds import MAIN, TRADES
from cloud.page.state import Snapshot
from cloud.page.tally import NONE, Tallies, Tally
from core.model import Domain
from core.territory import Kind, geography

VERSION = 1
_NAMES = {Domain.LIGHT: "lamps", Domain.BIN: "bins", Domain.TRAFFIC: "counters"}


def state(snapshot: Snapshot) -> dict[str, Any]:
    """`/api/state`: for scripts and for whoever waits until the page moves."""
    road = snapshot.beside.road
    newest_ms = snapshot.newest_ms
    kinds = _kinds(snapshot.totals)
    kinds["lamps"]["expected_lit"] = snapshot.expected_lit
    kinds["counters"]["vehicles_today"] = vehicles_today(snapshot)
    return {
        "version": VERSION,
        "now_ms": snapshot.now_ms,
        "revision": snapshot.revision,
        "store": snapshot.store,
        "newest_ms": newest_ms,
        "age_ms": None if newest_ms is None else max(0, snapshot.now_ms - newest_ms),
        **kinds,
        "communes": [
            {
                "insee": commune.insee,
                "name": commune.name,
                "zone": commune.zone,
                **_kinds(snapshot.tallies.get(insee, {})),
            }
            for insee, commune in snapshot.ground.communes.items()
        ],
        "road": None
        if road is None
        else {
            "accepted": road.accepted,
            "stored": road.stored,
            "spooled": road.spooled,
            "quarantined": road.quarantined,
            "evicted": road.evicted,
            "balanced": road.balanced,
            "edges": road.edges,
            "offline": road.offline,
            "reported_ms": road.reported_ms,
        },
        "silent_sites": [{"name": site.name, "heard_ms": site.at_ms} for site in snapshot.beside.silent],
        "unassigned": snapshot.beside.unassigned,
        "watch": {"awake": snapshot.beside.watch.is_awake, "stopped_ms": snapshot.beside.watch.stopped_ms},
        "alarms": [
            {
                "kind": alarm.kind,
                "severity": alarm.severity,
                "state": alarm.state,
                "commune": alarm.commune,
                "asset": alarm.asset or None,
                "since_ms": alarm.since_ms,
            }
            for alarm in snapshot.beside.alarms
            if alarm.is_open
        ],
    }


def vehicles_today(snapshot: Snapshot) -> float | None:
    """Since midnight, all counters together; None where none has measured anything."""
    counts = [n for asset, n in snapshot.beside.vehicles.items() if asset in snapshot.ground.places]
    return sum(counts) if counts else None


def _kinds(tallies: Tallies) -> dict[str, dict[str, Any]]:
    return {_NAMES[domain]: _tally(kind, tallies.get(kind, NONE)) for domain, kind in MAIN.items()}


def _tally(kind: Kind, tally: Tally) -> dict[str, Any]:
    return {
        "declared": tally.declared,
        "heard": tally.heard,
        "newest_ms": tally.newest_ms,
        **{state.value: tally[state] for state in TRADES[kind].states},
    }


def assets(snapshot: Snapshot) -> dict[str, Any]:
    """`/api/assets`: every asset as GeoJSON, with the revision of its states and the zones of the overview."""
    ground = snapshot.ground
    return {
        "type": "FeatureCollection",
        "revision": snapshot.revision,
        "zones": [{"id": zone.id, "name": zone.name, "communes": zone.communes} for zone in ground.zones],
        "features": [
            {
                "type": "Feature",
                "id": place.asset,
                "geometry": {"type": "Point", "coordinates": [place.lon, place.lat]},
                "properties": {
                    "kind": place.kind,
                    "layer": TRADES[place.kind].domain,
                    "state": snapshot.seen[place.asset].state,
                    "commune": place.commune,
                    "name": place.label,
                },
            }
            for place in ground.places.values()
        ],
    }


def outlines(snapshot: Snapshot) -> dict[str, Any]:
    """`/api/outlines`: the communes as GeoJSON, those for which beffroi ships an outline."""
    shipped = geography.outlines()
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": shipped[insee]},
                "properties": {"insee": insee, "name": commune.name},
            }
            for insee, commune in snapshot.ground.communes.items()
            if insee in shipped
        ],
    }
