"""The endpoints of Grafana that are needed, one method each. Lists that are `null` when empty are empty lists here."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from core.errors import RejectedError
from grafana.client import Client, MissingError

Object = dict[str, Any]
_PAGE = 1000
_HITS = 5000
_PROVISIONING = "/api/v1/provisioning"


class Grafana:
    """Source: `/api` of Grafana 12.2, recorded call by call in tests/grafana_api."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._call = client.call

    # the server

    def version(self) -> str:
        return str(_object(self._call("GET", "/api/health")).get("version", ""))

    def organisations(self) -> list[tuple[int, str]]:
        """Every organisation: id and name."""
        pages = _pages(lambda page: self._call("GET", "/api/orgs", params={"perpage": _PAGE, "page": page}), _PAGE)
        return [(_org_id(found.get("id")), str(found.get("name", ""))) for found in pages]

    def create_organisation(self, name: str) -> int:
        return _org_id(_object(self._call("POST", "/api/orgs", body={"name": name})).get("orgId"))

    def rename_organisation(self, org: int, name: str) -> None:
        self._call("PUT", f"/api/orgs/{org:d}", of=org, body={"name": name})

    def delete_organisation(self, org: int) -> None:
        self._gone("DELETE", f"/api/orgs/{org:d}", of=org)

    def create_user(self, org: int, *, login: str, name: str, email: str, password: str) -> int:
        """A user of this organisation alone, as Viewer; without it he would be one of organisation 1."""
        body = {"login": login, "name": name, "email": email, "password": password, "OrgId": org}
        return int(_object(self._call("POST", "/api/admin/users", of=org, body=body))["id"])

    def members(self, org: int) -> list[Object]:
        return _objects(self._call("GET", f"/api/orgs/{org:d}/users", of=org))

    def add_member(self, org: int, login: str, role: str) -> None:
        self._call("POST", f"/api/orgs/{org:d}/users", of=org, body={"loginOrEmail": login, "role": role})

    def change_member(self, org: int, user: int, role: str) -> None:
        self._call("PATCH", f"/api/orgs/{org:d}/users/{user:d}", of=org, body={"role": role})

    def remove_member(self, org: int, user: int) -> None:
        self._gone("DELETE", f"/api/orgs/{org:d}/users/{user:d}", of=org)

    # data sources, folders, boards

    def data_sources(self, org: int) -> list[Object]:
        """Without what is known of their secrets."""
        return _objects(self._call("GET", "/api/datasources", org=org))

    def data_source(self, org: int, uid: str) -> Object | None:
        """With `secureJsonFields`: which secrets it has."""
        return self._found(f"/api/datasources/uid/{_part(uid)}", org)

    def create_data_source(self, org: int, body: Object) -> None:
        self._call("POST", "/api/datasources", org=org, body=body)

    def update_data_source(self, org: int, uid: str, body: Object) -> None:
        """All of it but the secrets, which stay where they are not named; an empty one is removed."""
        self._call("PUT", f"/api/datasources/uid/{_part(uid)}", org=org, body=body)

    def delete_data_source(self, org: int, uid: str) -> None:
        self._gone("DELETE", f"/api/datasources/uid/{_part(uid)}", org=org)

    def search(self, org: int) -> list[Object]:
        """Folders (`dash-folder`) and boards (`dash-db`) with uid, title, tags, folderUid."""
        return list(
            _pages(
                lambda page: self._call("GET", "/api/search", org=org, params={"limit": _HITS, "page": page + 1}),
                _HITS,
            )
        )

    def create_folder(self, org: int, uid: str, title: str) -> None:
        self._call("POST", "/api/folders", org=org, body={"uid": uid, "title": title})

    def update_folder(self, org: int, uid: str, title: str) -> None:
        self._call("PUT", f"/api/folders/{_part(uid)}", org=org, body={"title": title, "overwrite": True})

    def folder_counts(self, org: int, uid: str) -> dict[str, int]:
        """How many `dashboard`, `alertrule`, `folder`, `librarypanel` are in it."""
        found = self._found(f"/api/folders/{_part(uid)}/counts", org) or {}
        return {name: number for name, number in found.items() if isinstance(number, int)}

    def delete_folder(self, org: int, uid: str) -> None:
        """With the boards in it. Refused where rules are in it."""
        self._gone("DELETE", f"/api/folders/{_part(uid)}", org=org)

    def dashboard(self, org: int, uid: str) -> Object | None:
        """`dashboard` and `meta`."""
        return self._found(f"/api/dashboards/uid/{_part(uid)}", org)

    def save_dashboard(self, org: int, dashboard: Object, *, folder: str, message: str) -> None:
        """A new version, in this folder (`folderUid` is always sent: without it the board moves to the root)."""
        body = {"dashboard": dashboard, "folderUid": folder, "overwrite": True, "message": message}
        self._call("POST", "/api/dashboards/db", org=org, body=body)

    def delete_dashboard(self, org: int, uid: str) -> None:
        self._gone("DELETE", f"/api/dashboards/uid/{_part(uid)}", org=org)

    # preferences, playlists

    def preferences(self, org: int) -> Object:
        return _object(self._call("GET", "/api/org/preferences", org=org))

    def set_preferences(self, org: int, body: Object) -> None:
        """All of them: what is not named is reset, but the home board."""
        self._call("PUT", "/api/org/preferences", org=org, body=body)

    def playlists(self, org: int) -> list[Object]:
        """Without their items."""
        return _objects(self._call("GET", "/api/playlists", org=org))

    def playlist(self, org: int, uid: str) -> Object | None:
        return self._found(f"/api/playlists/{_part(uid)}", org)

    def create_playlist(self, org: int, body: Object) -> None:
        self._call("POST", "/api/playlists", org=org, body=body)

    def update_playlist(self, org: int, uid: str, body: Object) -> None:
        self._call("PUT", f"/api/playlists/{_part(uid)}", org=org, body=body)

    def delete_playlist(self, org: int, uid: str) -> None:
        self._gone("DELETE", f"/api/playlists/{_part(uid)}", org=org)

    # alerting

    def contact_points(self, org: int) -> list[Object]:
        """Secrets as `[REDACTED]`.

        Raises:
            NotReadyError: a new organisation without Alertmanager.
        """
        return _objects(self._call("GET", f"{_PROVISIONING}/contact-points", org=org))

    def create_contact_point(self, org: int, body: Object) -> None:
        self._call("POST", f"{_PROVISIONING}/contact-points", org=org, body=body)

    def update_contact_point(self, org: int, uid: str, body: Object) -> None:
        """A secret whose key is left out is dropped."""
        self._call("PUT", f"{_PROVISIONING}/contact-points/{_part(uid)}", org=org, body=body)

    def delete_contact_point(self, org: int, uid: str) -> None:
        self._gone("DELETE", f"{_PROVISIONING}/contact-points/{_part(uid)}", org=org)

    def templates(self, org: int) -> list[Object]:
        return _objects(self._call("GET", f"{_PROVISIONING}/templates", org=org))

    def put_template(self, org: int, name: str, text: str) -> None:
        self._call("PUT", f"{_PROVISIONING}/templates/{_part(name)}", org=org, body={"template": text})

    def delete_template(self, org: int, name: str) -> None:
        self._gone("DELETE", f"{_PROVISIONING}/templates/{_part(name)}", org=org)

    def policies(self, org: int) -> Object:
        """The one tree."""
        return _object(self._call("GET", f"{_PROVISIONING}/policies", org=org))

    def put_policies(self, org: int, tree: Object, *, editable: bool) -> None:
        self._call("PUT", f"{_PROVISIONING}/policies", org=org, body=tree, editable=editable)

    def rules(self, org: int) -> list[Object]:
        """Every rule with its folder, group and provenance."""
        return _objects(self._call("GET", f"{_PROVISIONING}/alert-rules", org=org))

    def rule_group(self, org: int, folder: str, title: str) -> Object | None:
        return self._found(_group(folder, title), org)

    def put_rule_group(self, org: int, folder: str, title: str, body: Object) -> None:
        """Rules that are not in it are deleted. Almost nothing of it is checked, and the answer proves nothing."""
        self._call("PUT", _group(folder, title), org=org, body=body)

    def delete_rule_group(self, org: int, folder: str, title: str) -> None:
        self._gone("DELETE", _group(folder, title), org=org)

    def _found(self, path: str, org: int) -> Object | None:
        try:
            return _object(self._call("GET", path, org=org))
        except MissingError:
            return None

    def _gone(self, method: str, path: str, *, org: int | None = None, of: int | None = None) -> None:
        """Some deletions of what is not there answer 404, some 200: both are done."""
        try:
            self._call(method, path, org=org, of=of)
        except MissingError:
            return


def _group(folder: str, title: str) -> str:
    return f"{_PROVISIONING}/folder/{_part(folder)}/rule-groups/{_part(title)}"


def _part(text: str) -> str:
    return quote(text, safe="")


def _pages(ask: Callable[[int], Any], size: int) -> list[Object]:
    found: list[Object] = []
    page = 0
    while True:
        some = _objects(ask(page))
        found += some
        if len(some) < size:
            return found
        page += 1


def _object(answer: Any) -> Object:
    if isinstance(answer, dict):
        return answer
    raise _not_understood(answer)


def _objects(answer: Any) -> list[Object]:
    if answer is None:
        return []
    if isinstance(answer, list) and all(isinstance(member, dict) for member in answer):
        return answer
    raise _not_understood(answer)


def _org_id(value: Any) -> int:
    if type(value) is int and value >= 1:
        return value
    raise _not_understood(value)


def _not_understood(answer: Any) -> RejectedError:
    return RejectedError(
        "grafana.not_understood",
        f"Grafana answers with a {type(answer).__name__} where something else is known",
        hint="which version is it? 11 to 13 are known",
    )
