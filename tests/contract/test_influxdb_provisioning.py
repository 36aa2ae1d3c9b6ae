"""One suite for InfluxDB 1.8 (real) and 2.x (a double; the real one where its URL is given): plan, apply, mend."""

import os
import secrets as randomness
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.errors import BeffroiError, ConfigError, NotConnected, OperatorError
from core.plan import Change
from core.secrets import Secrets, load_secrets
from core.territory import Operator, Tenant, Territory
from core.territory.model import Retention
from provisioning.influxdb.actions import Action, render
from provisioning.influxdb.link import Answer, Credentials, Link
from provisioning.influxdb.run import InterruptedApplyError, Survey, apply, connect, survey
from provisioning.secrets import write_secrets
from tests.conftest import require
from tests.servers import influxdb as influxdb_server
from tests.servers.influxdb import ADMIN, InfluxDb
from tests.support.influx2_double import OPERATOR_TOKEN, Influx2Double

Opens = Callable[[str, str], bool]  # (database, credentials): do they open it?


def territory(*tenants: str, raw_days: int | None = 400, long_days: int | None = None) -> Territory:
    return Territory(
        Operator("operator-of-tests", "Tests"),
        {ident: Tenant(ident, ident, (), Retention(raw_days, long_days)) for ident in tenants},
    )


def quiet(count: int, step: object) -> None:
    """Nobody watches."""


@dataclass
class Bench:
    """One kind of server: how to reach it, and how to see from outside whether credentials open a database."""

    url: str
    credentials: Credentials
    organisation: str
    file: Path
    opens: Opens
    prefix: str = ""

    def survey(self, declared: Territory) -> Survey:
        server = connect(self.url, self.credentials, organisation=self.organisation)
        return survey(server, declared, self.file)

    def apply(self, declared: Territory) -> int:
        return apply(self.survey(declared), self.file, done=quiet)

    def settled(self, declared: Territory) -> None:
        """Nothing is left to do, and every credential of the file opens its database."""
        assert self.survey(declared).plan.actions == ()
        kept = load_secrets(self.file)
        for database in (*declared.tenants, "operator"):
            assert self.opens(database, kept.influxdb_write[database])
            assert self.opens(database, kept.influxdb_read[database])


@pytest.fixture(scope="module")
def influxdb_with_accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDb]:
    require(influxdb_server.find(), influxdb_server.INSTALL_HINT)
    with InfluxDb.start(tmp_path_factory.mktemp("influxdb"), auth=True) as server:
        yield server


def _v1(request: pytest.FixtureRequest, file: Path) -> Iterator[Bench]:
    server: InfluxDb = request.getfixturevalue("influxdb_with_accounts")

    def opens(database: str, credentials: str) -> bool:
        try:
            server.query("SHOW MEASUREMENTS", database=database, user=credentials)
        except AssertionError:
            return False
        return True

    user, password = ADMIN.split(":")
    yield Bench(server.url, Credentials(user, password), "", file, opens)


def _v2_double(request: pytest.FixtureRequest, file: Path) -> Iterator[Bench]:
    with Influx2Double() as double:

        def opens(database: str, credentials: str) -> bool:
            return {("read", f"{database}/raw"), ("read", f"{database}/long")} <= double.rights(credentials)

        yield Bench(double.url, Credentials(token=OPERATOR_TOKEN), "beffroi", file, opens)


def _v2(request: pytest.FixtureRequest, file: Path) -> Iterator[Bench]:
    url, token = os.environ["BEFFROI_TEST_INFLUX2_URL"], os.environ["BEFFROI_TEST_INFLUX2_TOKEN"]
    link = Link(url)

    def opens(database: str, credentials: str) -> bool:
        path = f"/query?db={database}&q=SHOW%20MEASUREMENTS"
        answer = link.request("GET", path, headers={"Authorization": f"Token {credentials}"})
        return answer.status == 200 and b"error" not in answer.body

    yield Bench(url, Credentials(token=token), f"beffroi-test-{randomness.token_hex(4)}", file, opens)


