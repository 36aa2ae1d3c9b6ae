"""Settings of the worker: `cloud.toml`, then `BEFFROI_CLOUD__…`."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from cloud.watch.alarms.settings import NotifySettings
from core.settings import BrokerSettings, ClockSettings, Positive, Section, ServiceSettings, is_loopback
from core.topics import SHARDS

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class StoreSettings(Section):
    """`kind = "sqlite"`: `folder` keeps one file a tenant; `store` in the worker's folder when absent.

    `kind = "influxdb"`: `url` of InfluxDB 1.8 or later, or 2.x; `secrets`: the file with what opens each database
    (absent: the server asks for nothing); `organisation`: of a 2.x server; `ca`: PEM file of who vouches for an `https`
    server, the system's authorities when absent; `timeout_s`: how long one answer may take.
    """

    kind: Literal["sqlite", "influxdb"] = "sqlite"
    folder: Path | None = None
    url: str = ""
    secrets: Path | None = None
    organisation: str = "-"
    ca: Path | None = None
    timeout_s: Positive = 10.0

    @field_validator("url")
    @classmethod
    def _is_of_a_server(cls, url: str) -> str:
        if not url:
            return url
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise ValueError("credentials belong in the secrets file, not in the URL")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("is no URL of a server, such as http://127.0.0.1:8086")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError(f"{parts.hostname} is not this machine: use https")
        return url

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if self.kind == "influxdb" and not self.url:
            raise ValueError('kind = "influxdb" needs its url')
        of_servers = ("url", "secrets", "organisation", "ca", "timeout_s")
        strange = [
            key for key in (of_servers if self.kind == "sqlite" else ("folder",)) if key in self.model_fields_set
        ]
        if strange:
            raise ValueError(f'kind = "{self.kind}" has no {" or ".join(strange)}')
        return self


class CloudSettings(ServiceSettings):
    """`folder`: the worker's own (lock, control socket, quarantine). `client_id` names its session at the broker:
    two workers never share one. `flush_ms`: how long rows may wait for others to be written with them;
    `batch_points`: how many points may. `watch`: turn readings into states, alarms and rollups, every `watch_s` (s); of
    several workers on one store one does."""

    model_config = SettingsConfigDict(env_prefix="BEFFROI_CLOUD__")

    folder: Path
    territory: Path
    broker: BrokerSettings = BrokerSettings()
    client_id: Annotated[str, Field(min_length=1, max_length=64)] = "beffroi-cloud"
    shards: Annotated[tuple[Annotated[int, Field(ge=0, lt=SHARDS)], ...], Field(min_length=1)] = tuple(range(SHARDS))
    store: StoreSettings = StoreSettings()
    quarantine_mib: Annotated[int, Field(ge=1)] = 256
    flush_ms: Annotated[int, Field(ge=1, le=10_000)] = 20
    batch_points: Annotated[int, Field(ge=1, le=100_000)] = 20_000
    notify: NotifySettings = NotifySettings()
    watch: bool = True
    watch_s: Positive = 30.0
    clock: ClockSettings = ClockSettings()
    log_level: LogLevel = "INFO"

    @field_validator("shards")
    @classmethod
    def _once_each(cls, shards: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(shards)) != len(shards):
            raise ValueError("a shard is named twice")
        return shards

    @property
    def store_folder(self) -> Path:
        """Of a SQLite store."""
        return self.store.folder or self.folder / "store"

    @property
    def store_at(self) -> StoreSettings:
        """The store's settings with its folder named."""
        return self.store if self.store.kind != "sqlite" else StoreSettings(folder=self.store_folder)
