"""`survey` compares, `apply` writes: in sequence, in order, and so that it can be ended anywhere and started again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from core.errors import BeffroiError, OperatorError, RejectedError
from core.plan import Action, Change, InterruptedApplyError, Key, Plan, Resource, plan
from core.ports.clock import Clock
from grafana.api import Grafana
from grafana.client import NotReadyError
from grafana.ledger import Ledger
from grafana.live import Live, read
from grafana.resources import ALERTING, CONTACT_POINT, DATA_SOURCE, KINDS, LEDGER, ORGANISATION
from grafana.writers import source_body, write

ALERTMANAGER_WAIT_S = 60
_ASK_EVERY_S = 5.0
_FORBIDDEN = "grafana.forbidden"


@dataclass(frozen=True)
class Survey:
    """What is declared, what was found, and what there is to do."""

    desired: tuple[Resource, ...]
    live: Live
    plan: Plan


@dataclass(frozen=True)
class Failure:
    """What one organisation could not have; its later steps were not tried."""

    action: Action
    error: BeffroiError


@dataclass(frozen=True)
class Outcome:
    done: int
    of: int
    failures: tuple[Failure, ...] = ()


def survey(grafana: Grafana, desired: Sequence[Resource], *, prune: bool = False) -> Survey:
    """Read what is declared of the server, and plan. Changes nothing.

    Raises:
        ValueError: two organisations of one name, a resource of an organisation that is not declared, or an
            organisation without the data source that holds its ledger.
    """
    names = [one.body["name"] for one in desired if one.kind == ORGANISATION.name]
    scopes = {one.scope for one in desired if one.kind == ORGANISATION.name}
    if len(set(names)) != len(names):
        raise ValueError("two organisations have one name")
    if stray := sorted({one.scope for one in desired} - scopes):
        raise ValueError(f"no organisation is declared for {', '.join(stray)}")
    held = {one.scope for one in desired if one.kind == DATA_SOURCE.name and one.id == LEDGER}
    if bare := sorted(scopes - held):
        raise ValueError(f"no data source {LEDGER} is declared for {', '.join(bare)}")
    live = read(grafana, desired)
    recorded = {key: hashes for scope, ledger in live.ledgers.items() for key, hashes in ledger.recorded(scope).items()}
    made = plan(KINDS, desired, live.resources, ours=live.ours, recorded=recorded, prune=prune)
    return Survey(tuple(desired), live, Plan(made.actions, made.left, live.notes))


def apply(
    grafana: Grafana,
    seen: Survey,
    *,
    clock: Clock,
    pause: Callable[[float], None],
    done: Callable[[int, Action], None] = lambda _number, _action: None,
    note: Callable[[str], None] = lambda _text: None,
) -> Outcome:
    """Run the actions in their order.

    What Grafana refuses ends the steps of that organisation; the others go on.

    Args:
        done: told the number and the action after each step.
        note: told what is waited for.

    Raises:
        InterruptedApplyError: Grafana does not answer, or refuses the administrator.
    """
    return _Apply(grafana, seen, clock, pause, note).run(done)


@dataclass
class _Apply:
    grafana: Grafana
    seen: Survey
    clock: Clock
    pause: Callable[[float], None]
    note: Callable[[str], None]
    organisations: dict[str, int] = field(init=False)
    ledgers: dict[str, Ledger] = field(init=False)
    written: dict[str, Ledger] = field(init=False)
    ready: set[str] = field(init=False)
    begun: set[str] = field(default_factory=set)
    failed: dict[str, Failure] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.organisations = dict(self.seen.live.organisations)
        self.ledgers = dict(self.seen.live.ledgers)
        self.written = dict(self.ledgers)  # as they stand on the server
        self.ready = set(self.seen.live.ready)
        self.by_scope: dict[str, list[Action]] = {}
        for action in self.seen.plan.actions:
            self.by_scope.setdefault(action.key.scope, []).append(action)
        self.sources = {one.key: one for one in self.seen.desired if one.kind == DATA_SOURCE.name}
        self.there = {one.key: one for one in self.seen.live.resources}

    def run(self, done: Callable[[int, Action], None]) -> Outcome:
        actions = self.seen.plan.actions
        left = {scope: len(steps) for scope, steps in self.by_scope.items()}
        count = 0
        for action in actions:
            scope = action.key.scope
            if scope in self.failed:
                continue
            try:
                self._step(action)
                left[scope] -= 1
                if left[scope] == 0:
                    self._end(scope)
            except (RejectedError, NotReadyError) as error:
                self.failed[scope] = Failure(action, error)
                continue
            except OperatorError as error:
                if error.code != _FORBIDDEN:
                    raise InterruptedApplyError(error, count, len(actions)) from error
                self.failed[scope] = Failure(action, error)
                continue
            except BeffroiError as error:
                raise InterruptedApplyError(error, count, len(actions)) from error
            count += 1
            done(count, action)
        return Outcome(count, len(actions), tuple(self.failed.values()))

    def _step(self, action: Action) -> None:
        key = action.key
        if key.kind == ORGANISATION.name:
            self._organisation(action)
            return
        org = self.organisations[key.scope]
        ledger = self._begin(key, org)
        if key.kind in ALERTING:
            self._await_alertmanager(key.scope, org)
        write(self.grafana, org, action, ledger)
        if ledger is not None:
            self.ledgers[key.scope] = self.written[key.scope] = ledger
        elif key.kind in (DATA_SOURCE.name, CONTACT_POINT.name) and action.desired is not None:
            self.ledgers[key.scope] = self.ledgers.get(key.scope, Ledger()).sent(action.desired)

    def _organisation(self, action: Action) -> None:
        scope = action.key.scope
        if action.desired is None:
            self.grafana.delete_organisation(self.organisations[scope])
        elif action.change is Change.CREATE:
            self.organisations[scope] = self.grafana.create_organisation(action.desired.body["name"])
        else:
            self.grafana.rename_organisation(self.organisations[scope], action.desired.body["name"])

    def _begin(self, key: Key, org: int) -> Ledger | None:
        """Write down what is set out to be done, before it is done: with the data source's own change, else by itself.

        Returns:
            The ledger that this step shall carry along.
        """
        scope = key.scope
        holder = Key(DATA_SOURCE.name, scope, LEDGER)
        if holder not in self.sources:
            return None
        wanted = self.sources[holder]
        is_holder = key == holder
        if scope not in self.begun:
            begun = self.ledgers.get(scope, Ledger()).setting_out(scope, self.by_scope[scope])
            there = self.there.get(holder)
            if not is_holder and there is None:
                return None  # nowhere to write it yet
            self.begun.add(scope)
            self.ledgers[scope] = begun
            if not is_holder and there is not None:
                self.grafana.update_data_source(org, holder.id, source_body(there, None, begun, secrets=False))
                self.written[scope] = begun
        return self.ledgers[scope].sent(wanted) if is_holder else None

    def _end(self, scope: str) -> None:
        """Everything is as declared: written down, if it is not yet."""
        holder = Key(DATA_SOURCE.name, scope, LEDGER)
        if holder not in self.sources or (scope not in self.begun and holder not in self.there):
            return
        desired = [one for one in self.seen.desired if one.scope == scope]
        settled = self.ledgers.get(scope, Ledger()).settled(desired, self.by_scope[scope])
        settled = replace(settled, tenant=scope)
        if settled != self.written.get(scope):
            body = source_body(self.sources[holder], None, settled, secrets=False)
            self.grafana.update_data_source(self.organisations[scope], holder.id, body)

    def _await_alertmanager(self, scope: str, org: int) -> None:
        """
        Raises:
            NotReadyError: not within a minute.
        """
        if scope in self.ready:
            return
        began_ms = self.clock.mono_ms()
        while True:
            try:
                self.grafana.contact_points(org)
                self.ready.add(scope)
                return
            except NotReadyError:
                waited_s = (self.clock.mono_ms() - began_ms) / 1000
                if waited_s >= ALERTMANAGER_WAIT_S:
                    raise
                self.note(f"{scope}: waiting for its Alertmanager, {waited_s:.0f} s of {ALERTMANAGER_WAIT_S}")
                self.pause(min(_ASK_EVERY_S, ALERTMANAGER_WAIT_S - waited_s))
