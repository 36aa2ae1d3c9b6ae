"""The worker's broker out of reach, as an alarm."""

import pytest

from cloud.alarms import Alarms
from cloud.link_watch import PATIENCE_MS, LinkWatch
from core.ports.link_events import LinkFault

GONE = LinkFault("link.unreachable", "no answer")
EXPIRED = LinkFault("tls.expired", "it expired", "renew it", lasting=True)


class HandClock:
    def __init__(self) -> None:
        self.ms = 1_000

    def now_ms(self) -> int:
        return self.ms

    def mono_ms(self) -> int:
        return self.ms

    def synced(self) -> bool:
        return True


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def alarms(clock: HandClock) -> Alarms:
    return Alarms(clock)


def codes(alarms: Alarms) -> list[str]:
    return [alarm.code for alarm in alarms.holding()]


def test_a_broker_that_restarts_is_no_alarm(alarms: Alarms, clock: HandClock) -> None:
    """What may pass by itself has half a minute; a blip begins the count anew."""
    watch = LinkWatch(alarms, clock)
    watch.see(GONE)
    clock.ms += PATIENCE_MS - 1
    watch.see(GONE)
    watch.see(None)
    watch.see(GONE)
    clock.ms += PATIENCE_MS - 1
    watch.see(GONE)
    assert codes(alarms) == []
    clock.ms += 1
    watch.see(GONE)
    assert codes(alarms) == ["link.unreachable"]
    watch.see(None)
    assert codes(alarms) == []


def test_a_certificate_is_an_alarm_at_once_and_one_at_a_time(alarms: Alarms, clock: HandClock) -> None:
    """Another cause takes the place of the one before."""
    watch = LinkWatch(alarms, clock)
    watch.see(EXPIRED)
    assert codes(alarms) == ["tls.expired"]
    assert alarms.holding()[0].hint == "renew it"
    clock.ms += PATIENCE_MS
    watch.see(GONE)
    assert codes(alarms) == ["link.unreachable"]
    watch.see(EXPIRED)
    assert codes(alarms) == ["tls.expired"]
    watch.see(None)
    assert codes(alarms) == []
