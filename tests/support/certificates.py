"""Certificates for tests, made by the `openssl` command: an authority, and what it signs."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

INSTALL_HINT = "openssl is not installed: apt-get install openssl"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def find() -> str | None:
    return shutil.which("openssl")


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, PEM."""

    certificate: Path
    key: Path


class Authority:
    """Signs for one test. `ca` is what clients are given to trust."""

    def __init__(self, folder: Path, name: str = "test authority", *, days: int = 30) -> None:
        self._folder = folder
        folder.mkdir(parents=True)
        self.ca, self._key = folder / "ca.pem", folder / "ca.key"
        request, extensions = folder / "ca.csr", folder / "ca.ext"
        extensions.write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")
        _openssl("req", *_KEY, "-keyout", self._key, "-out", request, "-subj", f"/CN={name}")
        own = ("-signkey", self._key, "-extfile", extensions, "-days", str(days))
        _openssl("x509", "-req", "-in", request, *own, "-out", self.ca)

    def sign(self, name: str, *, names: Sequence[str] = ("localhost",), days: int = 30) -> Pair:
        """A new certificate for the host `names`; valid from now on, or with `days` below 0 for no time at all."""
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        _openssl("req", *_KEY, "-keyout", pair.key, "-out", request, "-subj", f"/CN={name}")
        extensions.write_text("subjectAltName=" + ",".join(f"DNS:{one}" for one in names))
        authority = ("-CA", self.ca, "-CAkey", self._key, "-CAcreateserial", "-extfile", extensions)
        _openssl("x509", "-req", "-in", request, *authority, "-days", str(days), "-out", pair.certificate)
        return pair


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
