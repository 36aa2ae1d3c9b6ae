"""The READMEs tell the truth: every name of the road exists, the promise is word for word, sizes are kept."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PROMISE = (
    "> A row is *accepted* when the edge's spool has committed it to disk. From then on it is always in at"
    " least one of: spool, store, quarantine, eviction log — and never visible twice.\n"
    "> At rest, `accepted = stored + spooled + quarantined + evicted`. Every eviction is counted and logged."
)
ROAD = re.findall(r"^\| \d+ \| (.+?) \|", README, flags=re.MULTILINE)
NAMES = sorted({name for cell in ROAD for name in re.findall(r"`([\w.]+)`", cell)})


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return bool(module) and hasattr(importlib.import_module(module), attribute)
    return True


def test_the_road_has_nine_steps() -> None:
    """The table of the road is there, whole."""
    assert len(ROAD) == 9
    assert len(NAMES) >= 12


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_the_road_exists(name: str) -> None:
    """A name in the README's road can be imported."""
    assert exists(name)


def test_the_promise_is_word_for_word() -> None:
    """The README's promise is the one that the fault tests assert."""
    assert PROMISE in README


PAGES = sorted(
    page for page in ROOT.glob("*/**/README.md") if not any(part[0] == "." for part in page.relative_to(ROOT).parts)
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_folder_readme_is_short(page: Path) -> None:
    """A folder's README has 60 lines at most, and says something; the watch explains every verdict in its own."""
    lines = page.read_text("utf-8").splitlines()
    assert 3 <= len(lines) <= (150 if page.parent.name == "watch" else 60)


def test_links_of_the_readme_lead_somewhere() -> None:
    """Every relative link and picture of the README exists."""
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target
