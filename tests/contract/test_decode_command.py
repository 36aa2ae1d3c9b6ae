"""`beffroi decode` as a process: fast, and without what it does not need."""

import resource
import subprocess
import sys
from pathlib import Path

LIMIT_S = 0.6
PAYLOAD = ("nas_ul20xx", "61", "83020202")


def _processor_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def test_decode_answers_in_time() -> None:
    """Under 0.6 s: processor time, since a machine that does other things meanwhile is slower by the clock."""
    took = []
    for _ in range(5):
        start = _processor_s()
        answer = subprocess.run(
            [sys.executable, "-m", "beffroi", "decode", *PAYLOAD], capture_output=True, text=True, check=True
        )
        took.append(_processor_s() - start)
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
