"""The strip at the top: is all well at a glance, how fresh it is, and the road's balance."""

from cloud.page import words
from cloud.page.balance import Road
from cloud.page.elements import Text, box, mark, markup, symbol
from cloud.page.lamp import LampState
from cloud.page.state import Snapshot

_TOWER = (
    '<svg viewBox="0 0 32 32" aria-hidden="true" fill="currentColor"><path d="M16 1 10 8v3H8v4h2v13H6v3h20v-3h-4V15h2'
    'v-4h-2V8ZM14 12a2 2 0 0 1 4 0v5h-4Zm-1 9h6v7h-6Z"/></svg>'
)
_COUNTERS = (
    ("accepted", "acceptés", ""),
    ("stored", "stockés", "="),
    ("spooled", "en attente", "+"),
    ("quarantined", "en quarantaine", "+"),
    ("evicted", "évincés", "+"),
)


class Strip:
    """Built once for a browser; `show` changes only the texts that differ."""

    def __init__(self) -> None:
        with box("header", "top"):
            with box("div", "brand"):
                markup(_TOWER, "tower")
                with box("div"):
                    Text("h1", "Beffroi")
                    self._title = Text("p")
            with box("div", "glance"):
                self._lit = self._figure(LampState.LIT)
                self._fault = self._figure(LampState.FAULT)
            with box("div", "times"):
                self._moment = Text("p", css="moment")
                with box("p", "fresh") as self._fresh:
                    box("span", "pulse", aria_hidden="true")
                    self._age = Text("span")
        with box("section", "road", aria_label="Bilan de la route des données") as self._road:
            self._counts: dict[str, Text] = {}
            with box("dl", "sum"):
                for name, label, sign in _COUNTERS:
                    if sign:
                        with box("div", "sign", aria_hidden="true"):
                            Text("dt", sign)
                    with box("div", f"count {name}"):
                        self._counts[name] = Text("dd", "–")
                        Text("dt", label)
            self._verdict = Text("p", css="verdict")

    def _figure(self, state: LampState) -> Text:
        with box("p", f"figure is-{state}"):
            symbol(state, night=True)
            return Text("span")

    def show(self, snapshot: Snapshot) -> None:
        self._title.text = snapshot.ground.title
        self._moment.text = words.moment(snapshot.now_ms)
        self._age.text = freshness(snapshot)
        mark(self._fresh, "data-look", freshness_look(snapshot))
        total = snapshot.total
        self._lit.text = f"{words.number(total[LampState.LIT])} / {words.number(total.equipped)} allumés"
        self._fault.text = f"{words.number(total[LampState.FAULT])} en défaut"
        road = snapshot.road
        for name, text in self._counts.items():
            text.text = "–" if road is None else words.number(getattr(road, name))
        self._verdict.text = verdict(road, snapshot.ground.sites, snapshot.now_ms)
        mark(self._road, "data-look", "waiting" if road is None else "well" if road.balanced else "wrong")


def freshness(snapshot: Snapshot) -> str:
    """`dernière donnée il y a 12 s`, or that there is none."""
    newest_ms = snapshot.total.newest_ms
    if newest_ms is None:
        return "aucune donnée reçue"
    text = f"dernière donnée {words.ago(snapshot.now_ms - newest_ms)}"
    if not snapshot.ground.is_late(snapshot.now_ms - newest_ms):
        return text
    return f"{text} : circuits coupés" if snapshot.total.is_cut else f"{text} : données anciennes"


def freshness_look(snapshot: Snapshot) -> str:
    """`well`; `old` when the youngest reading is too old to trust the map; `waiting` for the first one, or for the
    evening when no lamp has power."""
    newest_ms = snapshot.total.newest_ms
    if newest_ms is None:
        return "waiting"
    if not snapshot.ground.is_late(snapshot.now_ms - newest_ms):
        return "well"
    return "waiting" if snapshot.total.is_cut else "old"


def verdict(road: Road | None, sites: int, now_ms: int) -> str:
    """Whether nothing is lost, in one sentence, and how many of the declared sites said so, when."""
    if road is None or road.reported_ms is None:
        return "Les sites n’ont pas encore transmis leurs compteurs."
    offline = f", dont {words.number(road.offline)} hors ligne" if road.offline else ""
    of_all = f" sur {words.number(sites)}" if road.edges < sites else ""
    said = f"{words.plural(road.edges, 'site', 'sites')}{of_all}{offline}, {words.ago(now_ms - road.reported_ms)}"
    if road.balanced:
        return f"✓ Bilan équilibré : rien n’est perdu ({said})"
    return f"⚠ Écart de {words.plural(abs(road.gap), 'message', 'messages')} : prévenez l’exploitant ({said})"
