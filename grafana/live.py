"""What the server has, in few requests: of each declared organisation everything that is ours or declared in full,
everything else by name.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.plan import Author, Key, Resource
from grafana import forms
from grafana.api import Grafana, Object
from grafana.client import NotReadyError
from grafana.ledger import Ledger, entry
from grafana.resources import (
    CONTACT_POINT,
    DASHBOARD,
    DATA_SOURCE,
    FOLDER,
    LEDGER,
    MEMBER,
    ORGANISATION,
    PLAYLIST,
    POLICIES,
    PREFERENCES,
    PREFIX,
    RULE_GROUP,
    SINGLE,
    TAG,
    TEMPLATE,
)


@dataclass(frozen=True)
class Live:
    """`organisations`: scope → Grafana's number. `ready`: those scopes that have an Alertmanager.

    `foreign_folders`: folders in which somebody else keeps something.
    """

    resources: tuple[Resource, ...] = ()
    organisations: Mapping[str, int] = field(default_factory=dict)
    ledgers: Mapping[str, Ledger] = field(default_factory=dict)
    ready: frozenset[str] = frozenset()
    foreign_folders: frozenset[Key] = frozenset()
    notes: tuple[str, ...] = ()

    def ours(self, resource: Resource) -> bool:
        """Whether we made it: by its prefix, a board by its tag too, a member by what we wrote down."""
        match resource.kind:
            case ORGANISATION.name:
                return resource.scope in self.ledgers
            case DASHBOARD.name:
                return resource.id.startswith(PREFIX) and TAG in resource.body["dashboard"].get("tags", ())
            case FOLDER.name:
                return resource.id.startswith(PREFIX) and resource.key not in self.foreign_folders
            case MEMBER.name:
                return resource.scope in self.ledgers and self.ledgers[resource.scope].knows(resource.key)
            case RULE_GROUP.name:
                return resource.id.partition("/")[2].startswith(PREFIX)
            case POLICIES.name:
                return True
        return resource.id.startswith(PREFIX)


@dataclass
class _Found:
    resources: list[Resource] = field(default_factory=list)
    ledger: Ledger | None = None
    ready: bool = False
    foreign_folders: set[Key] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def read(grafana: Grafana, desired: Sequence[Resource]) -> Live:
    """The server as far as the declared organisations go.

    An organisation is known by its name; by the ledger in it, when it was renamed here or there.
    """
    wanted = {one.scope: str(one.body["name"]) for one in desired if one.kind == ORGANISATION.name}
    there = grafana.organisations()
    numbers = {name: org for org, name in there}
    organisations = {scope: numbers[name] for scope, name in wanted.items() if name in numbers}
    names = dict(there)
    ledgers: dict[str, Ledger] = {}
    resources: list[Resource] = []
    for org, name in there:
        if org in organisations.values():
            continue
        ledger = _ledger(grafana.data_sources(org))
        tenant = ledger.tenant if ledger is not None else ""
        if ledger is None or not tenant or tenant in organisations:
            resources.append(Resource(ORGANISATION.name, "", name, {"name": name}))
            continue
        organisations[tenant] = org
        if tenant not in wanted:
            ledgers[tenant] = ledger
            resources.append(Resource(ORGANISATION.name, tenant, tenant, {"name": name}))
    ready: set[str] = set()
    foreign: set[Key] = set()
    notes: list[str] = []
    for scope in wanted:
        if scope not in organisations:
            continue
        org = organisations[scope]
        resources.append(Resource(ORGANISATION.name, scope, scope, {"name": names[org]}))
        found = _organisation(grafana, org, scope, [one for one in desired if one.scope == scope])
        resources += found.resources
        foreign |= found.foreign_folders
        notes += found.notes
        if found.ledger is not None:
            ledgers[scope] = found.ledger
        if found.ready:
            ready.add(scope)
    return Live(tuple(resources), organisations, ledgers, frozenset(ready), frozenset(foreign), tuple(notes))


def _organisation(grafana: Grafana, org: int, scope: str, desired: Sequence[Resource]) -> _Found:
    found = _Found()
    wanted = {one.key for one in desired}
    found.resources += _data_sources(grafana, org, scope, wanted, found)
    found.resources += _folders_and_boards(grafana, org, scope, wanted, found)
    found.resources += _playlists(grafana, org, scope, wanted)
    if preferences := grafana.preferences(org):  # nobody has set any: they are not there
        found.resources.append(Resource(PREFERENCES.name, scope, SINGLE, preferences))
    found.resources += [
        Resource(MEMBER.name, scope, login, {"role": one.get("role", ""), "userId": one["userId"]})
        for one in grafana.members(org)
        if (login := str(one.get("login", "")).lower()) != grafana.client.user.lower()
        or Key(MEMBER.name, scope, login) in wanted
    ]
    found.resources += _alerting(grafana, org, scope, found)
    found.resources += _rule_groups(grafana, org, scope, wanted, found)
    return found


def _data_sources(grafana: Grafana, org: int, scope: str, wanted: set[Key], found: _Found) -> Iterable[Resource]:
    listed = grafana.data_sources(org)
    found.ledger = _ledger(listed)
    for source in listed:
        uid = str(source.get("uid", ""))
        key = Key(DATA_SOURCE.name, scope, uid)
        body = dict(source)
        if source.get("readOnly"):
            found.notes.append(f"{key} comes from a file on the server, and only there it can be changed")
        if key in wanted:
            fields = (grafana.data_source(org, uid) or {}).get("secureJsonFields") or {}
            body[forms.SECRETS] = _known_secrets(found.ledger, key, (name for name in fields if fields[name]))
        yield Resource(DATA_SOURCE.name, scope, uid, body)


def _folders_and_boards(grafana: Grafana, org: int, scope: str, wanted: set[Key], found: _Found) -> Iterable[Resource]:
    hits = grafana.search(org)
    boards = {str(hit["uid"]): hit for hit in hits if hit.get("type") == "dash-db"}
    for hit in hits:
        if hit.get("type") == "dash-folder":
            yield Resource(FOLDER.name, scope, str(hit["uid"]), {"title": str(hit.get("title", ""))})
    # Asked for by uid too: a search may lag behind what was just saved.
    for uid in dict.fromkeys([*(key.id for key in wanted if key.kind == DASHBOARD.name), *boards]):
        key = Key(DASHBOARD.name, scope, uid)
        if key not in wanted:
            hit = boards[uid]
            folder = str(hit.get("folderUid", ""))
            stub = {"dashboard": {"title": hit.get("title"), "tags": hit.get("tags", [])}, "folderUid": folder}
            if not (uid.startswith(PREFIX) and TAG in hit.get("tags", ())):
                found.foreign_folders.add(Key(FOLDER.name, scope, folder))
            yield Resource(DASHBOARD.name, scope, uid, stub)
            continue
        answer = grafana.dashboard(org, uid)
        if answer is None:
            continue
        meta = answer.get("meta", {})
        if meta.get("provisioned"):
            found.notes.append(f"{key} comes from a file on the server, and only there it can be changed")
        if TAG not in answer["dashboard"].get("tags", ()):
            found.notes.append(f"{key} is there without our tag; it is taken over")
        yield Resource(
            DASHBOARD.name,
            scope,
            uid,
            {"dashboard": answer["dashboard"], "folderUid": meta.get("folderUid", "")},
            author=Author(str(meta.get("updatedBy", "")), str(meta.get("updated", ""))),
        )


def _playlists(grafana: Grafana, org: int, scope: str, wanted: set[Key]) -> Iterable[Resource]:
    for listed in grafana.playlists(org):
        uid = str(listed["uid"])
        body = grafana.playlist(org, uid) if Key(PLAYLIST.name, scope, uid) in wanted else listed
        if body is not None:
            yield Resource(PLAYLIST.name, scope, uid, body)


def _alerting(grafana: Grafana, org: int, scope: str, found: _Found) -> Iterable[Resource]:
    """Nothing, and `ready` stays false, where there is no Alertmanager yet: then there can be nothing either."""
    try:
        points = grafana.contact_points(org)
    except NotReadyError:
        return
    found.ready = True
    for point in points:
        if not point.get("uid"):  # the one that every organisation has
            continue
        key = Key(CONTACT_POINT.name, scope, str(point["uid"]))
        names = forms.redacted(point.get("settings") or {})
        yield Resource(key.kind, scope, key.id, {**point, forms.SECRETS: _known_secrets(found.ledger, key, names)})
    for one in grafana.templates(org):
        yield Resource(TEMPLATE.name, scope, str(one["name"]), {"template": one.get("template", "")})
    if routes := our_routes(grafana.policies(org)):
        yield Resource(POLICIES.name, scope, SINGLE, {"routes": routes})


def our_routes(tree: Object) -> list[Object]:
    """Ours right under the root, with what stands before the last of them and should not."""
    routes: list[Object] = tree.get("routes") or []
    last = max((place for place, route in enumerate(routes) if is_our_route(route)), default=-1)
    return routes[: last + 1]


def is_our_route(route: Mapping[str, Any]) -> bool:
    return str(route.get("receiver", "")).startswith(PREFIX)


def _rule_groups(grafana: Grafana, org: int, scope: str, wanted: set[Key], found: _Found) -> Iterable[Resource]:
    groups: dict[tuple[str, str], list[Object]] = {}
    for rule in grafana.rules(org):
        groups.setdefault((str(rule.get("folderUID", "")), str(rule.get("ruleGroup", ""))), []).append(rule)
    for (folder, title), rules in groups.items():
        key = Key(RULE_GROUP.name, scope, f"{folder}/{title}")
        if not title.startswith(PREFIX):
            found.foreign_folders.add(Key(FOLDER.name, scope, folder))
        group = grafana.rule_group(org, folder, title) if key in wanted else {"interval": 0, "rules": rules}
        if group is not None:
            at = max(str(rule.get("updated", "")) for rule in rules)
            yield Resource(key.kind, scope, key.id, group, author=Author(at=at))


def _known_secrets(ledger: Ledger | None, key: Key, names: Iterable[str]) -> dict[str, str]:
    known = ledger.secrets.get(entry(key), {}) if ledger is not None else {}
    return {name: known.get(name, forms.PRESENT) for name in names}


def _ledger(sources: Iterable[Object]) -> Ledger | None:
    for source in sources:
        if source.get("uid") == LEDGER:
            settings = source.get("jsonData") or {}
            return Ledger.read(settings[forms.OWN]) if forms.OWN in settings else None
    return None
