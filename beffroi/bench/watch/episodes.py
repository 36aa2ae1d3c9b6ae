"""What the watch said, from one pass to the next: findings that began and ended, emptyings that were seen."""

from collections.abc import Mapping, Sequence

import msgspec

from cloud.watch.model import Finding, FindingKey
from cloud.watch.watchman import Change

EMPTIED = "emptied_ms"  # the state of a bin


class Episode(msgspec.Struct):
    """A finding from the pass that raised it to the first without it; None: it still holds."""

    finding: Finding
    raised_ms: int
    cleared_ms: int | None = None


class Emptied(msgspec.Struct, frozen=True):
    """The watch says at `told_ms` that a bin was emptied at `at_ms`."""

    asset: str
    at_ms: int
    told_ms: int


class Record:
    """Of one run."""

    def __init__(self) -> None:
        self.episodes: list[Episode] = []
        self.emptied: list[Emptied] = []
        self._open: dict[FindingKey, Episode] = {}

    def note(self, now_ms: int, findings: Mapping[FindingKey, Finding], changes: Sequence[Change]) -> None:
        """One pass."""
        held = self._open
        if held.keys() != findings.keys():
            for key in held.keys() - findings.keys():
                held.pop(key).cleared_ms = now_ms
            for key in findings.keys() - held.keys():
                episode = held[key] = Episode(findings[key], now_ms)
                self.episodes.append(episode)
        for change in changes:
            if change.state.kind == EMPTIED:
                self.emptied.append(Emptied(change.watched.id, int(change.state.value), now_ms))
