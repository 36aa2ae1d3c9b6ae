"""The strip at the top: whose page it is, the tiles, how fresh all of it is, the road's balance, and silent sites."""

from collections.abc import Callable

from cloud.page import alarm_words, words
from cloud.page.balance import Road, SiteNews
from cloud.page.elements import Text, box, button, mark, markup
from cloud.page.state import Snapshot, StoreState
from cloud.page.tiles import Tiles
from core.model import Domain
from core.territory import Kind

MOST_SILENT = 3  # named; the others are counted
_TOWER = (
    '<svg viewBox="0 0 32 32" aria-hidden="true" fill="currentColor"><path d="M16 1 10 8v3H8v4h2v13H6v3h20v-3h-4V15h2'
    'v-4h-2V8ZM14 12a2 2 0 0 1 4 0v5h-4Zm-1 9h6v7h-6Z"/></svg>'
)
_BELL = (
    '<svg viewBox="0 0 24 24" aria-hidden="true" fill="currentColor"><path d="M12 2a2 2 0 0 1 2 2v.4A6 6 0 0 1 18 10v5'
    'l2 3H4l2-3v-5a6 6 0 0 1 4-5.6V4a2 2 0 0 1 2-2ZM9.5 19.5h5a2.5 2.5 0 0 1-5 0Z"/></svg>'
)
_COUNTERS = (
    ("accepted", "acceptés", "", "Messages écrits sur le disque d’un site : rien de ce qui est accepté ne se perd."),
    ("stored", "stockés", "=", "Messages arrivés dans le magasin de données."),
    ("spooled", "en attente", "+", "Messages gardés sur le site jusqu’à ce que le magasin les ait."),
    ("quarantined", "en quarantaine", "+", "Messages illisibles ou refusés, gardés à part pour être rejoués."),
    ("evicted", "évincés", "+", "Messages abandonnés faute de place sur le site, comptés un par un."),
)


class Strip:
    """Built once for a browser; `show` changes only the texts that differ."""

    def __init__(self, on_switch: Callable[[Domain], None], on_alarms: Callable[[], None]) -> None:
        with box("header", "top"):
            with box("div", "brand"):
                markup(_TOWER, "tower")
                with box("div"):
                    Text("h1", "Beffroi")
                    self._title = Text("p")
                    self._moment = Text("p", css="moment")
            self.tiles = Tiles(on_switch)
            with box("div", "times"):
                with button("badge", on_alarms, title="Aller à la liste des alarmes") as self._badge:
                    markup(_BELL, "bell")
                    self._alarms = Text("span")
                with box("p", "fresh") as self._fresh:
                    box("span", "pulse", aria_hidden="true")
                    self._age = Text("span")
        with box("section", "road", aria_label="Bilan de la route des données") as self._road:
            self._counts: dict[str, Text] = {}
            with box("dl", "sum"):
                for name, label, sign, meaning in _COUNTERS:
                    if sign:
                        with box("div", "sign", aria_hidden="true"):
                            Text("dt", sign)
                    with box("div", f"count {name}", title=meaning):
                        self._counts[name] = Text("dd", "–")
                        Text("dt", label)
            self._verdict = Text("p", css="verdict")
            self._silent = Text("p", css="silent-sites")

    def show(self, snapshot: Snapshot) -> None:
        self._title.text = snapshot.ground.title
        self._moment.text = words.short_moment(snapshot.now_ms)
        self._age.text = freshness(snapshot)
        mark(self._fresh, "data-look", freshness_look(snapshot))
        self._alarms.text = alarm_words.badge(snapshot)
        mark(self._badge, "data-look", alarm_words.badge_look(snapshot))
        self.tiles.show(snapshot)
        road = snapshot.beside.road
        for name, text in self._counts.items():
            text.text = "–" if road is None else words.number(getattr(road, name))
        self._verdict.text = verdict(road, len(snapshot.ground.sites), snapshot.now_ms)
        self._silent.text = silence(snapshot.beside.silent, snapshot.now_ms)
        mark(self._silent, "data-look", "shown" if snapshot.beside.silent else "hidden")
        mark(self._road, "data-look", "waiting" if road is None else "well" if road.balanced else "wrong")


def freshness(snapshot: Snapshot) -> str:
    """`dernière donnée il y a 12 s`, or that there is none, or that nobody can know now."""
    newest_ms = snapshot.newest_ms
    if snapshot.store is StoreState.FAILING:
        return "magasin de données injoignable"
    if newest_ms is None:
        return "aucune donnée reçue"
    text = f"dernière donnée {words.ago(snapshot.now_ms - newest_ms)}"
    match freshness_look(snapshot):
        case "old":
            return f"{text} : données anciennes"
        case "waiting":
            return f"{text} : circuits coupés"
        case _:
            return text


def freshness_look(snapshot: Snapshot) -> str:
    """`well`; `old` when the youngest reading is too old to trust the map, or the store cannot be read; `waiting` for
    the first one, or for the evening when nothing but lamps without power could speak."""
    newest_ms = snapshot.newest_ms
    if snapshot.store is StoreState.FAILING:
        return "old"
    if newest_ms is None:
        return "waiting"
    age_ms = snapshot.now_ms - newest_ms
    ground = snapshot.ground
    if any(not ground.is_late(kind, age_ms) for kind in ground.paces_ms):
        return "well"
    others = [kind for kind in ground.paces_ms if kind is not Kind.LAMP]
    return "waiting" if snapshot.total(Kind.LAMP).is_cut and not others else "old"


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


def silence(sites: tuple[SiteNews, ...], now_ms: int) -> str:
    """`Site « Remiremont » muet depuis 12 min`, one after the other; "" when all are heard."""
    said = [_news(site, now_ms) for site in sites[:MOST_SILENT]]
    if len(sites) > MOST_SILENT:
        said.append(f"et {words.plural(len(sites) - MOST_SILENT, 'autre', 'autres')}")
    return " · ".join(said)


def _news(site: SiteNews, now_ms: int) -> str:
    who = f"Site « {site.name} »"
    if site.at_ms is None:
        return f"{who} : pas encore de nouvelles"
    return f"{who} {'hors ligne' if site.gone else 'muet'} depuis {words.duration(now_ms - site.at_ms)}"
