"""Headless Chromium over the DevTools protocol, without a driver: what a person sees, and what is asked for."""

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.conftest import require
from tests.support.waiting import wait_for

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
_KEYS = {"Enter": (13, "\r"), "Tab": (9, ""), "Escape": (27, "")}


def executable() -> str:
    """Where Chromium is; without it the test is skipped on a laptop and fails in CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    require(found, "no Chromium on the PATH; hint: apt-get install chromium")
    assert found is not None
    return found


@contextlib.contextmanager
def browser(profile: Path) -> Iterator["Tab"]:
    """A fresh browser with one tab; `profile` must be empty."""
    command = [executable(), *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        told = profile / "DevToolsActivePort"
        port, path = wait_for("Chromium is up", lambda: _lines(told), timeout_s=30)
        with connect(f"ws://127.0.0.1:{port}{path}", max_size=None) as link:
            yield Tab(link)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _lines(told: Path) -> list[str] | None:
    lines = told.read_text("utf-8").split() if told.exists() else []
    return lines if len(lines) == 2 else None


class Tab:
    """One tab. `requests`: every address asked for since it was opened; `frames`: what came over web sockets;
    `complaints`: errors of its console."""

    def __init__(self, link: ClientConnection) -> None:
        self._link = link
        self._numbers = itertools.count(1)
        self._session = ""
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.frames: list[str] = []
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._ask(f"{domain}.enable")

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._link.send(json.dumps(message))
        while True:
            answer = json.loads(self._link.recv(timeout=30))
            if answer.get("id") == number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(event["params"]["request"]["url"])
            case "Network.webSocketCreated":
                self.requests.append(event["params"]["url"])
            case "Network.webSocketFrameReceived":
                self.frames.append(event["params"]["response"]["payloadData"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(event["params"]["exceptionDetails"])[:500])
            case "Log.entryAdded" if event["params"]["entry"]["level"] == "error":
                self.complaints.append(event["params"]["entry"]["text"])

    def resize(self, width: int, height: int, *, touch: bool = False) -> None:
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=touch)
        self._ask("Emulation.setTouchEmulationEnabled", enabled=touch)

    def open(self, url: str) -> None:
        self._ask("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression; promises are awaited."""
        answer = self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {json.dumps(answer['exceptionDetails'])[:500]}")
        return answer["result"].get("value")

    def until(self, what: str, script: str, *, timeout_s: float = 60.0) -> Any:
        """The first truthy value of the expression."""
        return wait_for(what, lambda: self.run(script), timeout_s=timeout_s)

    def click(self, x: float, y: float) -> None:
        self._ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self._ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drag(self, x: float, y: float, path: Callable[[float], tuple[float, float]], *, seconds: float) -> None:
        """Hold the left button at x, y and move it along `path` (seconds since → how far), as fast as the page takes
        the moves."""
        self._ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self._ask("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", clickCount=1)
        started = time.monotonic()
        while (spent := time.monotonic() - started) < seconds:
            dx, dy = path(spent)
            at = {"x": x + dx, "y": y + dy}
            self._ask("Input.dispatchMouseEvent", type="mouseMoved", button="left", buttons=1, **at)
        self._ask("Input.dispatchMouseEvent", type="mouseReleased", button="left", clickCount=1, **at)

    def press(self, key: str) -> None:
        """A named key: Enter, Tab, Escape."""
        code, text = _KEYS[key]
        self._ask("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, text=text)
        self._ask("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        shot = self._ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(b64decode(shot["data"]))
