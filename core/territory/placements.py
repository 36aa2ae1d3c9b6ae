"""Where a device's uplinks belong, at any instant; and what a change of the territory moves.

Assignments alone say where a device was: swapping a sensor closes one and opens another, and what the old sensor
measured stays with its lamp. `state` says nothing of the past: a device in stock or retired has no open assignment
(a fault otherwise), so that from then on it is unassigned; one in maintenance is placed as installed.
A bin's geometry is part of where its device was: its fill is derived from it when an uplink is stored.
"""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from core.territory.model import Geometry, Territory

OPERATOR = "operator"  # the operator's database; no tenant may have this id
START_MS = 0
END_MS = 2**53  # stands for an open end; the largest integer that JSON carries exactly


class Placement(NamedTuple):
    """Where an uplink belongs. `database` is the tenant's id, or `operator` for an unassigned device.

    `tenant` and `asset` are empty for an unassigned device, whose `commune` is its site's.
    `foreign`: the device is another tenant's than the site that heard it.
    """

    database: str
    tenant: str
    commune: str
    asset: str
    foreign: bool


class Spot(NamedTuple):
    """Where an assigned device was. `geometry`: what the stored fill of a bin is derived from, empty for all else."""

    tenant: str
    commune: str
    asset: str
    geometry: str = ""  # absent in what an older version kept


class Timeline(NamedTuple):
    """A step function: from `starts[i]` (ms) the device was at `spots[i]`, None where it was unassigned."""

    starts: tuple[int, ...]
    spots: tuple[Spot | None, ...]

    def at(self, at_ms: int) -> Spot | None:
        index = bisect_right(self.starts, at_ms) - 1
        return self.spots[index] if index >= 0 else None


class Change(NamedTuple):
    """Between `start_ms` and just before `end_ms` the device's placement differs; open ends are 0 and 2**53."""

    dev_eui: str
    start_ms: int
    end_ms: int


_NOWHERE = Timeline((), ())


def timelines(territory: "Territory") -> dict[str, Timeline]:
    """The timeline of each device that was ever assigned."""
    steps: dict[str, list[tuple[int, int, Spot]]] = {}
    spots: dict[str, Spot] = {}
    for assignment in territory.assignments:
        spot = spots.get(assignment.asset)
        if spot is None:
            asset = territory.assets[assignment.asset]
            tenant = territory.communes[asset.commune].tenant
            spot = spots[assignment.asset] = Spot(tenant, asset.commune, asset.id, _text_of(asset.geometry))
        end_ms = END_MS if assignment.end_ms is None else assignment.end_ms
        steps.setdefault(assignment.dev_eui, []).append((assignment.start_ms, end_ms, spot))
    return {dev_eui: _timeline(intervals) for dev_eui, intervals in steps.items()}


def _text_of(geometry: "Geometry | None") -> str:
    return "" if geometry is None else f"{geometry.shape} {geometry.height_mm} {geometry.blind_mm}"


def _timeline(intervals: list[tuple[int, int, Spot]]) -> Timeline:
    intervals.sort()
    starts: list[int] = []
    spots: list[Spot | None] = []
    for start_ms, end_ms, spot in intervals:
        if starts and starts[-1] == start_ms:  # the gap before it is empty
            spots[-1] = spot
        else:
            starts.append(start_ms)
            spots.append(spot)
        if end_ms < END_MS:
            starts.append(end_ms)
            spots.append(None)
    return Timeline(tuple(starts), tuple(spots))


def changes(old: "Territory", new: "Territory") -> list[Change]:
    """The windows in which `place` answers otherwise or the bin's geometry is another, by device and time.

    Touching windows are one. Covers every cause: assignments, an asset that moved commune, a commune that moved
    tenant, a device that came or went, a bin that was measured anew or became another. An unassigned device has its
    site's commune: a site that moved is `moved_sites`.
    """
    return differences(old.timelines, new.timelines)


def differences(before: Mapping[str, Timeline], after: Mapping[str, Timeline]) -> list[Change]:
    """`changes` of what was kept of two territories; a device that only one of them has was unassigned in the other."""
    return [
        Change(dev_eui, start_ms, end_ms)
        for dev_eui in sorted(before.keys() | after.keys())
        for start_ms, end_ms in _windows(before, after, dev_eui)
    ]


def _windows(before: Mapping[str, Timeline], after: Mapping[str, Timeline], dev_eui: str) -> list[tuple[int, int]]:
    was, is_now = before.get(dev_eui, _NOWHERE), after.get(dev_eui, _NOWHERE)
    if was == is_now:
        return []
    windows: list[tuple[int, int]] = []
    for start_ms, end_ms in pairwise(sorted({START_MS, END_MS, *was.starts, *is_now.starts})):
        if was.at(start_ms) == is_now.at(start_ms):
            continue
        if windows and windows[-1][1] == start_ms:
            windows[-1] = (windows[-1][0], end_ms)
        else:
            windows.append((start_ms, end_ms))
    return windows


def moved_sites(old: "Territory", new: "Territory") -> list[str]:
    """Sites whose commune or tenant is another: their own events and their unassigned devices move with them."""
    return sorted(
        site.id
        for site in new.sites.values()
        if site.id in old.sites
        and (old.sites[site.id].commune, old.sites[site.id].tenant) != (site.commune, site.tenant)
    )
