"""Devices whose radio is weak: much of what they send is lost, or little keeps the rest from being lost. Pure.

Loss is the share of the steps from one uplink to the next that passed over something, not the share of frames: for
losses that come singly it is the same figure, and a gateway that was out for hours is one step. The margin is the
median's, with a hysteresis: within its band a device is weak when the older three quarters of what is kept were.
"""

from collections.abc import Sequence
from statistics import median
from typing import Final

from cloud.schema import UPLINK
from cloud.stores.base import Point
from cloud.watch.heard import Heard, read_heard
from cloud.watch.link import FLOOR_DB, Step, margin_db, steps
from cloud.watch.model import About, Facts, Finding, Judgement, Keep, Severity, Watched
from core.territory.model import Thresholds

KIND: Final = "device.radio_weak"
_LEAST: Final = 8  # steps, or margins: of fewer nothing is said
_NOTHING: Final = Judgement()


class RadioDetector:
    """Finding `device.radio_weak`."""

    measurement: str = UPLINK
    keep = Keep(last=16, hours=72)  # what the silence keeps too: it is the same objects

    def concerns(self, watched: Watched) -> bool:
        return watched.device is not None

    def read(self, point: Point) -> Heard | None:
        return read_heard(point)

    def judge(self, seen: Sequence[Heard], watched: Watched, now_ms: int) -> Judgement:  # noqa: ARG002 - no clock
        device = watched.device
        if len(seen) <= _LEAST or device is None:
            return _NOTHING
        thresholds = watched.territory.tenants[watched.database].thresholds
        if _is_well(seen, thresholds):
            return _NOTHING
        own = [one for one in seen if one.device == device.dev_eui]
        older = own[: len(own) * 3 // 4 + 1]
        facts: dict[str, float] = {}
        lost = _lost_pct(own)
        if lost is not None and lost >= thresholds.radio_loss_pct:
            facts["radio_loss_pct"] = lost
        above, limit_db, band_db = _margin_db(own), thresholds.radio_margin_db, thresholds.radio_hysteresis_db
        if above is not None and above < limit_db + band_db:
            before = _margin_db(older)
            if above < limit_db or (before is not None and before < limit_db):
                facts["radio_margin_db"] = above
        if not facts:
            return _NOTHING
        return Judgement((), (_finding(watched, device.dev_eui, own[0].at_ms, dict(facts)),))


def _is_well(seen: Sequence[Heard], thresholds: Thresholds) -> bool:
    """Nearly always, and cheap: one session, too few frames missing for any verdict, and all of them came well."""
    first, last, steps_ = seen[0], seen[-1], len(seen) - 1
    missing = last.f_cnt - first.f_cnt - steps_
    allowed = steps_ * thresholds.radio_loss_pct / 100
    if last.session != first.session or last.device != first.device or not 0 <= missing < allowed:
        return False
    least_db = thresholds.radio_margin_db + thresholds.radio_hysteresis_db
    counters = set()
    for one in seen:
        snr_db = one.snr_db
        if snr_db is None or snr_db - FLOOR_DB.get(one.spreading_factor, snr_db) < least_db:
            return False
        counters.add(one.f_cnt)
    return len(counters) == len(seen)


def _lost_pct(seen: Sequence[Heard]) -> float | None:
    """Steps that passed over something, of those that tell; None where too few do."""
    told = gone = 0
    for step, lost, _ in steps(seen):
        if step is Step.NEXT:
            told += 1
            gone += lost > 0
        elif step is Step.LATE:
            gone -= gone > 0
    return 100.0 * gone / told if told >= _LEAST else None


def _margin_db(seen: Sequence[Heard]) -> float | None:
    margins = [margin for one in seen if (margin := margin_db(one)) is not None]
    return median(margins) if len(margins) >= _LEAST else None


def _finding(watched: Watched, dev_eui: str, since_ms: int, facts: Facts) -> Finding:
    """It is as old as what shows it, at least."""
    return Finding(
        KIND,
        Severity.NOTICE,
        watched.database,
        watched.commune,
        About.DEVICE,
        dev_eui,
        since_ms,
        {"asset": watched.id, **facts},
        or_earlier=True,
    )
