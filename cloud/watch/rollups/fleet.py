"""What an hour of a device's radio comes to, and of a gateway: heard, lost, how well, by whom. Pure.

Loss is counted where it is noticed: in the hour of the uplink after it (`cloud.watch.link` says what is none).
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Final

from cloud.schema import UPLINK
from cloud.stores.base import Point
from cloud.watch.heard import Heard, read_heard
from cloud.watch.link import Frame, Step, margin_db, session_of, step_to
from cloud.watch.model import Combine, Watched


class FleetRollup:
    """`margin_sum_db` over `margin_count` uplinks: the best reception above what the spreading factor needs.
    `receptions_count`: of all gateways; `sole_count` uplinks that one gateway alone heard.
    """

    measurement: str = UPLINK
    fields: Mapping[str, Combine] = MappingProxyType(
        {
            "uplinks_count": Combine.SUM,
            "lost_count": Combine.SUM,
            "margin_count": Combine.SUM,
            "margin_sum_db": Combine.SUM,
            "margin_min_db": Combine.MIN,
            "receptions_count": Combine.SUM,
            "sole_count": Combine.SUM,
            "f_cnt": Combine.LAST,
            "session_crc32": Combine.LAST,  # the session that `f_cnt` is of
        }
    )

    def concerns(self, watched: Watched) -> bool:  # noqa: ARG002 - whatever sends
        return True

    def hour(
        self,
        points: Sequence[Point],
        before: Mapping[str, float],
        watched: Watched,  # noqa: ARG002 - a sensor that is another has another session
        start_ms: int,  # noqa: ARG002 - the uplinks have their times
    ) -> dict[str, float]:
        frame = None
        if "f_cnt" in before and "session_crc32" in before:
            frame = Frame(_name(int(before["session_crc32"])), int(before["f_cnt"]))
        heard_once = _once(points)
        if not heard_once:
            return {}
        heard_count = lost = margins = sole = receptions = 0
        margin_sum, margin_min = 0.0, None
        for heard in heard_once:
            step, passed, frame = step_to(frame, _name(_crc32(heard)), heard.f_cnt)
            if step is Step.SAME:
                continue
            heard_count += 1
            lost += passed
            if step is Step.LATE:
                lost -= lost > 0
            receptions += len(heard.gateways)
            sole += len(heard.gateways) == 1
            margin = margin_db(heard)
            if margin is not None:
                margins += 1
                margin_sum += margin
                margin_min = margin if margin_min is None else min(margin, margin_min)
        made = {
            "uplinks_count": float(heard_count),
            "lost_count": float(lost),
            "margin_count": float(margins),
            "margin_sum_db": margin_sum,
            "receptions_count": float(receptions),
            "sole_count": float(sole),
        }
        if margin_min is not None:
            made["margin_min_db"] = margin_min
        if frame is not None:
            made["f_cnt"], made["session_crc32"] = float(frame.f_cnt), float(_crc32(heard_once[-1]))
        return made

    def derive(self, fields: Mapping[str, float]) -> dict[str, float]:
        """`lost_pct` of all that was sent, `margin_mean_db`, `gateways_mean`: how many heard an uplink."""
        made: dict[str, float] = {}
        heard, margins = fields.get("uplinks_count", 0.0), fields.get("margin_count", 0.0)
        if heard:
            made["lost_pct"] = 100.0 * fields["lost_count"] / (heard + fields["lost_count"])
            made["gateways_mean"] = fields["receptions_count"] / heard
        if margins:
            made["margin_mean_db"] = fields["margin_sum_db"] / margins
        return made


GATEWAY_FIELDS: Final[Mapping[str, Combine]] = MappingProxyType(
    {
        "heard_count": Combine.SUM,
        "best_count": Combine.SUM,
        "sole_count": Combine.SUM,
        "offered_count": Combine.SUM,
        "devices_count": Combine.MAX,
    }
)
"""What `gateway_hours` gives. `devices_count` of several hours is at least the largest of them."""


def gateway_hours(points: Iterable[Point]) -> dict[str, dict[str, float]]:
    """The share of each gateway in an hour's uplinks, of any assets.

    `heard_count` uplinks, as the best of all in `best_count`, as the only one in `sole_count` (which would be lost
    without it), of `devices_count` devices, out of `offered_count` that its edges had from any gateway.
    """
    sums: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(GATEWAY_FIELDS, 0.0))
    devices: dict[str, set[str]] = defaultdict(set)
    edges: dict[str, set[str]] = defaultdict(set)
    offered: dict[str, int] = defaultdict(int)
    for heard in _once(points):
        offered[heard.edge] += 1
        for gateway in heard.gateways:
            devices[gateway].add(heard.device)
            edges[gateway].add(heard.edge)
            sums[gateway]["heard_count"] += 1
        if heard.gateways:
            sums[heard.gateway]["best_count"] += 1
            sums[heard.gateway]["sole_count"] += len(heard.gateways) == 1
    for gateway, found in sums.items():
        found["devices_count"] = float(len(devices[gateway]))
        found["offered_count"] = float(sum(offered[edge] for edge in edges[gateway]))
    return dict(sums)


def derive_gateway(fields: Mapping[str, float]) -> dict[str, float]:
    """`heard_pct` of what its edges had, `best_pct` and `sole_pct` of what it heard."""
    heard, offered = fields.get("heard_count", 0.0), fields.get("offered_count", 0.0)
    if not heard or not offered:
        return {}
    return {
        "heard_pct": 100.0 * heard / offered,
        "best_pct": 100.0 * fields["best_count"] / heard,
        "sole_pct": 100.0 * fields["sole_count"] / heard,
    }


def _once(points: Iterable[Point]) -> list[Heard]:
    """Each frame once, by time, with all that heard it: a copy that came after its window is the same frame."""
    found: dict[tuple[str, str, int], Heard] = {}
    for point in points:
        heard = read_heard(point)
        if heard is None:
            continue
        frame = heard.device, heard.session, heard.f_cnt
        known = found.get(frame)
        found[frame] = heard if known is None else _together(known, heard)
    return list(found.values())


def _together(first: Heard, copy: Heard) -> Heard:
    best, other = (copy, first) if _snr_db(copy) > _snr_db(first) else (first, copy)
    gateways = best.gateways + tuple(one for one in other.gateways if one not in best.gateways)
    return Heard(
        first.at_ms,
        first.device,
        first.edge,
        first.session,
        first.f_cnt,
        best.spreading_factor,
        best.rssi_dbm,
        best.snr_db,
        gateways,
    )


def _snr_db(heard: Heard) -> float:
    return -inf if heard.snr_db is None else heard.snr_db


def _crc32(heard: Heard) -> int:
    return zlib.crc32(session_of(heard).encode())


def _name(crc32: int) -> str:
    return str(crc32)
