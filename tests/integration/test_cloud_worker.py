"""`beffroi cloud run` as a process on a real Mosquitto: what an edge sends is visible to others, and answered."""

import json
import shutil
import signal
from pathlib import Path

import pytest

from cloud.schema import origin_of
from core import topics
from core.envelope import Header, checksum, pack
from core.model import Event, Reading, Reception, RowClass, Uplink, encode_row
from core.territory import load
from tests.servers.mosquitto import Mosquitto, free_port
from tests.support.cloud_worker import EXAMPLE, CloudProcess, FakeEdge
from tests.support.waiting import wait_for

SITE = "remiremont"
NOON_MS = 1_764_072_000_000
TERRITORY = load(EXAMPLE)
LAMPS = sorted(
    assignment.dev_eui
    for assignment in TERRITORY.assignments
    if assignment.end_ms is None
    and "-lamp-" in assignment.asset
    and TERRITORY.place(assignment.dev_eui, NOON_MS, site=SITE).database == "ccpvm"
)
STRANGERS = sorted(
    assignment.dev_eui
    for assignment in TERRITORY.assignments
    if "-lamp-" in assignment.asset and TERRITORY.place(assignment.dev_eui, NOON_MS, site=SITE).foreign
)
STOCK = sorted(
    device.dev_eui
    for device in TERRITORY.devices.values()
    if device.state == "stock" and device.profile == "nas-ul20xx"
)


def uplink(n: int, dev_eui: str = "") -> bytes:
    eui = dev_eui or LAMPS[n % len(LAMPS)]
    return encode_row(
        Uplink(
            key=f"up/{eui}/{n}",
            received_ms=NOON_MS + n * 1000,
            application="a",
            dev_eui=eui,
            f_port=25,
            f_cnt=n,
            payload=bytes(20),
            codec="nas_ul20xx@1",
            domain="light",
            readings=(Reading("power_w", float(n % 100)),),
            receptions=(Reception("7276ff002e0601ab", -90, 5.0),),
        )
    )


def message(rows: list[bytes], *, first: int = 1, spool_id: str = "spool", edge: str = SITE) -> bytes:
    header = Header(
        edge=edge,
        spool_id=spool_id,
        row_class=RowClass.MEASUREMENT,
        first=first,
        last=first + len(rows) - 1,
        boot="boot",
    )
    return pack(header, rows)


