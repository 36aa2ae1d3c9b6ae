"""Of the Grafana double: organisations, users, members."""

from typing import Any

from tests.servers.grafana_state import Asked, Object, Organisation, Refused, Routes, User

routes = Routes()


def _described(org: Organisation) -> Object:
    empty = dict.fromkeys(("address1", "address2", "city", "zipCode", "state", "country"), "")
    return {"id": org.id, "name": org.name, "address": empty}


def _numbered(double: Any, asked: Asked) -> Organisation:
    org = double.organisations.get(int(asked.parts[0]))
    if org is None:
        raise Refused(404, "Organization not found")
    return org


@routes("GET", "/api/health")
def health(_double: Any, _asked: Asked) -> Any:
    return {"database": "ok", "version": "12.2.0", "commit": "double"}


@routes("GET", "/api/org")
def current_organisation(_double: Any, asked: Asked) -> Any:
    return _described(asked.org)


@routes("POST", "/api/user/using/<org>")
def use_organisation(_double: Any, asked: Asked) -> Any:
    asked.user.current = int(asked.parts[0])
    return {"message": "Active organization changed"}


@routes("GET", "/api/orgs")
def list_organisations(double: Any, asked: Asked) -> Any:
    found = sorted(double.organisations.values(), key=lambda one: one.name)
    if asked.query.get("name"):
        found = [one for one in found if one.name == asked.one("name")]
    size, page = int(asked.one("perpage", "1000")), int(asked.one("page", "0"))
    return [{"id": one.id, "name": one.name} for one in found[page * size : (page + 1) * size]]


@routes("POST", "/api/orgs")
def create_organisation(double: Any, asked: Asked) -> Any:
    name = asked.body["name"]
    if not name:
        raise Refused(400, "bad request data")
    if any(one.name == name for one in double.organisations.values()):
        raise Refused(409, "Organization name taken")
    made = double.make_organisation(name, asked.user)
    return {"message": "Organization created", "orgId": made.id}


@routes("GET", "/api/orgs/name/<name>")
def organisation_by_name(double: Any, asked: Asked) -> Any:
    found = next((one for one in double.organisations.values() if one.name == asked.parts[0]), None)
    if found is None:
        raise Refused(404, "Organization not found")
    return _described(found)


@routes("GET", "/api/orgs/<org>")
def organisation_by_number(double: Any, asked: Asked) -> Any:
    return _described(_numbered(double, asked))


@routes("PUT", "/api/orgs/<org>")
def rename_organisation(double: Any, asked: Asked) -> Any:
    org = _numbered(double, asked)
    if any(one.name == asked.body["name"] and one is not org for one in double.organisations.values()):
        raise Refused(400, "Organization name taken")
    org.name = asked.body["name"]
    return {"message": "Organization updated"}


@routes("DELETE", "/api/orgs/<org>")
def delete_organisation(double: Any, asked: Asked) -> Any:
    if int(asked.parts[0]) not in double.organisations:
        raise Refused(404, "Failed to delete organization. ID not found")
    del double.organisations[int(asked.parts[0])]
    return {"message": "Organization deleted"}


@routes("GET", "/api/orgs/<org>/users")
def list_members(double: Any, asked: Asked) -> Any:
    org = _numbered(double, asked)
    members = [(double.users[user], role) for user, role in sorted(org.members.items())]
    return [
        {
            "orgId": org.id,
            "userId": user.id,
            "uid": f"user{user.id}",
            "email": user.email,
            "name": user.name,
            "avatarUrl": "/public/img/user_profile.png",
            "login": user.login,
            "role": role,
            "lastSeenAt": double.now(),
            "lastSeenAtAge": "< 1 minute",
            "isDisabled": user.disabled,
            "authLabels": None,
            "isExternallySynced": False,
            "isProvisioned": False,
        }
        for user, role in members
    ]


