"""Settings of the worker: `cloud.toml`, then `BEFFROI_CLOUD__…`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from core.settings import BrokerSettings, ClockSettings, Section, ServiceSettings
from core.topics import SHARDS

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class StoreSettings(Section):
    """`folder`: where the SQLite store keeps one file a tenant; `store` in the worker's folder when absent."""

    kind: Literal["sqlite"] = "sqlite"
    folder: Path | None = None


class CloudSettings(ServiceSettings):
    """`folder`: the worker's own (lock, control socket, quarantine). `client_id` names its session at the broker:
    two workers never share one. `flush_ms`: how long rows may wait for others to be written with them."""

    model_config = SettingsConfigDict(env_prefix="BEFFROI_CLOUD__")

    folder: Path
    territory: Path
    broker: BrokerSettings = BrokerSettings()
    client_id: Annotated[str, Field(min_length=1, max_length=64)] = "beffroi-cloud"
    shards: Annotated[tuple[Annotated[int, Field(ge=0, lt=SHARDS)], ...], Field(min_length=1)] = tuple(range(SHARDS))
    store: StoreSettings = StoreSettings()
    quarantine_mib: Annotated[int, Field(ge=1)] = 256
    flush_ms: Annotated[int, Field(ge=1, le=10_000)] = 20
    batch_points: Annotated[int, Field(ge=1, le=100_000)] = 5000
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
        return self.store.folder or self.folder / "store"
