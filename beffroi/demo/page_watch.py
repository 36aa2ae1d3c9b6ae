"""Sees when the page moves: the first time that what it says of the lamps changes."""

import json
import urllib.request
from typing import Any


class PageWatch:
    """Looks at the page's own account of itself, on loopback."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/state"
        self._first: dict[str, Any] | None = None

    def has_moved(self) -> bool:
        """Whether lamps that the page knew have changed since the first look that found any."""
        try:
            with urllib.request.urlopen(self._url, timeout=2) as answer:  # noqa: S310 - our own page, on loopback
                lamps: dict[str, Any] = json.load(answer)["lamps"]
        except OSError:
            return False  # not up yet
        if self._first is None:
            self._first = lamps if lamps["heard"] else None
            return False
        return lamps != self._first
