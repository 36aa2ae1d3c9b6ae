"""Settings of the page: where the store and the territory are, and on which port it answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from cloud.settings import StoreSettings
from core import settings
from core.settings import ClockSettings, Port, ServiceSettings, is_loopback


class PageStoreSettings(StoreSettings):
    """The worker's store; the page opens it read-only and may be started before it exists. Of a secrets file it needs
    the table `[influxdb.read]` alone."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.kind == "sqlite" and self.folder is None:
            raise ValueError('folder is required (or kind = "influxdb", and its url)')
        return self


class PageSettings(ServiceSettings):
    """`public` lets the page answer beyond this machine: put a proxy with TLS and a password in front of it.

    `tenant`: show this one alone, from its own database. `operator`: show devices, radio and raw payloads too, and
    acknowledge alarms through the worker, whose folder is `cloud`.
    """

    model_config = SettingsConfigDict(env_prefix="BEFFROI_PAGE__")

    store: PageStoreSettings
    territory: Path
    host: str = "127.0.0.1"
    port: Port = 8090
    public: bool = False
    tenant: str | None = None
    operator: bool = False
    cloud: Path | None = None
    poll_ms: Annotated[int, Field(ge=100, le=60_000)] = 1000
    clock: ClockSettings = ClockSettings()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @model_validator(mode="after")
    def _private_unless_told(self) -> Self:
        if not self.public and not is_loopback(self.host):
            raise ValueError(f"{self.host} is not this machine: set public = true to show the page to others")
        return self


def read(path: Path | None, flags: Mapping[str, Any]) -> PageSettings:
    """The settings of a file under the environment under the flags of the command line.

    Raises:
        ConfigError: as `core.settings.load`.
    """

    class Flagged(PageSettings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return InitSettingsSource(settings_cls, dict(flags)), env_settings, init_settings

    return settings.load(Flagged, path)
