"""What the store must show of a committed row: its points, made again from its bytes and the territory."""

import re

import msgspec

from cloud.schema import RowPoints, row_ms, row_points
from core.errors import RejectedError, UnreadableError
from core.model import RowId, Unreadable, Uplink, decode_row
from core.territory import OPERATOR, Placement, Site, Territory
from decoders import registry
from edge.spool.reader import CommittedRow

_DIGEST = re.compile(r"[0-9a-f]{12}")


def points_of(row: CommittedRow, edge: str, declared: Territory, *, otherwise: Site | None = None) -> RowPoints | None:
    """The points of a row, placed by the territory at the row's time; None for a row that no store takes.

    A device that became another tenant's than its site's is shown to the operator alone, unassigned.

    Args:
        otherwise: stands for a site that is not declared (any more).
    """
    site = declared.sites.get(edge, otherwise)
    if site is None:
        return None
    try:
        committed = decode_row(row.stored)
        at_ms = row_ms(committed, row.offset_ms)
        mended = False
        if isinstance(committed, Uplink) and committed.error:
            committed = _read_again(committed, at_ms)
            mended = not committed.error
        device = "" if isinstance(committed, Unreadable) else committed.dev_eui
        placement = _place(declared, device, at_ms, site) if device else None
        asset = None if placement is None else declared.assets.get(placement.asset)
        return row_points(
            committed,
            RowId(row.spool_id, row.row_class, row.seq),
            edge=edge,
            boot=row.boot,
            offset_ms=row.offset_ms,
            placement=placement,
            site=site,
            geometry=None if asset is None else asset.geometry,
            mended=mended,
        )
    except (UnreadableError, RejectedError):
        return None


def _place(declared: Territory, device: str, at_ms: int, site: Site) -> Placement:
    timeline = declared.timelines.get(device)
    spot = None if timeline is None else timeline.at(at_ms)
    if spot is None or spot.tenant != site.tenant:
        return Placement(OPERATOR, "", site.commune, "", foreign=False)
    return Placement(spot.tenant, spot.tenant, spot.commune, spot.asset, foreign=False)


def _read_again(row: Uplink, at_ms: int) -> Uplink:
    """The worker's rule for what an edge could not decode, written a second time: the same registry, the declared
    version of a native codec left out."""
    name, _, version = row.codec.partition("@")
    decoded = registry.decode(row.codec if _DIGEST.fullmatch(version) else name, row.f_port, row.payload, at_ms)
    if decoded.error:
        return row
    return msgspec.structs.replace(row, codec=decoded.codec, domain=decoded.domain, readings=decoded.readings, error="")
