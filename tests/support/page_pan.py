"""How smoothly the map moves: drag it for five seconds in headless Chromium and note when frames come.

python -m tests.support.page_pan http://127.0.0.1:8090
"""

import math
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support import chromium
from tests.support.chromium import Tab

# the component, as NiceGUI names it
MAP = "getElement(+document.querySelector('.asset-map').id.slice(1))"
LOADED = f"!!document.querySelector('.asset-map') && {MAP}?.loading === false && {MAP}.layer.points.length"
_RECORD = """void (() => {
  window.frameMs = [];
  let last = null;
  const note = (at) => {
    if (last !== null) window.frameMs.push(at - last);
    last = at;
    requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
})()"""


@dataclass(frozen=True)
class Pan:
    """Time between two frames (ms) while the map is dragged; `draws`: how often its points were drawn meanwhile."""

    points: int
    frames: int
    median_ms: float
    p95_ms: float
    worst_ms: float
    draws: int


def pan(tab: Tab, *, seconds: float = 5.0) -> Pan:
    """Drag the map of an open page to and fro, farther than is drawn beyond its edges."""
    points = int(tab.until("the map is loaded", LOADED))
    x, y, width, height = tab.run(
        "(({x, y, width, height}) => [x, y, width, height])"
        "(document.querySelector('.asset-map-view').getBoundingClientRect())"
    )
    tab.run(_RECORD)
    tab.until("frames come", "window.frameMs.length > 30")
    draws = tab.run(f"{MAP}.layer.draws")
    tab.run("void (window.frameMs.length = 0)")
    tab.drag(
        x + width / 2,
        y + height / 2,
        lambda at_s: (0.45 * width * math.sin(1.6 * at_s), 0.45 * height * math.sin(1.1 * at_s)),
        seconds=seconds,
    )
    frames = sorted(tab.run("window.frameMs"))
    return Pan(
        points=points,
        frames=len(frames),
        median_ms=statistics.median(frames),
        p95_ms=frames[int(0.95 * len(frames))],
        worst_ms=frames[-1],
        draws=tab.run(f"{MAP}.layer.draws") - draws,
    )


def main(url: str) -> None:
    with tempfile.TemporaryDirectory() as profile, chromium.browser(Path(profile)) as tab:
        tab.resize(1280, 800)
        tab.open(url)
        sys.stdout.write(f"{pan(tab)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
