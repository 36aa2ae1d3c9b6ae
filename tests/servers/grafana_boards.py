"""Of the Grafana double: folders, dashboards, the search, preferences, playlists."""

import re
import unicodedata
from typing import Any

from tests.servers.grafana_state import NEVER, Asked, Board, Object, Refused, Routes, as_kept, check_uid

routes = Routes()


# folders


@routes("GET", "/api/folders")
def list_folders(_double: Any, asked: Asked) -> Any:
    parent = asked.one("parentUid")
    shared = [] if asked.user.server_admin else [{"id": -1, "uid": "sharedwithme", "title": "Shared with me"}]
    found = [one for one in asked.org.folders.values() if one.get("parentUid", "") == parent]
    return shared + [
        {name: one[name] for name in ("id", "uid", "title", "parentUid") if name in one}
        for one in sorted(found, key=lambda one: _sorted_as(one["title"]))
    ]


@routes("POST", "/api/folders")
def create_folder(double: Any, asked: Asked) -> Any:
    body = asked.body
    uid = body.get("uid") or double.make_uid()
    if not body.get("title"):
        raise Refused(400, "folder title cannot be empty")
    check_uid(uid)
    if uid == "general":
        raise Refused(500, "Folder API error")
    parent = body.get("parentUid", "")
    if parent and parent not in asked.org.folders:
        raise Refused(404, "folder not found")
    if uid in asked.org.folders:
        raise Refused(412, "the folder has been changed by someone else")
    made = {"id": double.number("board"), "uid": uid, "title": body["title"], "version": 1, "created": double.now()}
    made |= {"updated": double.now(), "createdBy": asked.user.login, "updatedBy": asked.user.login}
    if parent:
        made["parentUid"] = parent
    asked.org.folders[uid] = made
    return _folder_shown(asked, made)


@routes("GET", "/api/folders/<uid>")
def get_folder(_double: Any, asked: Asked) -> Any:
    if asked.parts[0] == "general":
        return {
            "id": 0,
            "uid": "general",
            "orgId": 0,
            "title": "Dashboards",
            "url": "",
            "hasAcl": False,
            "canSave": True,
            "canEdit": True,
            "canAdmin": True,
            "canDelete": True,
            "createdBy": "Anonymous",
            "created": NEVER,
            "updatedBy": "Anonymous",
            "updated": NEVER,
        }
    return _folder_shown(asked, _folder(asked))


@routes("PUT", "/api/folders/<uid>")
def update_folder(double: Any, asked: Asked) -> Any:
    found = _folder(asked)
    if not asked.body.get("overwrite") and asked.body.get("version") != found["version"]:
        raise Refused(412, "The dashboard has been changed by someone else")
    found |= {"title": asked.body["title"], "version": found["version"] + 1, "updated": double.now()}
    found["updatedBy"] = asked.user.login
    return _folder_shown(asked, found)


@routes("POST", "/api/folders/<uid>/move")
def move_folder(_double: Any, asked: Asked) -> Any:
    found = _folder(asked)
    found.pop("parentUid", None)
    if asked.body.get("parentUid"):
        found["parentUid"] = asked.body["parentUid"]
    found["version"] += 2  # as recorded
    return _folder_shown(asked, found)


@routes("GET", "/api/folders/<uid>/counts")
def folder_counts(_double: Any, asked: Asked) -> Any:
    uid = asked.parts[0]
    return {
        "alertrule": sum(len(group["rules"]) for (folder, _), group in asked.org.groups.items() if folder == uid),
        "dashboard": sum(board.folder == uid for board in asked.org.boards.values()),
        "folder": sum(one.get("parentUid") == uid for one in asked.org.folders.values()),
        "librarypanel": 0,
    }


@routes("DELETE", "/api/folders/<uid>")
def delete_folder(_double: Any, asked: Asked) -> Any:
    uid = asked.parts[0]
    if uid not in asked.org.folders:
        raise Refused(404, "folder not found")
    rules = [key for key in asked.org.groups if key[0] == uid]
    if rules and asked.one("forceDeleteRules") != "true":
        said = "Folder cannot be deleted: folder is not empty"
        raise Refused(400, {"statusCode": 400, "messageId": "folder.not-empty", "message": said})
    for key in rules:
        del asked.org.groups[key]
    for board in [name for name, board in asked.org.boards.items() if board.folder == uid]:
        del asked.org.boards[board]
    del asked.org.folders[uid]
    return {"message": "Folder deleted"}


def _folder(asked: Asked) -> Object:
    if asked.parts[0] not in asked.org.folders:
        raise Refused(404, {"message": "folder not found", "status": "not-found"})
    return asked.org.folders[asked.parts[0]]


