"""`edge check`: can both brokers be reached, and does the network server's keep what the agent counts on."""

from dataclasses import dataclass, field

from core import topics
from core.errors import ExitCode, LinkError
from core.settings import BrokerSettings
from edge import probe
from edge.settings import EdgeSettings

PARKED_MOST = 10_000
EVENT_BYTES = 1_500  # an uplink event of ChirpStack with two receptions


@dataclass
class BrokerReport:
    """What was found at one broker. Absent is absent: not measured, because it was not reached.

    `window`: messages it lets be unacknowledged, `asked` at most; `kept` of `parked` messages waited for a client
    that was away.
    """

    name: str
    address: str
    reached_ms: float | None = None
    asked: int | None = None
    window: int | None = None
    parked: int | None = None
    kept: int | None = None
    faults: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    @property
    def reached(self) -> bool:
        return self.reached_ms is not None


@dataclass(frozen=True)
class CheckReport:
    source: BrokerReport
    cloud: BrokerReport

    @property
    def exit_code(self) -> ExitCode:
        if not (self.source.reached and self.cloud.reached):
            return ExitCode.UNREACHABLE
        return ExitCode.REFUSED if self.source.faults or self.cloud.faults else ExitCode.DONE


def check(settings: EdgeSettings, *, per_day: int) -> CheckReport:
    """Probe both brokers.

    Args:
        per_day: messages the site's devices send in a day; up to 10,000 of them are parked at the source's broker.
    """
    return CheckReport(_check_source(settings, per_day), _check_cloud(settings))


def _check_source(settings: EdgeSettings, per_day: int) -> BrokerReport:
    broker = settings.source.broker
    report = BrokerReport("source", _address(broker))
    client_id, topic = f"beffroi-check-{settings.edge}", topics.of_check(settings.edge)
    report.asked = min(PARKED_MOST, max(200, 2 * settings.source.window))
    report.parked = min(PARKED_MOST, per_day)
    try:
        report.reached_ms = probe.reach(broker, client_id)  # also ends a session that an interrupted check left
        report.window = probe.window(broker, client_id, topic, asked=report.asked, size=EVENT_BYTES)
        report.kept = probe.parked(broker, client_id, topic, count=report.parked, size=EVENT_BYTES)
    except LinkError as error:
        report.faults.append(error.message)
        report.hints.append(error.hint or "see the broker's log")
        return report
    if report.window == 0:
        report.faults.append("nothing comes back on the topic of the check")
        report.hints.append(f"let this user read and write {topic} at this broker")
    else:
        _judge(report, settings.source.window, per_day)
    return report


def _judge(report: BrokerReport, window: int, per_day: int) -> None:
    assert report.window is not None
    assert report.kept is not None
    assert report.parked is not None
    assert report.asked is not None
    if report.window < min(window, report.asked):
        report.faults.append(
            f"the broker sends {report.window} events without acknowledgement, source.window is {window}"
        )
        report.hints.append(f"Mosquitto: `max_inflight_messages {window}`; or here: source.window = {report.window}")
    if report.kept < report.parked:
        report.faults.append(f"of {report.parked} events for an agent that is away the broker keeps {report.kept}")
        report.hints.append(
            f"Mosquitto: `max_queued_messages {max(per_day, report.parked)}` (0: no limit but `max_queued_bytes`)"
        )


def _check_cloud(settings: EdgeSettings) -> BrokerReport:
    """Only whether it lets this edge in: a session of another name, so that a running agent is not disturbed."""
    report = BrokerReport("cloud", _address(settings.broker))
    try:
        report.reached_ms = probe.reach(settings.broker, f"beffroi-check-{settings.edge}-cloud")
    except LinkError as error:
        report.faults.append(error.message)
        report.hints.append(error.hint)
    return report


def _address(broker: BrokerSettings) -> str:
    return f"{broker.host}:{broker.port}"
