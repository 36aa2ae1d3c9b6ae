"""Who is told of what, as tenants and the operator declare it."""

from datetime import time
from pathlib import Path

import pytest

from core.territory import Contact, Maintenance, Quiet, Severity, load
from tests.support.sound_territory import SOUND, write

DECLARED = """
[[tenants.contacts]]
name = "Mairie"
email = "mairie@esternay.example"

[[tenants.contacts]]
name = "Adjoint"
webhook = "https://hooks.esternay.example/beffroi"
severities = ["critical"]
quiet = "22:00-07:00"
escalate_after_min = 90

[[tenants.severities]]
kind = "bin.full"
severity = "notice"

[[tenants.severities]]
kind = "road.store.down"
severity = "critical"

[[tenants.maintenance]]
from = 2026-03-02T08:00:00+01:00
to = 2026-03-02T18:00:00+01:00
communes = ["51237"]
assets = ["bin-1"]
reason = "Travaux"
"""


def test_a_tenant_says_who_is_told_of_what_and_when(tmp_path: Path) -> None:
    """What is not said is as usual: warnings and what is critical, at once, at any hour."""
    tenant = load(write(tmp_path, territory_toml=SOUND["territory.toml"] + DECLARED)).tenants["esternay"]
    assert tenant.contacts == (
        Contact("Mairie", "mairie@esternay.example", "", frozenset({Severity.WARNING, Severity.CRITICAL})),
        Contact(
            "Adjoint",
            "",
            "https://hooks.esternay.example/beffroi",
            frozenset({Severity.CRITICAL}),
            Quiet(time(22), time(7)),
            90,
        ),
    )
    assert tenant.severities == {"bin.full": Severity.NOTICE, "road.store.down": Severity.CRITICAL}
    assert tenant.maintenance == (
        Maintenance(
            1_772_434_800_000,
            1_772_470_800_000,
            "Travaux",
            communes=frozenset({"51237"}),
            assets=frozenset({"bin-1"}),
        ),
    )


def test_the_operator_has_contacts_and_the_territorys_thresholds(tmp_path: Path) -> None:
    """What concerns no tenant follows the rules of the whole territory."""
    text = SOUND["territory.toml"].replace(
        'name = "Hyperviseur"\n',
        'name = "Hyperviseur"\ncontacts = [{name = "Astreinte", email = "a@o.example"}]\n'
        'maintenance = [{from = 2026-03-02T08:00:00Z, to = 2026-03-02T09:00:00Z, reason = "mise à jour"}]\n'
        "[thresholds]\nalarm_hold_min = 5\n",
    )
    operator = load(write(tmp_path, territory_toml=text)).operator
    assert [contact.email for contact in operator.contacts] == ["a@o.example"]
    assert operator.thresholds.alarm_hold_min == 5
    assert [one.reason for one in operator.maintenance] == ["mise à jour"]


@pytest.mark.parametrize(
    ("quiet", "hour", "holds"),
    [
        (Quiet(time(22), time(7)), time(21, 59), False),
        (Quiet(time(22), time(7)), time(22), True),
        (Quiet(time(22), time(7)), time(6, 59), True),
        (Quiet(time(22), time(7)), time(7), False),
        (Quiet(time(12), time(14)), time(13), True),
        (Quiet(time(12), time(14)), time(14), False),
    ],
)
def test_quiet_hours_may_pass_midnight(quiet: Quiet, hour: time, holds: bool) -> None:
    """From the first hour to just before the last."""
    assert quiet.holds(hour) is holds
