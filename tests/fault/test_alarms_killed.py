"""kill -9 of the process that tells people, at any time: nobody misses an alarm, and nobody hears of it twice."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from random import Random

import pytest

from tests.servers.hooks import HookServer
from tests.support.alarm_child import TURN_MS, flickering, open_desk, territory
from tests.support.alarm_scene import DAY_MS, NOON_MS
from tests.support.waiting import wait_for

pytestmark = pytest.mark.fault
KILLS = 8


def test_alarms_survive_a_kill_at_any_instant(tmp_path: Path) -> None:
    """Eight seeded kills of a process that raises and sends as fast as it can, over real HTTP: every alarm is raised
    once, told once; a message that comes twice has the same identity both times, and another attempt."""
    chance, pause = Random(505), threading.Event()
    with HookServer() as hooks:
        start_ms = NOON_MS
        for _ in range(KILLS):
            had = len(hooks.posts)
            child = subprocess.Popen(
                [sys.executable, "-m", "tests.support.alarm_child", str(tmp_path), hooks.url, str(start_ms)],
                cwd=Path(__file__).parents[2],
            )
            try:
                wait_for("messages", lambda had=had: len(hooks.posts) >= had + 2, every_s=0.005)
                pause.wait(chance.uniform(0.0, 0.1))
                assert child.poll() is None
            finally:
                child.send_signal(signal.SIGKILL)
                child.wait(10)
            start_ms = _last_ms(tmp_path) + TURN_MS
        desk = open_desk(tmp_path)
        try:
            here, now_ms = territory(hooks.url), start_ms
            for _ in range(30):
                now_ms += TURN_MS
                desk.look(flickering(start_ms), here, now_ms)
                desk.deliver(now_ms)
            raised = {alarm.id: alarm.finding.subject for alarm in desk.holding()}
            assert desk.journal.post.waiting() == []
        finally:
            desk.close()
    assert sorted(raised.values()) == sorted(key.subject for key in flickering(start_ms)), "each is raised once"
    posts = [json.loads(post.body) for post in hooks.posts]
    attempts = [(post["id"], post["attempt"]) for post in posts]
    assert len(set(attempts)) == len(attempts), "what comes again says that it is another attempt"
    once = {post["id"]: post for post in posts}.values()
    assert all(len(post["alarms"]) == post["count"] for post in once), "the lists are whole"
    told = [one["id"] for post in once for one in post["alarms"] if one["news"] == "raised"]
    assert sorted(told) == sorted(raised), "each is told in one message"
    assert start_ms < NOON_MS + 29 * DAY_MS, "or messages would have expired"


def _last_ms(folder: Path) -> int:
    """When the process that was killed looked last."""
    desk = open_desk(folder)
    try:
        return max(alarm.raised_ms for alarm in desk.holding())
    finally:
        desk.close()
