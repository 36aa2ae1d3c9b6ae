"""A picture of a running page, once its map is drawn.

python -m tests.support.page_picture http://127.0.0.1:8090 docs/page.png [--size 1280x800] [--asset ID]
"""

import argparse
import tempfile
import time
from pathlib import Path

from tests.support import chromium
from tests.support.page_pan import LOADED, MAP

PHONE_WIDTH = 500


def take(url: str, path: Path, *, width: int, height: int, asset: str = "") -> None:
    """Write a PNG; a narrow screen is a phone's, and shown to its end.

    Args:
        asset: whose panel is open.
    """
    with tempfile.TemporaryDirectory() as profile, chromium.browser(Path(profile)) as tab:
        is_phone = width < PHONE_WIDTH
        tab.resize(width, height, touch=is_phone)
        tab.open(url)
        tab.until("the map is loaded", LOADED)
        if asset:
            tab.run(f"void {MAP}.$emit('asset', {asset!r})")
            tab.until("its panel is open", "!!document.querySelector('.panel:not(.hidden) h2')?.innerText")
        time.sleep(2)  # the map's own movement, fonts, the chart
        tab.screenshot(path, whole=is_phone and not asset)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("path", type=Path)
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--asset", default="")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    take(given.url, given.path, width=width, height=height, asset=given.asset)


if __name__ == "__main__":
    main()