def test_rows_are_visible_to_another_process_and_answered_with_their_checksum(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    """Stored, a foreign device quarantined, an unassigned one with the operator; health becomes `site`."""
    rows = [uplink(1), uplink(2), uplink(3, STRANGERS[0]), uplink(4, STOCK[0])]
    rows.append(encode_row(Event(key="e", received_ms=NOON_MS, type="boot", detail={"spooled": 1.0})))
    with CloudProcess(tmp_path, port=mosquitto.port) as cloud, FakeEdge(SITE, mosquitto.port) as edge:
        edge.send(b'{"state": "online", "accepted": {"urgent": 1}}', leaf=topics.HEALTH, retain=True)
        edge.send(message(rows))
        (kept,) = edge.receipt().kept
        assert (kept.first, kept.last, kept.stored, kept.quarantined) == (1, 5, 4, 1)
        assert kept.crc32 == checksum(rows)
        assert [origin.seq for point in cloud.points("ccpvm", "uplink") if (origin := origin_of(point))] == [1, 2]
        assert [point.fields["power_w"] for point in cloud.points("ccpvm", "light")] == [1.0, 2.0]
        assert [point.tags.get("type") for point in cloud.points("ccpvm", "event")] == ["boot"]
        assert [point.tags["device"] for point in cloud.points("operator", "uplink")] == [STOCK[0]]
        wait_for("health", lambda: cloud.points("operator", "site"))
        code, out, _ = cloud.command("quarantine", "list", "--json")
        (entry,) = json.loads(out)["entries"]
        assert (code, entry["reason"], entry["seq"]) == (0, "identity.foreign_device", 3)
        code, out, _ = cloud.command("quarantine", "show", str(entry["id"]))
        assert code == 0
        assert STRANGERS[0] in out


def test_a_worker_killed_between_write_and_receipt_answers_after_its_restart(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    """The broker delivers again, writing again changes nothing, and only then the edge is told."""
    rows = [uplink(n) for n in range(50)]
    cloud = CloudProcess(tmp_path, port=mosquitto.port)
    with FakeEdge(SITE, mosquitto.port) as edge:
        cloud.start(module=["tests.fault.children.cloud_dies_before_receipt"])
        edge.send(message(rows))
        assert cloud.child.wait(20) == -signal.SIGKILL
        written = cloud.points("ccpvm", "uplink")
        assert len(written) == 50
        with cloud:
            (kept,) = edge.receipt().kept
            assert (kept.first, kept.last, kept.stored) == (1, 50, 50)
            assert cloud.points("ccpvm", "uplink") == written


def test_kill_9_at_any_time_loses_and_doubles_nothing(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """Killed three times in a stream of messages: every row is visible once, every row gets its receipt."""
    count, size = 60, 20
    cloud = CloudProcess(tmp_path, port=mosquitto.port)
    with FakeEdge(SITE, mosquitto.port) as edge:
        for number in range(count):
            if number % 20 == 0:
                if number:
                    cloud.child.kill()
                cloud.start()
            edge.send(message([uplink(number * size + n) for n in range(size)], first=number * size + 1))
        with cloud:
            edge.settled(count * size)
            seen = [origin.seq for point in cloud.points("ccpvm", "uplink") if (origin := origin_of(point))]
            assert sorted(seen) == list(range(1, count * size + 1))


def test_garbage_and_a_foreign_header_are_evidence_and_neighbours_are_stored(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    """A text of 1 MB, binary, a header of another edge: each a quarantine entry; the next message is stored."""
    with CloudProcess(tmp_path, port=mosquitto.port) as cloud, FakeEdge(SITE, mosquitto.port) as edge:
        edge.send(b"x" * 1_000_000)
        edge.send(b"\xff\x00")
        edge.send(message([uplink(9)], edge="esternay"))
        edge.send(message([uplink(1)]))
        assert edge.receipt().kept[0].stored == 1
        status = cloud.status()
        assert status is not None
        assert status["quarantine"]["reasons"] == {"envelope.garbage": 2, "envelope.foreign_edge": 1}
        assert status["quarantine"]["rows"] == 0
        assert cloud.points("esternay", "uplink") == []


def test_assign_moves_what_is_stored_and_a_bad_territory_changes_nothing(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """The running worker takes the new assignment over; a fault keeps the old territory and raises an alarm."""
    folder = tmp_path / "territory"
    shutil.copytree(EXAMPLE, folder)
    lines = (folder / "assignments.csv").read_text().splitlines()
    last = max(number for number, line in enumerate(lines) if line.endswith(",") and line.split(",")[0] in LAMPS)
    lines[last] += "2025-11-01T00:00:00Z"  # the lamp's sensor was taken away
    (folder / "assignments.csv").write_text("\n".join(lines) + "\n")
    asset = lines[last].split(",")[1]
    with CloudProcess(tmp_path, port=mosquitto.port, territory=folder) as cloud, FakeEdge(SITE, mosquitto.port) as edge:
        edge.send(message([uplink(1, STOCK[0])]))
        assert edge.receipt().kept[0].stored == 1
        assert [point.tags.get("asset") for point in cloud.points("operator", "uplink")] == [None]
        chosen = ["--device", STOCK[0], "--asset", asset, "--from", "2025-11-02T00:00:00Z"]
        code, out, err = cloud.command("cloud", "assign", *chosen, "--json")
        assert (code, json.loads(out)["applied"]) == (0, True), err
        wait_for("the move", lambda: cloud.points("ccpvm", "uplink") and not cloud.points("operator", "uplink"))
        assert [point.tags["asset"] for point in cloud.points("ccpvm", "uplink")] == [asset]
        code, _, err = cloud.command("cloud", "assign", *chosen)
        assert code == 78
        assert "territory.two_assets" in err
        before = cloud.status()
        with (folder / "sites.toml").open("a") as sites:
            sites.write("\nwings = 2\n")
        wait_for("the alarm", lambda: (status := cloud.status()) and status["alarms"])
        after = cloud.status()
        assert before is not None
        assert after is not None
        assert after["territory"] == before["territory"]
        assert "sites.toml:" in after["alarms"][0]["message"]
        edge.send(message([uplink(2, STOCK[0])], first=2))
        assert edge.receipt().kept[0].stored == 1


def test_a_broker_that_is_down_at_the_start_is_waited_for(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """`run` never exits for it; `check` exits 5; SIGTERM ends it within ten seconds, exit 0."""
    mosquitto.stop()
    cloud = CloudProcess(tmp_path, port=mosquitto.port)
    cloud.start(wait=False)
    status = wait_for("the worker answers", cloud.status)
    assert status["broker"]["connected"] is False
    code, out, _ = cloud.command("cloud", "check", "--json")
    findings = {finding["name"]: finding["ok"] for finding in json.loads(out)["findings"]}
    assert (code, findings["broker"], findings["territory"]) == (5, False, True)
    mosquitto.start()
    wait_for("the connection", lambda: (now := cloud.status()) and now["broker"]["connected"])
    assert cloud.child.stop(10) == 0
    code, out, _ = cloud.command("cloud", "status")
    assert code == 0
    assert "running" in out


def test_two_workers_never_share_a_folder(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """The second says so and exits; the first goes on."""
    with CloudProcess(tmp_path, port=mosquitto.port) as cloud:
        code, _, err = cloud.command("cloud", "run")
        assert code == 4
        assert "folder.in_use" in err
        assert cloud.status() is not None


@pytest.mark.parametrize("fault", ["misspelt key", "no territory"])
def test_bad_settings_stop_the_start_with_78(tmp_path: Path, fault: str) -> None:
    """One sentence and a hint on stderr, no traceback."""
    lines = ["flush_s = 1"] if fault == "misspelt key" else []
    territory = EXAMPLE if fault == "misspelt key" else tmp_path / "nowhere"
    cloud = CloudProcess(tmp_path, port=free_port(), territory=territory, lines=lines)
    code, _, err = cloud.command("cloud", "run")
    assert code == 78
    assert "Traceback" not in err
    assert ("flush_ms" if fault == "misspelt key" else "there is no such folder") in err


def test_replay_stores_what_was_quarantined_once_its_cause_is_mended(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """A device of another tenant, whose assignment was wrong: the row goes the normal road, out of the quarantine."""
    folder = tmp_path / "territory"
    shutil.copytree(EXAMPLE, folder)
    with CloudProcess(tmp_path, port=mosquitto.port, territory=folder) as cloud:
        with FakeEdge(SITE, mosquitto.port) as edge:
            edge.send(message([uplink(1, STRANGERS[0])]))
            assert edge.receipt().kept[0].quarantined == 1
        code, out, _ = cloud.command("quarantine", "replay", "--all", "--json")
        assert (code, json.loads(out)["refused"]) == (3, 1)
        text = (folder / "assignments.csv").read_text()
        (folder / "assignments.csv").write_text(
            "\n".join(line for line in text.splitlines() if not line.startswith(STRANGERS[0])) + "\n"
        )
        wait_for(
            "the new territory",
            lambda: (status := cloud.status()) and status["territory"]["digest"] != TERRITORY.digest,
        )
        code, out, _ = cloud.command("quarantine", "replay", "--reason", "identity.foreign_device", "--json")
        assert (code, json.loads(out)["replayed"]) == (0, 1)
        assert [point.tags["device"] for point in cloud.points("operator", "uplink")] == [STRANGERS[0]]
        status = cloud.status()
        assert status is not None
        assert (status["quarantine"]["rows"], status["quarantine"]["replayed"]) == (0, 1)


def test_the_same_questions_are_answered_from_the_files_while_no_worker_runs(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    """list, show, replay, status and assign; a replay writes to the store as the worker would."""
    folder = tmp_path / "territory"
    shutil.copytree(EXAMPLE, folder)
    with CloudProcess(tmp_path, port=mosquitto.port, territory=folder) as cloud, FakeEdge(SITE, mosquitto.port) as edge:
        edge.send(message([uplink(1, STRANGERS[0])]))
        assert edge.receipt().kept[0].quarantined == 1
    code, out, _ = cloud.command("quarantine", "list", "--json")
    (entry,) = json.loads(out)["entries"]
    assert (code, entry["reason"]) == (0, "identity.foreign_device")
    code, out, _ = cloud.command("quarantine", "show", str(entry["id"]), "--json")
    assert (code, json.loads(out)["body_text"]) == (0, uplink(1, STRANGERS[0]).decode())
    text = (folder / "assignments.csv").read_text()
    kept = [line for line in text.splitlines() if not line.startswith(STRANGERS[0])]
    (folder / "assignments.csv").write_text("\n".join(kept) + "\n")
    code, out, err = cloud.command("quarantine", "replay", str(entry["id"]), "--json")
    assert (code, json.loads(out)["replayed"]) == (0, 1), err
    assert [point.tags["device"] for point in cloud.points("operator", "uplink")] == [STRANGERS[0]]
    asset = next(line.split(",")[1] for line in text.splitlines() if line.startswith(STRANGERS[0]))
    since = ["--device", STRANGERS[0], "--asset", asset, "--from", "2026-01-01T00:00:00Z"]
    code, out, err = cloud.command("cloud", "assign", *since, "--json")
    assert (code, json.loads(out)["applied"]) == (0, False), out
    assert "when one starts" in err
    code, out, _ = cloud.command("cloud", "status", "--json")
    status = json.loads(out)
    assert (code, status["running"], status["quarantine"]["replayed"]) == (0, False, 1)
    assert status["databases"] == ["operator"]
