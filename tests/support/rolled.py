"""Rollups of a small town for tests: counters, extremes, means and nights, and the job that rolls them up."""

from collections.abc import Callable, Mapping, Sequence

from cloud.dirty import HOUR_MS
from cloud.stores.base import Point, Store
from cloud.watch.model import Combine, Rollup, Watched
from cloud.watch.rollup_fields import Recipes
from cloud.watch.rollup_job import RollupJob
from cloud.watch.watchman import watched_of
from core.territory import Asset, Commune, Kind, Operator, Tenant, Territory

COMMUNES = {"88383": "ccpvm", "88351": "ccpvm"}
LAMPS = {"lamp-1": "88383", "lamp-2": "88383", "lamp-3": "88351"}
COUNTERS = {"counter-1": "88383", "counter-2": "88351"}
TERRITORY = Territory(
    operator=Operator("us", "Us"),
    tenants={"ccpvm": Tenant("ccpvm", "CCPVM", tuple(COMMUNES))},
    communes={insee: Commune(insee, insee, tenant, 48.0, 6.6) for insee, tenant in COMMUNES.items()},
    assets={name: Asset(name, Kind.LAMP, insee, 48.0, 6.6) for name, insee in LAMPS.items()}
    | {name: Asset(name, Kind.COUNTER, insee, 48.0, 6.6) for name, insee in COUNTERS.items()},
    digest="town",
)


class Lit:
    """A meter that only counts up: what it counted since the hour before is the hour's; and extremes of the power."""

    measurement = "light"
    fields: Mapping[str, Combine] = {
        "energy_wh": Combine.SUM,
        "meter_wh": Combine.LAST,
        "power_min_w": Combine.MIN,
        "power_max_w": Combine.MAX,
        "readings": Combine.SUM,
    }

    def concerns(self, watched: Watched) -> bool:
        return watched.asset.kind is Kind.LAMP

    def hour(
        self, points: Sequence[Point], before: Mapping[str, float], watched: Watched, start_ms: int
    ) -> dict[str, float]:
        assert all(start_ms <= point.time_us // 1000 < start_ms + HOUR_MS for point in points)
        assert set(before) <= set(self.fields)
        made = {"readings": float(len(points))}
        if meters := [value for point in points if isinstance(value := point.fields.get("meter_wh"), float)]:
            made["meter_wh"] = meters[-1]
            made["energy_wh"] = meters[-1] - before.get("meter_wh", meters[0])
        if powers := [value for point in points if isinstance(value := point.fields.get("power_w"), float)]:
            made |= {"power_min_w": min(powers), "power_max_w": max(powers)}
        return made

    def derive(self, fields: Mapping[str, float]) -> dict[str, float]:
        if "energy_wh" not in fields:
            return {}
        return {"energy_per_reading_wh": fields["energy_wh"] / fields["readings"]}


class Passed:
    """Vehicles."""

    measurement = "traffic"
    fields: Mapping[str, Combine] = {"vehicles": Combine.SUM}

    def concerns(self, watched: Watched) -> bool:
        return watched.asset.kind is Kind.COUNTER

    def hour(
        self, points: Sequence[Point], before: Mapping[str, float], watched: Watched, start_ms: int
    ) -> dict[str, float]:
        counted = [value for point in points if isinstance(value := point.fields.get("vehicles"), float)]
        return {"vehicles": sum(counted)} if counted else {}

    def derive(self, fields: Mapping[str, float]) -> dict[str, float]:
        return {}


def new_job(
    store: Store,
    now_ms: Callable[[], int],
    mono_ms: Callable[[], int] = lambda: 0,
    *,
    rollups: Sequence[Rollup] = (Lit(), Passed()),
) -> RollupJob:
    """The job of the town's one tenant."""
    watched = watched_of(TERRITORY, now_ms=now_ms())
    return RollupJob(
        "ccpvm",
        Recipes(rollups),
        reading=store,
        writing=store,
        watched=lambda: watched,
        now_ms=now_ms,
        mono_ms=mono_ms,
    )


def come_to_rest(job: RollupJob, now_ms: int, *, margin_ms: int = 120_000) -> None:
    """Look for marks and do all there is to do, until nothing is left."""
    for _ in range(3):  # a mark is told at the second look
        job.take_marks(now_ms, margin_ms=margin_ms)
        for _ in job.pieces(now_ms // HOUR_MS * HOUR_MS):
            pass


Outcome = dict[tuple[str, str, tuple[tuple[str, str], ...], int], dict[str, object]]


def rolled(store: Store) -> Outcome:
    """All hours and days, of the tenant and the operator."""
    return {
        (database, measurement, tuple(sorted(point.tags.items())), point.time_us): dict(point.fields)
        for database in ("ccpvm", "operator")
        for measurement in ("hour", "day")
        for point in store.series(database, measurement, start_us=0, end_us=2**62)
    }


def lamp_point(asset: str, at_ms: int, meter_wh: float | None, power_w: float | None = None) -> Point:
    fields = {"meter_wh": meter_wh, "power_w": power_w}
    tags = {"commune": LAMPS[asset], "asset": asset, "device": f"dev-{asset}"}
    return Point("light", tags, at_ms * 1000, {name: value for name, value in fields.items() if value is not None})


def counter_point(asset: str, at_ms: int, vehicles: float) -> Point:
    tags = {"commune": COUNTERS[asset], "asset": asset, "device": f"dev-{asset}"}
    return Point("traffic", tags, at_ms * 1000, {"vehicles": vehicles})