SERVERS = {"1.8": _v1, "2.x double": _v2_double}
if os.environ.get("BEFFROI_TEST_INFLUX2_URL"):
    SERVERS["2.x"] = _v2


@pytest.fixture(params=SERVERS.values(), ids=SERVERS.keys())
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    yield from request.param(request, tmp_path / "secrets.toml")


@pytest.fixture
def tenant(request: pytest.FixtureRequest) -> str:
    """A tenant of this test alone: the real server is shared."""
    return f"t-{randomness.token_hex(4)}"


def test_a_second_apply_does_nothing(bench: Bench, tenant: str) -> None:
    """From nothing to all there must be; then no step, and the file is not written again."""
    declared = territory(tenant, f"{tenant}-b")
    assert bench.survey(declared).plan.actions
    assert bench.apply(declared) > 0
    bench.settled(declared)
    before = bench.file.stat()
    assert bench.apply(declared) == 0
    assert (bench.file.stat().st_ino, bench.file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert stat.S_IMODE(before.st_mode) == 0o600


def test_a_plan_changes_nothing(bench: Bench, tenant: str) -> None:
    """Neither the server nor the file."""
    declared = territory(tenant)
    planned = bench.survey(declared).plan
    assert bench.survey(declared).plan == planned
    assert not bench.file.exists()


def test_a_changed_retention_is_altered(bench: Bench, tenant: str) -> None:
    """Longer, for ever, shorter: one step a policy, and the plan says when data are lost."""
    bench.apply(territory(tenant, raw_days=400, long_days=3650))
    for raw_days, long_days in ((4000, 3650), (None, 3650), (30, 3650), (30, None), (1, 8)):
        declared = territory(tenant, raw_days=raw_days, long_days=long_days)
        seen = bench.survey(declared)
        steps = [action for action in seen.plan.actions if tenant in action.name]
        assert steps
        assert all(action.change is Change.UPDATE for action in steps)
        assert ("DELETED" in render(seen.plan)) == (raw_days in (30, 1) and (raw_days, long_days) != (30, None))
        apply(seen, bench.file, done=quiet)
        bench.settled(declared)


def test_another_tenant_changes_nothing_of_the_first(bench: Bench, tenant: str) -> None:
    """Its credentials stay; the plan has the new one's steps alone."""
    bench.apply(territory(tenant))
    first = load_secrets(bench.file)
    more = territory(tenant, f"{tenant}-more")
    assert all(f"{tenant}-more" in action.name for action in bench.survey(more).plan.actions)
    bench.apply(more)
    kept = load_secrets(bench.file)
    assert kept.influxdb_write[tenant] == first.influxdb_write[tenant]
    assert kept.influxdb_read[tenant] == first.influxdb_read[tenant]


def test_what_is_not_declared_is_left_alone(bench: Bench, tenant: str) -> None:
    """A tenant taken out of the territory keeps its database and credentials; the plan names the database."""
    bench.apply(territory(tenant, f"{tenant}-gone"))
    seen = bench.survey(territory(tenant))
    assert seen.plan.actions == ()
    assert any(f"{tenant}-gone" in note for note in seen.plan.notes)
    assert bench.opens(f"{tenant}-gone", load_secrets(bench.file).influxdb_write[f"{tenant}-gone"])


def test_a_lost_file_gets_new_credentials(bench: Bench, tenant: str) -> None:
    """The accounts are there, their secrets are not: new ones, and the old ones open nothing."""
    declared = territory(tenant)
    bench.apply(declared)
    lost = load_secrets(bench.file)
    bench.file.unlink()
    bench.apply(declared)
    bench.settled(declared)
    assert not bench.opens(tenant, lost.influxdb_write[tenant])
    assert not bench.opens(tenant, lost.influxdb_read[tenant])


def test_one_lost_line_gets_one_new_secret(bench: Bench, tenant: str) -> None:
    """Deleting its line is how a secret is changed; another service's table in the file stays."""
    declared = territory(tenant)
    bench.apply(declared)
    kept = load_secrets(bench.file)
    tables = {
        path: {n: v for n, v in table.items() if (path[1], n) != ("read", tenant)}
        for path, table in kept.tables.items()
    }
    bench.file.unlink()
    write_secrets(bench.file, Secrets({**tables, ("other", "service"): {"key": "value"}}))
    bench.apply(declared)
    bench.settled(declared)
    changed = load_secrets(bench.file)
    assert changed.influxdb_write == kept.influxdb_write
    assert changed.influxdb_read[tenant] != kept.influxdb_read[tenant]
    assert changed.table(("other", "service")) == {"key": "value"}


class PowerCutError(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


@pytest.mark.parametrize("after", [False, True], ids=["before the server hears", "before we hear the server"])
def test_cut_at_any_request_the_next_apply_mends_it(
    bench: Bench, tenant: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every request that changes something: ended there, applied again, all is right and nothing left over."""
    bench.apply(territory())  # the operator's own, once
    cut = 0
    while True:
        declared = territory(f"{tenant}-{cut}")
        seen = bench.survey(declared)
        with monkeypatch.context() as patched:
            patched.setattr(Link, "request", cutting(cut, after=after))
            try:
                apply(seen, bench.file, done=quiet)
            except PowerCutError:
                pass
            else:
                break
        bench.apply(declared)
        bench.settled(declared)
        cut += 1
    assert cut >= 6


def cutting(at: int, *, after: bool) -> Callable[..., Answer]:
    """A `Link.request` that works `at` times and then ends the run, once the server has heard it (`after`) or not."""
    whole, left = Link.request, iter(range(at))

    def request(link: Link, method: str, path: str, **more: Any) -> Answer:
        if next(left, None) is not None:
            return whole(link, method, path, **more)
        if after:
            whole(link, method, path, **more)
        raise PowerCutError

    return request


def test_a_server_that_goes_away_in_the_middle(bench: Bench, tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 5, how far it came, and the same command finishes it."""
    declared = territory(tenant)
    seen = bench.survey(declared)
    whole = Link.request

    def failing(link: Link, method: str, path: str, **more: Any) -> Answer:
        if b"read" in (more.get("body") or b""):
            raise NotConnected("influxdb.unreachable", "gone", hint="try again")
        return whole(link, method, path, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Link, "request", failing)
        with pytest.raises(InterruptedApplyError) as caught:
            apply(seen, bench.file, done=quiet)
    assert (caught.value.code, caught.value.exit_code) == ("influxdb.unreachable", 5)
    assert f" of {len(seen.plan.actions)} steps applied" in caught.value.message
    bench.apply(declared)
    bench.settled(declared)


def test_wrong_administrator(bench: Bench) -> None:
    """Refused (exit 4) with a hint; none at all is a setting that is missing (78)."""
    bench.credentials = Credentials("admin", "wrong", "wrong")
    with pytest.raises(OperatorError) as refused:
        bench.survey(territory())
    assert (refused.value.code, bool(refused.value.hint)) == ("influxdb.refused", True)
    bench.credentials = Credentials()
    with pytest.raises(ConfigError) as missing:
        bench.survey(territory())
    assert missing.value.code == "influxdb.no_credentials"


def test_no_secret_is_ever_shown(bench: Bench, tenant: str) -> None:
    """Not in a plan, a step, its JSON, a `repr`, or an error."""
    declared = territory(tenant)
    shown: list[str] = []

    def watch(count: int, step: Action[Any]) -> None:
        shown.append(f"{step} {step!r}")

    for _ in range(2):
        seen = bench.survey(declared)
        shown += [render(seen.plan), repr(seen), repr([action.as_json() for action in seen.plan.actions])]
        apply(seen, bench.file, done=watch)
        bench.file.unlink()
        bench.apply(declared)
    try:
        bench.credentials = Credentials("admin", "wrong-" + (bench.credentials.password or bench.credentials.token))
        bench.survey(declared)
    except BeffroiError as error:
        shown.append(repr(error) + str(error) + error.hint + repr(bench.credentials))
    kept = load_secrets(bench.file)
    for secret in (*kept.influxdb_read.values(), *kept.influxdb_write.values()):
        assert secret.rpartition(":")[2] not in "".join(shown)
    assert OPERATOR_TOKEN not in "".join(shown)
