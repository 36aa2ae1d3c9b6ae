"""Writing the secrets file: mode 0600 from its first byte, whole or not at all, one writer at a time."""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import ConfigError, OperatorError, StorageError
from core.secrets import Secrets

_HEADER = """\
# Written by `beffroi territory apply`, which keeps every table but no comment.
# Mode 0600, and never in git: whoever reads it can read and write the stores.
"""
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def write_secrets(path: Path, secrets: Secrets) -> None:
    """Replace the file durably: after a power cut it is the old one or the new one. Its owner stays who it was.

    Raises:
        StorageError: `secrets.not_written`; the old file is as it was.
    """
    target = path.resolve()  # a link stays a link
    fresh = target.with_name(f".{target.name}.new")
    try:
        fresh.unlink(missing_ok=True)  # left by a killed run
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask was
            _keep_owner(target, file.fileno())
            file.write(render(secrets).encode())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise StorageError(
            "secrets.not_written",
            f"cannot write {path}: {error.strerror}",
            hint="its folder must exist and be writable",
        ) from error


@contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Hold the file's folder while passwords are set: two applies at once would each set their own.

    Raises:
        ConfigError: `secrets.missing_folder`.
        OperatorError: `secrets.busy`.
        StorageError: `secrets.not_written`.
    """
    folder = path.resolve().parent
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigError(
            "secrets.missing_folder", f"there is no folder {folder} to keep secrets in", hint=f"mkdir -p {folder}"
        ) from error
    except OSError as error:
        raise StorageError(
            "secrets.not_written", f"cannot write {path}: {error.strerror}", hint="apply as the folder's owner"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OperatorError(
                "secrets.busy", f"another apply is using {path}", hint="wait until it ends, then apply again"
            ) from error
        yield
    finally:
        os.close(descriptor)


def render(secrets: Secrets) -> str:
    """The file's text: tables and names in order, so that two files can be compared."""
    lines = [_HEADER.rstrip()]
    for table, values in sorted(secrets.tables.items()):
        lines += ["", f"[{'.'.join(_key(part) for part in table)}]"]
        lines += [f"{_key(name)} = {_text(value)}" for name, value in sorted(values.items())]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes, and the one character that JSON leaves bare and TOML does not."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _keep_owner(old: Path, descriptor: int) -> None:
    """A service's own file, written by root, stays the service's: else it could not be read any more."""
    try:
        before = old.stat()
    except FileNotFoundError:
        return
    if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
        os.fchown(descriptor, before.st_uid, before.st_gid)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
