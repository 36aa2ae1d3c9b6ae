"""The scales: every committed row in its place, and every visible point explained by one."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

from beffroi.oracle.expected import points_of
from beffroi.oracle.shown import Identity, Kept, Place, Shown, digest_of, place_of
from beffroi.oracle.unread import Unread, count_unread
from cloud import schema
from cloud.quarantine import Quarantine
from cloud.schema import RowPoints, origin_of
from cloud.stores.base import Point, Store
from core.model import RowClass
from core.territory import Site, Territory
from edge.spool import reader
from edge.spool.rows import Eviction

_EXAMPLES = 5
_OF_ROWS = (schema.UPLINK, schema.EVENT)


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of rows (of duplicates and phantoms also single points); `faults` names up to five of each kind that
    breaks the promise."""

    accepted: int
    stored: int
    quarantined: int
    spooled: int
    evicted: int
    lost: int
    duplicates: int
    phantom: int
    wrong: int
    faults: tuple[str, ...] = ()

    @property
    def balanced(self) -> bool:
        """accepted = stored + spooled + quarantined + evicted, and nothing visible twice, invented or changed."""
        kept = self.stored + self.spooled + self.quarantined + self.evicted
        return self.accepted == kept and not (self.lost or self.duplicates or self.phantom or self.wrong)


def weigh(
    spools: Iterable[Path],
    *,
    store: Store,
    quarantine: Quarantine | None,
    declared: Territory,
    moving: Collection[Identity] = (),
    complete: bool = True,
) -> Balance:
    """The balance of these spools (the folder above each has its edge's id, or the store tells it) against the store.

    Args:
        moving: rows on their way in the journal of a worker, perhaps in no database now.
        complete: the spools keep what they settled, and all spools are given: the store can hold nothing they do not
            know, and every settled row is weighed by its bytes. Otherwise settled rows are counted only.
    """
    scales = _Scales(Shown(store), Kept(quarantine), declared, frozenset(moving), complete=complete)
    folders = list(spools)
    ledgers = [(folder, ledger) for folder in folders for ledger in reader.ledgers(folder)]
    for folder in folders:
        for row in reader.rows(folder):
            scales.put(folder.parent.name, row)
    for folder, ledger in ledgers:
        scales.count(folder.parent.name, ledger, reader.evictions(folder))
    return scales.read()


