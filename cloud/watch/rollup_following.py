"""Which later hours follow from an hour that has other fields now than it had: their counters start where it stood."""

from collections import defaultdict
from collections.abc import Generator, Mapping

from cloud.watch.rollup_fields import Fields, Owner, Recipes
from cloud.watch.rollup_reading import Reading, Scope


def following(
    reading: Reading,
    recipes: Recipes,
    start_ms: int,
    scope: Scope,
    *,
    now: Mapping[Owner, Fields],
    before: Mapping[Owner, Fields],
    until_ms: int,
) -> Generator[None, None, dict[tuple[int, str], set[str]]]:
    """Of each asset whose fields changed, the next hour that was done before `until_ms`: hour and commune → assets.

    Args:
        now, before: the fields of the hour that begins at `start_ms`.

    Yields:
        After each question to the store.
    """
    found: dict[tuple[int, str], set[str]] = defaultdict(set)
    for rollup in recipes.rollups:
        changed = {
            owner.asset: owner.commune
            for owner in now.keys() | before.keys()
            if owner.asset and recipes.own(rollup, now.get(owner, {})) != recipes.own(rollup, before.get(owner, {}))
        }
        for part in reading.after(rollup, changed, start_ms, scope) if changed else ():
            for asset, next_ms in part.items():
                if next_ms < until_ms:
                    found[next_ms, changed[asset]].add(asset)
            yield
    return found
