"""`beffroi decode` as a process: fast, and without what it does not need."""

import subprocess
import sys
import time
from pathlib import Path

LIMIT_S = 0.6
PAYLOAD = ("nas_ul20xx", "61", "83020202")


def test_decode_answers_in_time() -> None:
    """Under 0.6 s from the shell, the best of five on a shared machine."""
    took = []
    for _ in range(5):
        start = time.perf_counter()
        answer = subprocess.run(
            [sys.executable, "-m", "beffroi", "decode", *PAYLOAD], capture_output=True, text=True, check=True
        )
        took.append(time.perf_counter() - start)
        assert "lamp_failure" in answer.stdout
    assert min(took) < LIMIT_S


def test_decode_imports_no_settings_and_no_socket_library() -> None:
    """pydantic alone would cost more than the whole answer."""
    script = (
        "import sys, decoders.cli\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'pydantic', 'paho', 'structlog', 'edge', 'cloud'}))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_an_error_is_two_lines_on_stderr_and_exit_code_4() -> None:
    """What was seen, and what to do next; stdout stays empty for the script behind it."""
    answer = subprocess.run(
        [sys.executable, "-m", "beffroi", "decode", "nas_ul20xx", "61", "8302020"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    assert (answer.returncode, answer.stdout) == (4, "")
    assert answer.stderr.splitlines() == [
        "error: the payload has 7 digits [decode.hex]",
        "hint: two digits make a byte: one is missing",
    ]
