"""Settings: one frozen class a process; TOML, then environment; unknown keys refused; each value knows its origin.

An environment variable names its key with `__` between the levels: `BEFFROI_EDGE__BROKER__HOST`.
"""

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from core.errors import ConfigError

Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[float, Field(gt=0)]


def is_loopback(host: str) -> bool:
    """True for an address that never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Section(BaseModel):
    """A table of a settings file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TlsSettings(Section):
    """The name of the broker is always checked. `ca`: PEM file, the system's authorities when absent."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class BrokerSettings(Section):
    """One MQTT broker. Off loopback, TLS and a user are required: nothing anonymous leaves the machine.

    `password_file` instead of `password`: its first line, read at every connection, as the TLS files are.
    """

    host: str = "127.0.0.1"
    port: Port = 1883
    username: str = ""
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    keepalive_s: Annotated[int, Field(ge=2, le=3600)] = 30
    tls: TlsSettings | None = None

    @model_validator(mode="after")
    def _protected_off_loopback(self) -> Self:
        if not is_loopback(self.host) and (self.tls is None or not self.username):
            raise ValueError(f"{self.host} is not this machine: [broker.tls] and a username are required")
        return self

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password_file is not None and self.password.get_secret_value():
            raise ValueError("give password or password_file, not both")
        return self


class ClockSettings(Section):
    """`file`: a scenario's time scale instead of the host's clock. `sync`: who says that the host's clock is set:
    the kernel (`ntp_adjtime`), or `assume` where it is set from outside (a virtual machine)."""

    file: Path | None = None
    sync: Literal["kernel", "assume"] = "kernel"


class ServiceSettings(BaseSettings):
    """Root of a process's settings. A subclass sets `env_prefix` in its `model_config`, e.g. `BEFFROI_EDGE__`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_nested_delimiter="__")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings  # the file's values come in as init: the environment wins


S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True)
class Shown:
    """One value as `check` prints it: secrets masked, with where it came from."""

    key: str
    value: str
    origin: str


def load(settings: type[S], path: Path | None) -> S:
    """The settings of a TOML file under the environment. Relative paths in the file are relative to it.

    Raises:
        ConfigError: `settings.missing`, `settings.syntax` or `settings.invalid`, all faults in one message.
    """
    file = _read(path)
    try:
        return settings(**file)
    except ValidationError as error:
        raise ConfigError(
            "settings.invalid",
            "; ".join(_fault(fault, path) for fault in error.errors(include_url=False)),
            hint=_hint(settings, error),
        ) from error


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return _anchored(tomllib.loads(path.read_text("utf-8")), path.resolve().parent)
    except OSError as error:
        raise ConfigError("settings.missing", f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("settings.syntax", f"{path}: {error}") from error


def _anchored(table: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The table with every `./…` text made absolute: a service may start in any folder."""
    return {
        key: _anchored(value, folder)
        if isinstance(value, dict)
        else str(folder / value)
        if isinstance(value, str) and value.startswith(("./", "../"))
        else value
        for key, value in table.items()
    }


def _fault(fault: Mapping[str, Any], path: Path | None) -> str:
    key = ".".join(str(part) for part in fault["loc"]) or "settings"
    said = {"extra_forbidden": "there is no such key", "missing": "this key is required"}.get(
        fault["type"], fault["msg"]
    )
    return f"{path or 'environment'}: {key}: {said}"


def _hint(settings: type[BaseSettings], error: ValidationError) -> str:
    """The key that was probably meant, when one is misspelt."""
    for fault in error.errors(include_url=False):
        if fault["type"] == "extra_forbidden":
            known = _keys(settings, fault["loc"][:-1])
            close = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
            return f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
    return ""


def _keys(settings: type[BaseModel], where: tuple[int | str, ...]) -> list[str]:
    model: Any = settings
    for part in where:
        annotation = model.model_fields[str(part)].annotation
        model = next((a for a in (annotation, *get_args(annotation)) if hasattr(a, "model_fields")), None)
        if model is None:
            return []
    return sorted(model.model_fields)


def describe(settings: ServiceSettings, path: Path | None) -> list[Shown]:
    """Every value with its origin: the environment variable, the file, or `default`."""
    file = _read(path)
    prefix = str(settings.model_config.get("env_prefix") or "")
    environment = {name.upper() for name in os.environ}

    def walk(model: BaseModel, where: tuple[str, ...], table: Any) -> Iterator[Shown]:
        for name in type(model).model_fields:
            value = getattr(model, name)
            below = table.get(name) if isinstance(table, dict) else None
            if isinstance(value, BaseModel):
                yield from walk(value, (*where, name), below)
                continue
            variable = (prefix + "__".join((*where, name))).upper()
            origin = variable if variable in environment else str(path) if below is not None else "default"
            yield Shown(".".join((*where, name)), str(value), origin)

    return list(walk(settings, (), file))