def _folder_shown(asked: Asked, folder: Object) -> Object:
    url = f"/dashboards/f/{folder['uid']}/{slug(folder['title'])}"
    shown = {**folder, "orgId": asked.org.id, "url": url, "hasAcl": False}
    shown |= {"canSave": True, "canEdit": True, "canAdmin": True, "canDelete": True}
    if parent := folder.get("parentUid"):
        shown["parents"] = [_folder_shown(asked, asked.org.folders[parent])]
    return shown


# dashboards


@routes("POST", "/api/dashboards/db")
def save_board(double: Any, asked: Asked) -> Any:
    body, sent = asked.body, dict(asked.body["dashboard"])
    uid = sent.get("uid") or ""
    check_uid(uid)
    if not sent.get("title"):
        raise Refused(400, {"message": "Dashboard title cannot be empty", "status": "empty-name"})
    folder = body.get("folderUid") or ""
    if folder and folder not in asked.org.folders:
        raise Refused(400, "folder not found")
    there = asked.org.boards.get(uid) if uid else None
    if there is None and sent.get("id"):
        raise Refused(404, {"message": "Dashboard not found", "status": "not-found"})
    if there is not None and not body.get("overwrite") and sent.get("version") != there.body["version"]:
        raise Refused(412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"})
    uid = uid or double.make_board_uid()
    number = there.id if there else double.number("board")
    before = there.body["version"] if there else 0
    kept = as_kept({**sent, "id": number, "uid": uid, "version": before + 1})
    same = there is not None and {**there.body, "version": 0} == {**kept, "version": 0} and there.folder == folder
    version = {
        "id": double.number("version"),
        "dashboardId": number,
        "uid": uid,
        "parentVersion": before,
        "restoredFrom": 0,
        "version": before + 1,
        "created": double.now(),
        "createdBy": asked.user.login,
        "message": body.get("message", "") if there else "Initial save",
    }
    asked.org.boards[uid] = Board(
        number,
        kept,
        folder,
        [version, *(there.versions if there else [])],
        there.created if there else double.now(),
        double.now(),
        asked.user.login,
        there.maker if there else asked.user.login,
    )
    named = slug(sent["title"])
    told = before if same else before + 1
    answer = {"folderUid": folder, "id": number, "slug": named, "status": "success", "uid": uid}
    return {**answer, "url": f"/d/{uid}/{named}", "version": told}


@routes("GET", "/api/dashboards/uid/<uid>")
def get_board(_double: Any, asked: Asked) -> Any:
    board = _board(asked)
    named = slug(board.body["title"])
    folder = asked.org.folders.get(board.folder)
    can = {"canAdd": True, "canEdit": True, "canDelete": True}
    meta = {
        "type": "db",
        "canSave": True,
        "canEdit": True,
        "canAdmin": True,
        "canStar": True,
        "canDelete": True,
        "slug": named,
        "url": f"/d/{board.body['uid']}/{named}",
        "expires": NEVER,
        "created": board.created,
        "updated": board.updated,
        "updatedBy": board.by,
        "createdBy": board.maker,
        "version": board.body["version"],
        "hasAcl": False,
        "isFolder": False,
        "apiVersion": "v0alpha1",
        "folderId": folder["id"] if folder else 0,
        "folderUid": board.folder,
        "folderTitle": folder["title"] if folder else "General",
        "folderUrl": f"/dashboards/f/{board.folder}/{slug(folder['title'])}" if folder else "",
        "provisioned": False,
        "provisionedExternalId": "",
        "annotationsPermissions": {"dashboard": can, "organization": can},
    }
    return {"meta": meta, "dashboard": board.body}


@routes("GET", "/api/dashboards/uid/<uid>/versions")
def board_versions(_double: Any, asked: Asked) -> Any:
    return {"continueToken": "", "versions": _board(asked).versions}


@routes("DELETE", "/api/dashboards/uid/<uid>")
def delete_board(_double: Any, asked: Asked) -> Any:
    board = _board(asked)
    del asked.org.boards[board.body["uid"]]
    title = board.body["title"]
    return {"message": f"Dashboard {title} deleted", "title": title, "uid": board.body["uid"]}


@routes("GET", "/api/search")
def search(_double: Any, asked: Asked) -> Any:
    hits: list[Object] = []
    common = {"orgId": asked.org.id, "slug": "", "isStarred": False, "sortMeta": 0, "isDeleted": False}
    if asked.one("type") in ("", "dash-folder") and not asked.query.get("tag") and not asked.query.get("folderUIDs"):
        for one in sorted(asked.org.folders.values(), key=lambda one: _sorted_as(one["title"])):
            named = slug(one["title"])
            hit = {**common, "id": one["id"], "uid": one["uid"], "title": one["title"], "uri": f"db/{named}"}
            url = f"/dashboards/f/{one['uid']}/{named}"
            hits.append({**hit, "url": url, "type": "dash-folder", "tags": []})
    if asked.one("type") in ("", "dash-db"):
        for board in sorted(asked.org.boards.values(), key=lambda one: _sorted_as(one.body["title"])):
            body, folder = board.body, asked.org.folders.get(board.folder)
            if not set(asked.query.get("tag", ())) <= set(body.get("tags") or ()):
                continue
            if asked.query.get("folderUIDs") and board.folder not in asked.query["folderUIDs"]:
                continue
            named = slug(body["title"])
            hit = {**common, "id": board.id, "uid": body["uid"], "title": body["title"], "uri": f"db/{named}"}
            hit |= {"url": f"/d/{body['uid']}/{named}", "type": "dash-db", "tags": sorted(body.get("tags") or ())}
            if folder:
                hit |= {"folderId": folder["id"], "folderUid": folder["uid"], "folderTitle": folder["title"]}
                hit["folderUrl"] = f"/dashboards/f/{folder['uid']}/{slug(folder['title'])}"
            hits.append(hit)
    limit, page = int(asked.one("limit", "1000")), int(asked.one("page", "1"))
    return hits[(page - 1) * limit : page * limit]


def _board(asked: Asked) -> Board:
    if asked.parts[0] not in asked.org.boards:
        raise Refused(404, "Dashboard not found")
    return asked.org.boards[asked.parts[0]]


# preferences and playlists


@routes("GET", "/api/org/preferences")
def get_preferences(_double: Any, asked: Asked) -> Any:
    return {name: value for name, value in asked.org.preferences.items() if value}


@routes("PUT", "/api/org/preferences")
def put_preferences(_double: Any, asked: Asked) -> Any:
    home = asked.org.preferences.get("homeDashboardUID", "")
    return _prefer(asked, {"homeDashboardUID": home, **asked.body})


@routes("PATCH", "/api/org/preferences")
def patch_preferences(_double: Any, asked: Asked) -> Any:
    return _prefer(asked, {**asked.org.preferences, **asked.body})


def _prefer(asked: Asked, preferences: Object) -> Object:
    if asked.body.get("theme", "") not in ("", "light", "dark", "system"):
        raise Refused(400, "Invalid theme")
    if (home := asked.body.get("homeDashboardUID")) and home not in asked.org.boards:
        raise Refused(404, "Dashboard not found")
    asked.org.preferences = preferences
    return {"message": "Preferences updated"}


@routes("GET", "/api/playlists")
def list_playlists(_double: Any, asked: Asked) -> Any:
    return [
        {"id": one["id"], "uid": one["uid"], "name": one["name"], "interval": one["interval"]}
        for one in asked.org.playlists.values()
    ]


@routes("POST", "/api/playlists")
def create_playlist(double: Any, asked: Asked) -> Any:
    return _play(asked, asked.body.get("uid") or double.make_uid(), double.number("playlist"))


@routes("GET", "/api/playlists/<uid>")
def get_playlist(_double: Any, asked: Asked) -> Any:
    return _without_id(_playlist(asked))


@routes("PUT", "/api/playlists/<uid>")
def put_playlist(_double: Any, asked: Asked) -> Any:
    return _play(asked, asked.parts[0], _playlist(asked)["id"])


@routes("DELETE", "/api/playlists/<uid>")
def delete_playlist(_double: Any, asked: Asked) -> Any:
    del asked.org.playlists[_playlist(asked)["uid"]]


def _play(asked: Asked, uid: str, number: int) -> Object:
    if not asked.body.get("items"):
        raise Refused(500, {"message": "no element on slice when insert", "traceID": ""})
    items = [{"type": item["type"], "value": item["value"]} for item in asked.body["items"]]
    kept = {"id": number, "uid": uid, "name": asked.body["name"], "interval": asked.body["interval"], "items": items}
    asked.org.playlists[uid] = kept
    return _without_id(kept)


def _playlist(asked: Asked) -> Object:
    uid = asked.parts[0]
    if uid not in asked.org.playlists:
        raise Refused(404, {"message": f'playlists.playlist.grafana.app "{uid}" not found', "traceID": ""})
    return asked.org.playlists[uid]


def _without_id(playlist: Object) -> Object:
    return {name: value for name, value in playlist.items() if name != "id"}


def slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _sorted_as(title: str) -> str:
    return title.lower()
