"""How long: `30s`, `5m`, `1h`, `2d`, or plain seconds."""

import re

_FORM = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(text: str) -> float:
    """The seconds of a duration, more than 0.

    Raises:
        ValueError: anything else, with what to write instead.
    """
    found = _FORM.fullmatch(text.strip())
    if not found or float(found[1]) <= 0:
        raise ValueError(f"{text!r} is not a duration; write 30s, 5m or 1h")
    return float(found[1]) * _SECONDS[found[2]]
