"""The spool of an edge: what it has committed is kept until the cloud says, row by row, that it is durable there.

Called from one thread; only `counters` may be called from any other.

    <folder>/current            the spool_id that new rows get
    <folder>/ballast            room kept for receipts on a full disk
    <folder>/<spool_id>/…       see `edge.spool.folder`; spools of another machine are emptied, never added to
"""

import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.errors import SpoolFull
from core.model import RowClass
from core.ports.clock import Clock
from core.receipt import Kept
from edge.spool import upkeep
from edge.spool.meta import Meta
from edge.spool.opening import open_shelf
from edge.spool.rows import Counters, Eviction, NewRow, Offset, Run, SpoolLimits, StoredRow
from edge.spool.shelf import Shelf


def _random_id() -> str:
    return secrets.token_hex(8)


class Spool:
    """Use `Spool.open`."""

    def __init__(self, shelf: Shelf, boot: str) -> None:
        self._shelf = shelf
        self._keys = shelf.home.keys
        self._boot = boot
        self._group: dict[str, tuple[NewRow, int]] = {}  # key → row and monotonic ms, in order
        self._unreported: list[Run] = []  # accepted by a commit that then failed for another class
        self._offsets: dict[str, Offset] = {}
        for spool in shelf.spools:
            self._offsets |= spool.meta.offsets()
        self._counters = shelf.count()

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        machine: str,
        boot: str,
        clock: Clock,
        limits: SpoolLimits,
        new_id: Callable[[], str] = _random_id,
    ) -> "Spool":
        """The spool in `folder`, whatever state it was left in.

        Args:
            machine: identity of this host. A spool bound to another one is only emptied; new rows get a new spool_id.
            boot: identity of this boot of the host.
            new_id: gives a spool_id that nobody ever had.

        Raises:
            SpoolFull, StorageError: the disk cannot be used at all.
        """
        return cls(open_shelf(folder, machine=machine, clock=clock, limits=limits, new_id=new_id), boot)

    @property
    def spool_id(self) -> str:
        return self._shelf.home.spool_id

    # --- accept

    def seen(self, key: str) -> bool:
        """True for an event that is among the last accepted ones, or waits in the open group (see `is_open`)."""
        return key in self._group or key in self._keys

    def is_open(self, key: str) -> bool:
        """True for a row that was appended and is not accepted yet: its event must not be acknowledged."""
        return key in self._group

    @property
    def open_rows(self) -> int:
        """Rows that wait for a commit."""
        return len(self._group)

    def append(self, row: NewRow) -> None:
        """Put a row into the open group; it is accepted when `commit` returns.

        Raises:
            ValueError: it is in the spool already, or no file can hold it. Asked before, so that it blocks no group.
        """
        if self.seen(row.key):
            raise ValueError(f"row {row.key!r} is in the spool already")
        row.key.encode()
        if not -(2**63) <= row.received_ms < 2**63:
            raise ValueError(f"row {row.key!r} has an impossible time: {row.received_ms} ms")
        self._group[row.key] = (row, self._shelf.clock.mono_ms())

    def commit(self) -> list[Run]:
        """Accept the open group, the most pressing class first; when it returns, all of it is on the disk.

        Raises:
            SpoolFull, StorageError: no row of the group may be acknowledged. It stays open: commit again later. (A
                class that was on the disk before another failed is accepted and not written again; its runs are
                returned by the commit that brings the rest.)
        """
        ballast = self._shelf.ballast
        if self._group and ballast.released and not ballast.restore():
            raise SpoolFull("spool.full", "the disk of the spool is full: only receipts are written", hint="free room")
        try:
            for row_class in RowClass:
                group = [entry for entry in self._group.values() if entry[0].row_class is row_class]
                if group:
                    self._accept(row_class, group)
        finally:
            self._counters = self._shelf.count()
        runs, self._unreported = self._unreported, []
        return runs

    def _accept(self, row_class: RowClass, group: list[tuple[NewRow, int]]) -> None:
        now_mono_ms = self._shelf.clock.mono_ms()
        run = self._shelf.home.accept(
            row_class, group, boot=self._boot, now_mono_ms=now_mono_ms, limits=self._shelf.limits
        )
        self._unreported.append(run)
        for row, _ in group:
            del self._group[row.key]

    # --- deliver

    def backlog(self) -> list[Run]:
        """Everything unsettled, by spool (the oldest first), class and seq; a run may span several segments."""
        return self._shelf.backlog()

    def read(self, spool_id: str, row_class: RowClass, first: int, last: int, *, max_bytes: int) -> list[StoredRow]:
        """Consecutive rows, starting with the first of the range that is still there; it stops before a hole.

        One row at least, then as many as fit in `max_bytes`; empty when all of the range is gone. Rows that are found
        damaged meanwhile are logged, and told by `take_evicted`.

        Raises:
            SpoolFull, StorageError: the disk fails; try again.
        """
        rows = self._shelf.read(spool_id, row_class, first, last, max_bytes=max_bytes)
        if any(spool.evicted for spool in self._shelf.spools):
            self._counters = self._shelf.count()
        return rows

    def take_evicted(self) -> list[Run]:
        """Runs that left the spool unsettled since the last call: nothing of them can be sent any more."""
        runs = [run for spool in self._shelf.spools for run in spool.evicted]
        for spool in self._shelf.spools:
            spool.evicted.clear()
        return runs

    def settle(self, kept: Kept, *, sent_crc32: int | None = None) -> bool:
        """Forget rows that the cloud keeps; True when all of the range is settled, by this receipt or before.

        False, and nothing is settled: the checksum is not that of the rows, or the spool cannot compute it. Receipts
        are written down by `maintain`, a little later. Where a receipt overlaps an older one, it does not say which
        of the new rows were quarantined: as many as it names, at most, are counted so.

        Args:
            sent_crc32: the checksum of exactly these rows as `read` gave them. With it they are not read again.

        Raises:
            SpoolFull, StorageError: nothing is settled.
        """
        settled = self._shelf.settle(kept, sent_crc32)
        self._counters = self._shelf.count()
        return settled

    # --- clock

    def offset(self, boot: str) -> Offset | None:
        """The frozen offset of a boot; None while it is not frozen."""
        return self._offsets.get(boot)

    def freeze_offset(self, boot: str, offset_ms: int | None, estimated: bool) -> Offset:
        """Freeze the offset of a boot, durably; the first one ever frozen holds, and is returned.

        Raises:
            SpoolFull, StorageError: it is not frozen.
        """
        if boot not in self._offsets:
            offset = Offset(offset_ms, estimated)
            for spool in self._shelf.spools:
                if spool is self._shelf.home or any(segment.boot == boot for segment in spool.live()):
                    self._shelf.essential(partial(_freeze, spool.meta, boot, offset))
            self._offsets[boot] = offset
        return self._offsets[boot]

    # --- upkeep

    def counters(self) -> Counters:
        """Rows of all spools in the folder, as of the last change. Safe from any thread."""
        return self._counters

    def evictions(self) -> list[Eviction]:
        """The eviction log of all spools in the folder."""
        return [eviction for spool in self._shelf.spools for eviction in spool.log]

    def maintain(self) -> None:
        """Write receipts down, end old segments, let settled ones go, keep the quota, restore the ballast.

        Raises:
            SpoolFull, StorageError: nothing is lost; call again later.
        """
        try:
            upkeep.maintain(self._shelf)
        finally:
            self._counters = self._shelf.count()

    def close(self) -> None:
        """Write everything down and close every file. What is in the open group was never accepted.

        Raises:
            SpoolFull, StorageError: files are closed all the same; the next start mends the rest.
        """
        try:
            upkeep.finish(self._shelf)
        finally:
            for spool in self._shelf.spools:
                spool.close_files()
            self._counters = self._shelf.count()


def _freeze(meta: Meta, boot: str, offset: Offset) -> None:
    with meta.writing():
        meta.freeze(boot, offset)
