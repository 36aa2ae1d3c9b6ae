"""InfluxDB 2.x: one organisation, two buckets a database, their InfluxQL names, one token a use. Pure.

A token cannot be read again (2.9 keeps its hash alone) and its rights cannot be changed. So its description carries
the start of its SHA-256, which says whether the secrets file has it; one that is not as it should be is issued anew
and the old one revoked.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.plan import Change
from core.secrets import Secrets
from provisioning.influxdb.actions import Action, Plan, describe, differences
from provisioning.influxdb.desired import Database, Policy, Use

Right = tuple[str, str]  # (`read` or `write`, id of the bucket); anything else a token may do makes it not ours to keep


@dataclass(frozen=True)
class LiveBucket:
    id: str
    keep_s: int
    shard_s: int


@dataclass(frozen=True)
class LiveMapping:
    """InfluxQL's database and policy → a bucket."""

    id: str
    bucket: str
    default: bool


@dataclass(frozen=True)
class LiveToken:
    id: str
    description: str
    rights: frozenset[Right]
    active: bool


@dataclass(frozen=True)
class Live:
    organisation: str | None = None  # its id
    buckets: Mapping[str, LiveBucket] = field(default_factory=dict)  # by name
    mappings: Mapping[tuple[str, str], LiveMapping] = field(default_factory=dict)  # by database, policy
    tokens: Sequence[LiveToken] = ()


@dataclass(frozen=True)
class CreateOrganisation:
    name: str


@dataclass(frozen=True)
class CreateBucket:
    name: str
    policy: Policy


@dataclass(frozen=True)
class UpdateBucket:
    id: str
    policy: Policy


@dataclass(frozen=True)
class CreateMapping:
    database: str
    policy: Policy


@dataclass(frozen=True)
class MakeDefault:
    mapping: str


@dataclass(frozen=True)
class DeleteMapping:
    mapping: str


@dataclass(frozen=True)
class IssueToken:
    database: str
    use: Use
    buckets: tuple[str, ...]  # names


@dataclass(frozen=True)
class RevokeToken:
    id: str


V2Step = (
    CreateOrganisation
    | CreateBucket
    | UpdateBucket
    | CreateMapping
    | MakeDefault
    | DeleteMapping
    | IssueToken
    | RevokeToken
)
V2Action = Action[V2Step]


def plan(organisation: str, desired: tuple[Database, ...], live: Live, secrets: Secrets) -> Plan[V2Step]:
    """The ordered steps: organisation, then tenant by tenant buckets, mappings, tokens."""
    actions: list[V2Action] = []
    if live.organisation is None:
        step = CreateOrganisation(organisation)
        actions.append(Action(Change.CREATE, "organisation", organisation, "", step))
    for database in desired:
        for policy in database.policies:
            actions += _bucket(database.name, policy, live)
        for policy in database.policies:
            actions += _mapping(database.name, policy, live)
        for use in Use:
            actions += _token(database, use, live, secrets)
    declared = {bucket_name(database.name, policy) for database in desired for policy in database.policies}
    others = sorted(name for name in live.buckets if name not in declared and not name.startswith("_"))
    return Plan(tuple(actions), tuple(f"bucket {name}: not declared, left alone" for name in others))


def bucket_name(database: str, policy: Policy) -> str:
    """`ccpvm/raw`: what `/api/v2/write` calls the policy on 1.8 too."""
    return f"{database}/{policy.name}"


def token_label(database: str, use: Use, token: str = "") -> str:
    """The description of our token; with the token itself, also which one it is."""
    label = f"beffroi {database} {use}"
    return f"{label} #{hashlib.sha256(token.encode()).hexdigest()[:16]}" if token else label


def actions_of(use: Use) -> tuple[str, ...]:
    """What the token may do with its two buckets; the worker reads and deletes too, when it moves uplinks."""
    return ("read", "write") if use is Use.WRITE else ("read",)


def _bucket(database: str, policy: Policy, live: Live) -> list[V2Action]:
    name = bucket_name(database, policy)
    found = live.buckets.get(name)
    if found is None:
        return [Action(Change.CREATE, "bucket", name, describe(policy), CreateBucket(name, policy))]
    detail = differences(policy, keep_s=found.keep_s, shard_s=found.shard_s, default=policy.default)
    return [Action(Change.UPDATE, "bucket", name, detail, UpdateBucket(found.id, policy))] if detail else []


def _mapping(database: str, policy: Policy, live: Live) -> list[V2Action]:
    name = bucket_name(database, policy)
    bucket, found = live.buckets.get(name), live.mappings.get((database, policy.name))
    actions: list[V2Action] = []
    if found is not None and (bucket is None or found.bucket != bucket.id):
        actions.append(Action(Change.DELETE, "mapping", name, "to another bucket", DeleteMapping(found.id)))
        found = None
    if found is None:
        detail = "the default of its database" if policy.default else ""
        actions.append(Action(Change.CREATE, "mapping", name, detail, CreateMapping(database, policy)))
    elif policy.default and not found.default:
        actions.append(Action(Change.UPDATE, "mapping", name, "becomes the default", MakeDefault(found.id)))
    return actions


def _token(database: Database, use: Use, live: Live, secrets: Secrets) -> list[V2Action]:
    label = token_label(database.name, use)
    names = tuple(bucket_name(database.name, policy) for policy in database.policies)
    ours = [token for token in live.tokens if token.description.split(" #")[0] == label]
    known = secrets.table(use.table).get(database.name, "")
    buckets = [live.buckets.get(name) for name in names]
    wanted = frozenset((action, bucket.id if bucket else "") for action in actions_of(use) for bucket in buckets)
    kept = next(
        (
            token.id
            for token in ours
            if known
            and token.active
            and token.rights == wanted
            and token.description == token_label(database.name, use, known)
        ),
        None,
    )
    shown = f"{database.name} {use}"
    actions: list[V2Action] = []
    if kept is None:
        detail = f"{' and '.join(actions_of(use))} of {' and '.join(names)} → the secrets file"
        step = IssueToken(database.name, use, names)
        actions.append(Action(Change.CREATE, "token", shown, detail, step))
    return actions + [
        Action(Change.DELETE, "token", shown, _why(token, known, database.name, use), RevokeToken(token.id))
        for token in ours
        if token.id != kept
    ]


def _why(token: LiveToken, known: str, database: str, use: Use) -> str:
    if not known or token.description != token_label(database, use, known):
        return "not the one of the secrets file"
    return "its rights are not as they should be" if token.active else "it was made inactive"
