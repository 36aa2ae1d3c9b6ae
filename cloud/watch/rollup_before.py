"""Where the counters of each asset stood before an hour: the fields of its newest hour before. Remembered for the hour
that is done next, so that a store is not searched for each; of a large tenant nothing is remembered."""

from collections.abc import Collection, Generator, Mapping
from typing import Final

import msgspec

from cloud.dirty import HOUR_MS
from cloud.watch.model import Rollup
from cloud.watch.rollup_fields import Fields, Owner, Recipes
from cloud.watch.rollup_reading import BEFORE_H, Reading, Scope

_MANY: Final = 20_000  # assets
_NONE: Final = (-1, b"")
_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(dict[str, float]).decode


class Standing:
    """Of one database. What is remembered of an asset is its newest hour before those that are not done yet."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._known: dict[tuple[Rollup, str], tuple[int, bytes]] = {}

    def before(
        self, rollup: Rollup, assets: Collection[str], start_ms: int, scope: Scope, *, is_next: bool
    ) -> Generator[None, None, dict[str, Fields]]:
        """The fields of the rollup in each asset's newest hour before this one, at most 48 h before.

        Args:
            is_next: no hour from this one on is done yet.

        Yields:
            After each question to the store.
        """
        found: dict[str, Fields] = {}
        unknown = set(assets)
        if is_next:
            for asset in assets:
                then_ms, fields = self._known.get((rollup, asset), (start_ms, b""))
                if then_ms < start_ms:
                    unknown.discard(asset)
                    if then_ms >= start_ms - BEFORE_H * HOUR_MS:
                        found[asset] = _decode(fields)
        for part in self._reading.before(rollup, unknown, start_ms, scope) if unknown else ():
            found |= part
            yield
        if is_next and len(self._known) < _MANY:
            self._known |= {(rollup, asset): _NONE for asset in unknown - found.keys()}
        return found

    def note(
        self,
        recipes: Recipes,
        start_ms: int,
        done: Mapping[Owner, Fields],
        before: Mapping[Owner, Fields],
        *,
        is_next: bool,
    ) -> None:
        """An hour was done: these are its fields now, those were there before."""
        if not is_next or len(self._known) >= _MANY:
            names = {owner.asset for owner in (*done, *before)}
            for key in [key for key in self._known if key[1] in names]:
                del self._known[key]
            return
        for rollup in recipes.rollups:
            for owner, fields in done.items():
                if owner.asset and (own := recipes.own(rollup, fields)):
                    self._known[rollup, owner.asset] = (start_ms, _encode(own))
