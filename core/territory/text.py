"""The files of a territory as text: UTF-8, with or without the mark that Windows writes before it.

Answers clearly what a spreadsheet may make of them (Latin-1, UTF-16), and refuses what looks like a key.
"""

import re
from pathlib import Path

from core.territory.faults import KEY, SECRETS_APART, Fault

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_HEX_AS_X = bytes(ord("x") if chr(byte) in "0123456789abcdefABCDEF" else 0 for byte in range(256))
_UTF8 = "save the file as UTF-8 (in a spreadsheet: CSV UTF-8, with commas)"


class FileText:
    """One file's text, its line ends as \\n, and the faults found in it so far.

    `lines` are without their ends; `raw` is what the digest is made of.
    """

    def __init__(self, name: str, raw: bytes, faults: list[Fault]) -> None:
        self.name = name
        self.raw = raw
        self._faults = faults
        self.readable = True
        self.text = self._decode(raw)
        self.lines = self.text.split("\n")
        if self._refuse(_CONTROL, "territory.control_character", "a control character, or CR alone as line end", _UTF8):
            self.readable = False
        if b"x" * 32 in raw.translate(_HEX_AS_X):  # 9 times faster than the search on a file of EUIs
            self._refuse(KEY, "territory.secret", "32 hexadecimal digits look like a key", SECRETS_APART)

    def fault(self, line: int, column: int, code: str, message: str, hint: str = "") -> None:
        """Report; what looks like a key is never repeated."""
        self._faults.append(Fault(self.name, line, column, code, KEY.sub("…", message), KEY.sub("…", hint)))

    def _decode(self, raw: bytes) -> str:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return self._unreadable(1, 1, "the file is UTF-16")
        raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            return raw.decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            before = raw[: error.start].decode("utf-8").replace("\r\n", "\n")
            line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
            byte = raw[error.start : error.start + 1]
            return self._unreadable(
                line, column, f"byte 0x{byte.hex()} is not UTF-8; in Latin-1 it would be {byte.decode('latin-1')!r}"
            )

    def _unreadable(self, line: int, column: int, message: str) -> str:
        self.fault(line, column, "territory.encoding", message, _UTF8)
        self.readable = False
        return ""

    def _refuse(self, pattern: re.Pattern[str], code: str, message: str, hint: str) -> bool:
        if not pattern.search(self.text):
            return False
        for number, line in enumerate(self.lines, 1):
            if found := pattern.search(line):
                self.fault(number, found.start() + 1, code, message, hint)
        return True


def read_file(folder: Path, name: str, faults: list[Fault]) -> FileText | None:
    """The text of a file of the territory; None when it is not there, which is a fault."""
    try:
        return FileText(name, (folder / name).read_bytes(), faults)
    except FileNotFoundError:
        same = [path.name for path in folder.iterdir() if path.name.lower() == name]
        hint = f"rename {same[0]}" if same else "a territory has eight files: see territories/README.md"
        faults.append(Fault(name, 1, 1, "territory.missing_file", f"{name} is not in the folder", hint))
    except OSError as error:
        faults.append(Fault(name, 1, 1, "territory.unreadable_file", f"{name} cannot be read: {error.strerror}"))
    return None
