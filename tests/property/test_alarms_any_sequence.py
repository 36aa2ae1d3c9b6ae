"""Alarms under any order of findings, looks, deliveries, acknowledgements, mutes, failures and deaths."""

import tempfile
from datetime import datetime, time
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloud.stores.base import Point
from cloud.watch.alarms.alarm import AlarmState, ChannelName, Step
from cloud.watch.alarms.messages import Message
from cloud.watch.model import Finding, Severity
from core.errors import NotConnected, RejectedError
from core.territory import Contact, Quiet
from core.territory.calendars import PARIS
from tests.support.alarm_scene import DAY_MS, HOLD_MS, MINUTE_MS, NOON_MS, Alarms, finding, scene

NIGHT = Quiet(time(22), time(7))
CONTACTS = (
    Contact("Mairie", "mairie@ccpvm.example"),
    Contact("Agent", "agent@ccpvm.example", quiet=NIGHT),
    Contact("Maire", "maire@ccpvm.example", escalate_after_min=90),
)
FINDINGS = [
    finding("bin-1"),
    finding("bin-1", "bin.fire", Severity.CRITICAL),
    finding("lamp-1", "light.flicker"),
    finding("lamp-2", "light.lamp_failure", Severity.NOTICE),
]
STEPS_MS = (1, 1000, MINUTE_MS, 5 * MINUTE_MS, HOLD_MS - 1, HOLD_MS, 60 * MINUTE_MS, 5 * 60 * MINUTE_MS)


class Dead(BaseException):
    """The power went as a message was on its way."""


class _Mail:
    """Takes, refuses, fails or dies; keeps what it took, and when."""

    def __init__(self) -> None:
        self.mood = "takes"
        self.taken: list[tuple[int, Message]] = []

    def send(self, message: Message, now_ms: int) -> None:
        match self.mood:
            case "fails":
                raise NotConnected("smtp.unreachable", "no route")
            case "refuses":
                raise RejectedError("smtp.refused", "550")
            case "dies before":
                raise Dead
        self.taken.append((now_ms, message))
        if self.mood == "dies after":
            raise Dead


