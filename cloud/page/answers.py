"""What the page's endpoints answer: the same facts as the page shows, as JSON. Pure; never a device, never radio."""

from typing import Any

from cloud.page.lamp import LampState
from cloud.page.state import Snapshot, Tally
from core.territory import geography

VERSION = 1


def state(snapshot: Snapshot) -> dict[str, Any]:
    """`/api/state`: for scripts and for whoever waits until the page moves."""
    road = snapshot.road
    newest_ms = snapshot.total.newest_ms
    return {
        "version": VERSION,
        "now_ms": snapshot.now_ms,
        "revision": snapshot.revision,
        "store": snapshot.store,
        "newest_ms": newest_ms,
        "age_ms": None if newest_ms is None else max(0, snapshot.now_ms - newest_ms),
        "lamps": _tally(snapshot.total),
        "communes": [
            {"insee": commune.insee, "name": commune.name, "zone": commune.zone, **_tally(snapshot.tallies[insee])}
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
        "unassigned": snapshot.unassigned,
    }


def _tally(tally: Tally) -> dict[str, int]:
    return {"declared": tally.declared, "heard": tally.heard, **{state: tally[state] for state in LampState}}


def lamps(snapshot: Snapshot) -> dict[str, Any]:
    """`/api/lamps`: every lamp as GeoJSON, with the revision of its states and the zones of the overview."""
    ground = snapshot.ground
    return {
        "type": "FeatureCollection",
        "revision": snapshot.revision,
        "zones": [{"id": zone.id, "name": zone.name, "communes": zone.communes} for zone in ground.zones],
        "features": [
            {
                "type": "Feature",
                "id": spot.asset,
                "geometry": {"type": "Point", "coordinates": [spot.lon, spot.lat]},
                "properties": {"state": snapshot.lamps[spot.asset].state, "commune": spot.commune},
            }
            for spot in ground.lamps.values()
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
