"""What decides what to show stands apart from what shows it."""

import subprocess
import sys


def test_the_pure_modules_do_not_need_nicegui() -> None:
    """Only the elements of the browser import NiceGUI, and `beffroi page --help` does not."""
    modules = (
        "alarm_words, alarms, answers, balance, bin, cabinet, charts, cli, counter, desk, feed, ground, kinds, lamp"
    )
    modules += ", newest, pulse, reader, readings, seen, sentences, settings, state, story, symbols, tally, words"
    code = f"import sys; from cloud.page import {modules}; print('nicegui' in sys.modules)"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert asked.stdout.strip() == "False"