@routes("POST", "/api/orgs/<org>/users")
def add_member(double: Any, asked: Asked) -> Any:
    user = _by_name(double, asked.body["loginOrEmail"])
    if asked.body["role"] not in ("Viewer", "Editor", "Admin", "None"):
        raise Refused(400, "bad request data")
    if user is None:
        raise Refused(404, "User not found")
    org = double.organisations.get(int(asked.parts[0]))
    if org is None:
        raise Refused(500, "Could not add user to organization")
    if user.id in org.members:
        raise Refused(409, {"message": "User is already member of this organization", "userId": user.id})
    org.members[user.id] = asked.body["role"]
    return {"message": "User added to organization", "userId": user.id}


@routes("PATCH", "/api/orgs/<org>/users/<user>")
def change_member(double: Any, asked: Asked) -> Any:
    org, user = _numbered(double, asked), int(asked.parts[1])
    if user not in org.members:
        raise Refused(500, "Failed update org user")
    org.members[user] = asked.body["role"]
    return {"message": "Organization user updated"}


@routes("DELETE", "/api/orgs/<org>/users/<user>")
def remove_member(double: Any, asked: Asked) -> Any:
    org, user = _numbered(double, asked), int(asked.parts[1])
    if org.members.get(user) == "Admin" and list(org.members.values()).count("Admin") == 1:
        raise Refused(400, "Cannot remove last organization admin")
    org.members.pop(user, None)
    return {"message": "User removed from organization"}


@routes("POST", "/api/admin/users")
def create_user(double: Any, asked: Asked) -> Any:
    body = asked.body
    login, email, password = body.get("login", ""), body.get("email", ""), body.get("password", "")
    if not password:
        raise Refused(400, "bad request data")
    if len(password) < 4:
        said = {"messageId": "password.password-policy-too-short", "message": "New password is too short"}
        raise Refused(400, {"statusCode": 400, **said})
    if _by_name(double, login) or (email and _by_name(double, email)):
        raise Refused(412, f"User with email '{email}' or username '{login}' already exists")
    org = body.get("OrgId", 1)
    user = User(double.number("user"), login.lower(), email, body.get("name", ""), password, current=org)
    double.users[user.id] = user
    double.organisations[org].members[user.id] = "Viewer"
    return {"id": user.id, "uid": double.make_uid(), "message": "User created"}


@routes("GET", "/api/users/<user>/orgs")
def organisations_of_user(double: Any, asked: Asked) -> Any:
    user = int(asked.parts[0])
    return [
        {"orgId": org.id, "name": org.name, "role": org.members[user]}
        for org in double.organisations.values()
        if user in org.members
    ]


@routes("PUT", "/api/users/<user>")
def update_user(double: Any, asked: Asked) -> Any:
    user = double.users[int(asked.parts[0])]
    user.name, user.email = asked.body["name"], asked.body["email"]
    return {"message": "User updated"}


@routes("PUT", "/api/admin/users/<user>/permissions")
def change_permissions(double: Any, asked: Asked) -> Any:
    double.users[int(asked.parts[0])].server_admin = asked.body["isGrafanaAdmin"]
    return {"message": "User permissions updated"}


@routes("PUT", "/api/admin/users/<user>/password")
def change_password(double: Any, asked: Asked) -> Any:
    double.users[int(asked.parts[0])].password = asked.body["password"]
    return {"message": "User password updated"}


@routes("POST", "/api/admin/users/<user>/disable")
def disable_user(double: Any, asked: Asked) -> Any:
    double.users[int(asked.parts[0])].disabled = True
    return {"message": "User disabled"}


@routes("DELETE", "/api/admin/users/<user>")
def delete_user(double: Any, asked: Asked) -> Any:
    user = int(asked.parts[0])
    if double.users.pop(user, None) is None:
        raise Refused(404, "user not found")
    for org in double.organisations.values():
        org.members.pop(user, None)
    return {"message": "User deleted"}


def _by_name(double: Any, name: str) -> User | None:
    return next((user for user in double.users.values() if name.lower() in (user.login, user.email.lower())), None)
