"""The spool's words: what goes in, what comes out, and the limits it keeps.

A row's identity is (edge, spool_id, class, seq). `seq` counts per class from 1 and is never used twice.
Times are integer ms; `mono_ms` is the host's monotonic clock when the row was appended, comparable within one boot.
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from core.model import ClockQuality, RowClass

KIB = 1024
MIB = 1024 * KIB
_CHECKPOINT_LEAST, _CHECKPOINT_MOST = 64, 256


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to accept. `key` is its event key, `stored` its bytes, which never change again."""

    row_class: RowClass
    key: str
    stored: bytes
    received_ms: int
    clock: ClockQuality


class StoredRow(msgspec.Struct, frozen=True, gc=False):
    """An accepted row as it is read back to be sent. Made by the hundred thousand: a struct is made in a tenth of
    the time of a dataclass."""

    seq: int
    stored: bytes
    received_ms: int
    clock: ClockQuality
    mono_ms: int


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive accepted rows `first` to `last` of one class and boot."""

    spool_id: str
    row_class: RowClass
    first: int
    last: int
    boot: str


@dataclass(frozen=True, slots=True)
class Offset:
    """What mends the raw times of a boot's unsynced rows; frozen at first send.

    `offset_ms` is None where nothing is added; `estimated`: the clock of that boot never was set.
    """

    offset_ms: int | None
    estimated: bool


class EvictionReason(StrEnum):
    """Why rows left the spool unsettled."""

    QUOTA = "quota"  # the spool was larger than it may be
    DISK = "disk"  # the disk had less free room than the spool must leave
    CORRUPT = "corrupt"  # the rows cannot be read any more


@dataclass(frozen=True, slots=True)
class Eviction:
    """One entry of the eviction log: `rows` unsettled rows of the range `first` to `last` are gone.

    For `corrupt` rows of a segment whose end is not known `rows` is the most that can have been there.
    """

    spool_id: str
    row_class: RowClass
    first: int
    last: int
    rows: int
    reason: EvictionReason
    at_ms: int


@dataclass(frozen=True, slots=True)
class Counters:
    """Rows by class: accepted = stored + quarantined + evicted + what is spooled, always.

    `evicted` is everything in the eviction log; `corrupt` is the part of it that could not be read.
    """

    accepted: dict[RowClass, int]
    stored: dict[RowClass, int]
    quarantined: dict[RowClass, int]
    evicted: dict[RowClass, int]
    corrupt: dict[RowClass, int]
    spooled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolLimits:
    """Sizes and ages the spool keeps.

    Args:
        segment_bytes, segment_ms: a segment is closed at this size or age.
        quota_bytes: above it whole segments are evicted (what `keep_settled` keeps does not count).
        min_free_bytes: free room the disk must keep, at the price of evictions; 0: a full disk refuses new rows.
        ballast_bytes: room kept for receipts on a full disk; at most an eighth of the disk.
        keep_settled: settled segments are kept in `settled/` instead of being deleted.
        settle_linger_ms: receipts are written down this late at most; a crash meanwhile costs a resend, no more.
        keys: how many event keys are remembered.
        page_bytes: of a segment's file (1, 2 or 4 KiB). A commit writes whole pages, those that lead to its rows too:
            few small rows want small pages.
        squeeze: rows are deflated before they are written, to spare a memory card.
        sole: no other process can read the segments while this one runs, for the same reason.
    """

    segment_bytes: int = 16 * MIB
    segment_ms: int = 3_600_000
    quota_bytes: int = 1024 * MIB
    min_free_bytes: int = 0
    ballast_bytes: int = 4 * MIB
    keep_settled: bool = False
    settle_linger_ms: int = 5_000
    keys: int = 10_000
    page_bytes: int = 4 * KIB
    squeeze: bool = False
    sole: bool = False

    @property
    def checkpoint_pages(self) -> int:
        """Pages that a segment's journal may hold before they move into its file.

        The more, the less often a page is written twice; but on a full disk the ballast must hold what moves, of a
        segment of each class and of the meta file.
        """
        return max(_CHECKPOINT_LEAST, min(_CHECKPOINT_MOST, self.ballast_bytes // (4 * self.page_bytes)))