class AnySequence(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.alarms = Alarms(Path(self.folder.name), scene(*CONTACTS, lamps=4))
        self.mail = _Mail()
        self.stored: dict[tuple[str, int], tuple[str, Point]] = {}
        self.holding: dict[int, Finding] = {}
        self._mount()

    def _mount(self) -> None:
        self.alarms.desk._delivery._channels = {ChannelName.EMAIL: self.mail}
        self.alarms.desk._channels = {ChannelName.EMAIL: self.mail}

    def teardown(self) -> None:
        self.alarms.desk.close()
        self.folder.cleanup()

    @rule(which=st.sets(st.sampled_from(range(len(FINDINGS)))), step=st.sampled_from(STEPS_MS), writes=st.booleans())
    def look(self, which: set[int], step: int, writes: bool) -> None:
        """The store takes the points, or is down and gets them again."""
        given_points = self.alarms.look(*(FINDINGS[n] for n in sorted(which)), after_ms=step, writes=False)
        if writes:
            for database, point in given_points:
                self.stored[database + str(sorted(point.tags.items())), point.time_us] = (database, point)
            self.alarms.desk.written(given_points)

    @rule(step=st.sampled_from(STEPS_MS), mood=st.sampled_from(["takes"] * 4 + ["fails", "refuses"]))
    def deliver(self, step: int, mood: str) -> None:
        self.mail.mood = mood
        self.alarms.deliver(after_ms=step)

    @rule(step=st.sampled_from(STEPS_MS), mood=st.sampled_from(["dies before", "dies after"]))
    def die_while_delivering(self, step: int, mood: str) -> None:
        self.mail.mood = mood
        try:
            self.alarms.deliver(after_ms=step)
        except Dead:
            self.die()

    @rule()
    def die(self) -> None:
        self.alarms.reborn()
        self._mount()

    @precondition(lambda self: self.alarms.desk.holding())
    @rule(chance=st.randoms(use_true_random=False))
    def acknowledge(self, chance: object) -> None:
        self.alarms.ask("alarm.ack", ids=[chance.choice(self.alarms.desk.holding()).id], who="Ana")  # type: ignore[attr-defined]

    @precondition(lambda self: self.alarms.desk.holding())
    @rule(chance=st.randoms(use_true_random=False), minutes=st.sampled_from([0, 30, 600]))
    def mute(self, chance: object, minutes: int) -> None:
        number = chance.choice(self.alarms.desk.holding()).id  # type: ignore[attr-defined]
        self.alarms.ask("alarm.mute", ids=[number], who="Ana", minutes=minutes)

    @invariant()
    def no_key_has_two_alarms(self) -> None:
        """And no number is given twice."""
        held = self.alarms.desk.holding()
        assert len({alarm.key for alarm in held}) == len({alarm.id for alarm in held}) == len(held)

    @invariant()
    def every_alarm_is_raised_once_and_cleared_once(self) -> None:
        """What was raised and is not over holds; the history balances."""
        journal = self.alarms.desk.journal
        held = {alarm.id for alarm in self.alarms.desk.holding()}
        for number in range(1, journal.next_id()):
            steps = [entry.step for entry in journal.entries(number)]
            assert steps.count(Step.RAISED) == 1
            assert steps.count(Step.CLEARED) == (0 if number in held else 1)
            assert steps.count(Step.GONE) - steps.count(Step.RETURNED) in (0, 1)

    @invariant()
    def no_step_is_told_twice(self) -> None:
        """Each notice goes into one message; a message comes twice only with the same identity, and says so."""
        seen: dict[str, set[int]] = {}
        for _, message in self.mail.taken:
            attempts = seen.setdefault(message.identity, set())
            assert message.attempts not in attempts
            attempts.add(message.attempts)
        once = {message.identity: message for _, message in self.mail.taken}.values()
        said = [(message.lane.to, one["news"], one["id"]) for message in once for one in message.text.facts["alarms"]]
        for to, news, number in said:
            if news in ("raised", "escalated", "cleared"):
                assert said.count((to, news, number)) == 1

    @invariant()
    def the_night_is_quiet_but_for_what_is_critical(self) -> None:
        for at_ms, message in self.mail.taken:
            if message.lane.to.name == "Agent" and NIGHT.holds(datetime.fromtimestamp(at_ms / 1000, PARIS).time()):
                assert message.lane.urgent
                assert {one["severity"] for one in message.text.facts["alarms"]} == {"critical"}

    @invariant()
    def only_what_nobody_took_up_is_passed_on(self) -> None:
        for at_ms, message in self.mail.taken:
            if message.lane.to.name != "Maire":
                continue
            for one in message.text.facts["alarms"]:
                alarm = self.alarms.desk.journal.alarm(one["id"])
                assert alarm is not None
                assert at_ms - alarm.raised_ms >= 90 * MINUTE_MS

    def settle(self) -> None:
        """A day in which nothing holds, all works and somebody looks every quarter of an hour."""
        self.mail.mood = "takes"
        for _ in range(2 * 96):
            self.look(set(), HOLD_MS, True)
            self.alarms.deliver()

    @precondition(lambda self: self.alarms.now_ms < NOON_MS + 20 * DAY_MS)
    @rule()
    def rest(self) -> None:
        """In the end nothing holds, nothing waits, and the store's newest point of each series says so."""
        self.settle()
        assert self.alarms.desk.holding() == []
        post = self.alarms.desk.journal.post
        now_ms = self.alarms.now_ms
        assert post.waiting() == []
        assert self.alarms.desk.look({}, self.alarms.territory, now_ms) == []
        newest: dict[str, Point] = {}
        for (series, time_us), (_, point) in self.stored.items():
            if series not in newest or newest[series].time_us < time_us:
                newest[series] = point
        assert {point.fields["state"] for point in newest.values()} <= {str(AlarmState.CLEARED)}
        raised = self.alarms.desk.journal.next_id() - 1
        assert len({point.fields["id"] for _, point in self.stored.values()}) == raised


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