class _Scales:
    def __init__(
        self, shown: Shown, kept: Kept, declared: Territory, moving: frozenset[Identity], *, complete: bool
    ) -> None:
        self._shown = shown
        self._kept = kept
        self._declared = declared
        self._moving = moving
        self._complete = complete
        self._counts: Counter[str] = Counter()
        self._faults: dict[str, list[str]] = defaultdict(list)
        self._differences: dict[str, list[str]] = defaultdict(list)  # of a row
        self._read: dict[tuple[str, RowClass], set[int]] = defaultdict(set)
        self._keys: set[str] = set()
        self._counted: set[Identity] = set()  # shown, and known by number only
        self._explained: set[Place] = set()
        self._unequal: dict[Place, list[tuple[str, Point, bool]]] = defaultdict(list)  # row, as expected, is required
        self._on_their_way: set[tuple[str, int]] = set()  # device and time

    # --- rows that can be read

    def put(self, edge: str, row: reader.CommittedRow) -> None:
        """One committed row into its place, its points against what is shown."""
        identity = (row.spool_id, row.row_class, row.seq)
        read = self._read[row.spool_id, row.row_class]
        if row.seq in read:
            return  # the same row in a copied spool
        read.add(row.seq)
        self._keys.add(row.key)
        name = f"{edge}/{row.spool_id}/{row.row_class}/{row.seq} ({row.key})"
        places = self._shown.rows.get(row.key, [])
        made = self._made(edge, row, places)
        self._counts["accepted"] += 1
        if places or identity in self._moving:
            self._counts["stored"] += 1
        elif identity in self._kept.rows:
            self._counts["quarantined"] += 1
        elif not row.settled:
            self._counts["spooled"] += 1
        else:
            self._faults["lost"].append(name)
        if identity in self._moving:
            self._on_their_way |= {
                (point.tags.get("device", ""), point.time_us) for point in (made.points if made else ())
            }
        elif made is not None:
            self._compare(name, made, places)
        elif places:
            self._differences[name].append("it is nothing that a store takes")

    def _made(self, edge: str, row: reader.CommittedRow, places: list[Place]) -> RowPoints | None:
        if edge in self._declared.sites or not places:
            return points_of(row, edge, self._declared)
        point = self._shown.point(places[0])  # a copied spool, a site that is gone: the store must tell
        origin = origin_of(point)
        told = edge if origin is None else origin.edge
        at = Site(told, told, point.tags.get("commune", ""), places[0].database, 0.0, 0.0)
        return points_of(row, told, self._declared, otherwise=at)

    def _compare(self, name: str, made: RowPoints, places: list[Place]) -> None:
        expected = [(place_of(made.database, point), point) for point in made.points]
        own = expected[0][0]
        if places and own not in self._shown.points and own not in self._kept.places:
            at = places[0]  # all of the row is elsewhere: one fault
            self._differences[name].append(f"in {_text(at)}, belongs to {_text(own)}")
            self._explained.update(self._shown.beside(at))
            return
        for place, point in expected:
            visible = self._shown.points.get(place)
            if visible is not None and visible == digest_of(point.fields):
                self._explained.add(place)
            elif visible is not None or (places and place not in self._kept.places):
                self._unequal[place].append((name, point, bool(places)))

    # --- rows that cannot

    def count(self, edge: str, ledger: reader.Ledger, evictions: Iterable[Eviction]) -> None:
        """Rows of one spool and class that are in no file any more."""
        shelf = (ledger.spool_id, ledger.row_class)
        found = count_unread(
            ledger,
            [entry for entry in evictions if (entry.spool_id, entry.row_class) == shelf],
            read=self._read[shelf],
            shown=_of(shelf, self._shown.identities) | _of(shelf, self._moving),
            quarantined=_of(shelf, self._kept.rows),
        )
        self._read[shelf] |= found.stored | found.quarantined  # counted once, whatever another copy says
        self._counts["stored"] += len(found.stored)
        self._counts["quarantined"] += len(found.quarantined)
        self._counts["evicted"] += found.evicted
        self._counts["accepted"] += len(found.stored) + len(found.quarantined) + found.evicted + len(found.lost)
        self._faults["lost"] += [f"{edge}/{shelf[0]}/{shelf[1]}/{what}" for what in found.lost]
        self._take_on_trust(edge, shelf, found)

    def _take_on_trust(self, edge: str, shelf: tuple[str, RowClass], found: Unread) -> None:
        for seq in found.stored:
            identity = (*shelf, seq)
            self._counted.add(identity)
            if identity in self._shown.identities:
                self._explained.update(self._shown.beside(self._shown.identities[identity]))
        if self._complete:
            for seq in sorted(found.unweighed):
                self._differences[f"{edge}/{shelf[0]}/{shelf[1]}/{seq}"].append("its settled segment is missing")

    # --- what is shown

    def read(self) -> Balance:
        """When all is on the scales."""
        for place, candidates in self._unequal.items():
            self._weigh_together(place, candidates)
        self._find_rows()
        self._find_points()
        wrong = [f"{name}: {'; '.join(what[:_EXAMPLES])}" for name, what in self._differences.items()]
        faults = {**self._faults, "wrong": wrong}
        return Balance(
            accepted=self._counts["accepted"],
            stored=self._counts["stored"],
            quarantined=self._counts["quarantined"],
            spooled=self._counts["spooled"],
            evicted=self._counts["evicted"],
            lost=len(self._faults["lost"]),
            duplicates=len(self._faults["duplicates"]),
            phantom=len(self._faults["phantom"]),
            wrong=len(wrong),
            faults=tuple(f"{kind}: {what}" for kind, names in faults.items() for what in names[:_EXAMPLES]),
        )

    def _weigh_together(self, place: Place, candidates: list[tuple[str, Point, bool]]) -> None:
        """A point that is not what one row alone makes: where several have one place, their fields are merged, and
        which came last is not known."""
        if place not in self._shown.points:
            for name, _, _ in candidates:
                self._differences[name].append(f"{_text(place)} is missing")
            return
        visible = self._shown.point(place)
        fields = [point.fields for _, point, _ in candidates]
        if place in self._explained:
            fields.append(visible.fields)  # what another row makes alone
        self._explained.add(place)
        required = {name for _, point, is_required in candidates if is_required for name in point.fields}
        for field in sorted(required | visible.fields.keys()):
            told = [of_one[field] for of_one in fields if field in of_one]
            shown = visible.fields.get(field)
            if shown is None or not any(digest_of({field: shown}) == digest_of({field: one}) for one in told):
                expected = " or ".join(map(repr, told)) or "nothing"
                for name, point, _ in candidates:
                    if field in point.fields or len(candidates) == 1:
                        what = f"{field} of {_text(place)} is {shown!r}, expected {expected}"
                        self._differences[name].append(what)

    def _find_rows(self) -> None:
        known = {shelf[0] for shelf in self._read}
        identities = {place: identity for identity, place in self._shown.identities.items()}
        for key, places in self._shown.rows.items():
            if len(places) > 1:
                self._faults["duplicates"].append(f"{key}: in {', '.join(map(_text, places))}")
            elif key not in self._keys and (identity := identities.get(places[0])) not in self._counted:
                # an identity that another row took is as unknown as one that no spool ever had
                if self._complete or identity is None or identity[0] in known:
                    self._faults["phantom"].append(key)
                self._explained.update(self._shown.beside(places[0]))

    def _find_points(self) -> None:
        sources = {place.source for place in self._explained}
        for place in self._shown.points.keys() - self._explained:
            if place.measurement in _OF_ROWS or (place.device, place.time_us) in self._on_their_way:
                continue
            if place.source in sources:
                self._faults["duplicates"].append(f"{_text(place)}: it is shown elsewhere too")
            elif self._complete:
                self._faults["phantom"].append(f"{_text(place)}: no row makes it")


def _of(shelf: tuple[str, RowClass], identities: Iterable[Identity]) -> set[int]:
    return {seq for spool_id, row_class, seq in identities if (spool_id, row_class) == shelf}


def _text(place: Place) -> str:
    tags = " ".join(f"{tag}={text}" for tag, text in place.tags)
    return f"{place.database}/{place.measurement} {tags} at {place.time_us} µs"
