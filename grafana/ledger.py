"""What we left behind in an organisation, written down in `jsonData.beffroi` of one of its data sources.

It tells a change by hand from a change of the code, and a rotated secret from the old one. It lives on the server, so
that whoever applies next, from whatever machine, knows it too. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.plan import GONE, Action, Change, Key, Recorded, Resource, intended, observed
from grafana import forms
from grafana.resources import KINDS

_BY_NAME = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True)
class Ledger:
    """Of one organisation.

    `states`: kind/id → the hashes under which it may rightly be found: one when an apply has ended; two while one is
    under way, the one before (empty: it was not there) and the one to come.
    `secrets`: kind/id → name → fingerprint of the secret that was sent.
    """

    tenant: str = ""
    states: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, written: Any) -> "Ledger":
        """What is not as we write it, whoever wrote it, is as if it were not there."""
        if not isinstance(written, dict):
            return cls()
        tenant = written.get("tenant")
        return cls(
            tenant if isinstance(tenant, str) else "",
            {
                name: tuple(str(known) for known in hashes)
                for name, hashes in _mapping(written.get("states")).items()
                if isinstance(hashes, list)
            },
            {
                name: {secret: str(known) for secret, known in _mapping(prints).items()}
                for name, prints in _mapping(written.get("secrets")).items()
            },
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "states": {name: list(hashes) for name, hashes in sorted(self.states.items())},
            "secrets": {name: dict(prints) for name, prints in sorted(self.secrets.items()) if prints},
        }

    def recorded(self, scope: str) -> Recorded:
        found: dict[Key, frozenset[str]] = {}
        for name, hashes in self.states.items():
            kind, _, identity = name.partition("/")
            found[Key(kind, scope, identity)] = frozenset(hashes)
        return found

    def knows(self, key: Key) -> bool:
        return entry(key) in self.states

    def setting_out(self, tenant: str, actions: Iterable[Action]) -> "Ledger":
        """Before the first step: whatever ends us from here on, both the old and the new are known as ours."""
        states = dict(self.states)
        for action in actions:
            kind = _BY_NAME[action.key.kind]
            known = states.get(entry(action.key), ())
            now = observed(kind, action.live)
            then = GONE if action.desired is None else intended(kind, action.desired)
            by_us = now in known or not known
            states[entry(action.key)] = tuple(dict.fromkeys([then, *([now] if by_us else known)]))
        return replace(self, tenant=tenant, states=states)

    def sent(self, resource: Resource) -> "Ledger":
        """Its secrets are on the server now."""
        return replace(self, secrets={**self.secrets, entry(resource.key): forms.fingerprints(resource)})

    def settled(self, desired: Iterable[Resource], actions: Iterable[Action]) -> "Ledger":
        """After the last step: everything declared is as it is declared, and what was deleted is forgotten."""
        states = dict(self.states)
        secrets = dict(self.secrets)
        for action in actions:
            if action.change is Change.DELETE:
                states.pop(entry(action.key), None)
                secrets.pop(entry(action.key), None)
        for resource in desired:
            states[entry(resource.key)] = (intended(_BY_NAME[resource.kind], resource),)
        return replace(self, states=states, secrets=secrets)


def entry(key: Key) -> str:
    """`dashboard/beffroi-carte`."""
    return f"{key.kind}/{key.id}"


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
