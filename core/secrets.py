"""The secrets file: what opens the stores. TOML, mode 0600, beside the territory and never in it or in git.

    [influxdb.write]
    ccpvm = "ccpvm-write:…"    # database = "user:password" (InfluxDB 1) or token (InfluxDB 2)
    [webhook.sign]
    ccpvm = "…"                # tenant (or operator) = what signs the messages to its webhooks

Nothing here prints a value: neither `repr`, nor an error, nor what an error was raised from.
"""

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.errors import ConfigError

TablePath = tuple[str, ...]

INFLUXDB_WRITE: TablePath = ("influxdb", "write")
INFLUXDB_READ: TablePath = ("influxdb", "read")
WEBHOOK_SIGN: TablePath = ("webhook", "sign")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Masked(Mapping[str, str]):
    """Name → secret. Its `repr` has the names alone."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name}: ***" for name in self._values) + "}"


class Secrets:
    """Every table of the file, also those this version does not know: who writes it back loses none."""

    def __init__(self, tables: Mapping[TablePath, Mapping[str, str]] | None = None) -> None:
        self.tables: Mapping[TablePath, Masked] = {path: Masked(table) for path, table in (tables or {}).items()}

    def table(self, path: TablePath) -> Masked:
        """One table; empty where there is none."""
        return self.tables.get(path, Masked())

    @property
    def influxdb_write(self) -> Mapping[str, str]:
        """Database → credentials that may write and read it."""
        return self.table(INFLUXDB_WRITE)

    @property
    def influxdb_read(self) -> Mapping[str, str]:
        """Database → credentials that may only read it."""
        return self.table(INFLUXDB_READ)

    def with_value(self, path: TablePath, name: str, value: str) -> "Secrets":
        """The same secrets, with this one set."""
        return Secrets({**self.tables, path: {**self.table(path), name: value}})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secrets) and self.tables == other.tables

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Secrets({', '.join('.'.join(path) + '=' + repr(table) for path, table in self.tables.items())})"


def load_secrets(path: Path) -> Secrets:
    """The secrets of a file that only its owner can read.

    Raises:
        ConfigError: `secrets.missing`, `secrets.mode`, `secrets.unreadable`.
    """
    text = read_private(path, missing="`beffroi territory apply --only influxdb` writes it")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line \d+, column \d+", str(error))  # the rest may quote a secret
        raise ConfigError(
            "secrets.unreadable",
            f"{path} is not TOML{f' ({place[0]})' if place else ''}",
            hint='one table a use, one line a database: [influxdb.write], then ccpvm = "user:password"',
        ) from None
    tables: dict[TablePath, dict[str, str]] = {}
    _collect(path, document, (), tables)
    return Secrets(tables)


def _collect(path: Path, table: Mapping[str, Any], where: TablePath, into: dict[TablePath, dict[str, str]]) -> None:
    for name, value in table.items():
        if isinstance(value, dict):
            _collect(path, value, (*where, name), into)
        elif isinstance(value, str) and where:
            into.setdefault(where, {})[name] = value
        else:
            raise ConfigError(
                "secrets.unreadable",
                f"{path}: {'.'.join((*where, name))} is not {'text' if where else 'in a table'}",
                hint='every secret is text in a table: [influxdb.read], then ccpvm = "user:password"',
            )


def read_private(path: Path, *, missing: str = "check the path") -> str:
    """The text of a file that nobody but its owner can touch. `missing`: the hint where there is none.

    Raises:
        ConfigError: `secrets.missing`, `secrets.mode`, `secrets.unreadable`.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)  # of what was opened: a path can change
            if os.name == "posix" and mode & _OTHERS and not _is_credential(path, mode):
                raise ConfigError(
                    "secrets.mode",
                    f"{path} has mode {mode:04o}: others than its owner can reach the secrets in it",
                    hint=f"chmod 600 {path}; if others did read it, have its passwords set anew",
                )
            return file.read().decode("utf-8")
    except FileNotFoundError:
        raise ConfigError(
            "secrets.missing",
            f"there is no file {path}",
            hint=missing,
        ) from None
    except OSError as error:
        raise ConfigError(
            "secrets.unreadable",
            f"cannot read {path}: {error.strerror}",
            hint="it is a file, mode 0600, owned by the account that the service runs as",
        ) from error
    except UnicodeDecodeError:
        raise ConfigError(
            "secrets.unreadable", f"{path} is not UTF-8 text", hint="restore it, or apply again"
        ) from None


def _is_credential(path: Path, mode: int) -> bool:
    """Whether systemd handed the file over (`LoadCredential`): in a folder that is this service's alone, and readable
    by an ACL, whose mask the mode shows as the group's bits. Source: systemd.exec(5), Credentials."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return folder is not None and folder != "" and path.parent == Path(folder) and not mode & stat.S_IRWXO
