"""Settings of the agent: `edge.toml`, then `BEFFROI_EDGE__…`."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from core.settings import BrokerSettings, ClockSettings, Positive, Section, ServiceSettings
from core.topics import SLUG

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
ApplicationId = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"), AfterValidator(str.lower)
]
LINGER_MS = {"default": 250, "sd": 30_000}


class SourceSettings(Section):
    """The network server's broker. `applications`: the site's own ChirpStack applications, no other site's.

    `window`: events that the broker lets be unacknowledged (Mosquitto: `max_inflight_messages`, 20 when not set);
    `edge check` measures it.
    """

    broker: BrokerSettings = BrokerSettings()
    applications: Annotated[tuple[ApplicationId, ...], Field(min_length=1)]
    window: Annotated[int, Field(ge=1, le=65_535)] = 20


class SpoolSettings(Section):
    """`linger_ms`: how long a row may wait for others to be committed with it; `preset = "sd"` makes it 30 s, to
    spare a memory card. `segment_mib`, `segment_s`: a segment is closed at this size or age. `quota_mib`: above it
    whole segments are evicted. `keep_settled`: settled segments are kept, for an oracle. `ballast_mib`: room kept
    for receipts on a full disk."""

    preset: Literal["default", "sd"] = "default"
    linger_ms: Annotated[int, Field(ge=0, le=300_000)] = LINGER_MS["default"]
    segment_mib: Annotated[int, Field(ge=1, le=1024)] = 16
    segment_s: Annotated[int, Field(ge=1)] = 3600
    quota_mib: Annotated[int, Field(ge=1)] = 1024
    keep_settled: bool = False
    ballast_mib: Annotated[int, Field(ge=0, le=64)] = 4

    @model_validator(mode="before")
    @classmethod
    def _linger_of_preset(cls, table: Any) -> Any:
        if isinstance(table, dict) and table.get("preset") in LINGER_MS:
            return {"linger_ms": LINGER_MS[table["preset"]], **table}
        return table

    @model_validator(mode="after")
    def _quota_holds_the_working_set(self) -> Self:
        """A smaller quota would evict what has just been accepted."""
        least = self.ballast_mib + 2 * self.segment_mib
        if self.quota_mib < least:
            raise ValueError(f"quota_mib must be at least ballast_mib + 2 x segment_mib = {least}")
        return self


class EdgeSettings(ServiceSettings):
    """`edge`: the id of the site's host; also the user and the session at the cloud's broker. `folder`: the agent's
    own (lock, control socket, spool). `source`: the network server's broker; `broker`: the cloud's. `codecs`:
    ChirpStack device-profile name → codec, for profiles without a `codec` tag. `clock_wait_s`: how long rows of an
    unset clock wait for it after the link is up. `machine`: what the spool is bound to; the hardware's own serial
    number when empty."""

    model_config = SettingsConfigDict(env_prefix="BEFFROI_EDGE__")

    edge: str
    folder: Path
    source: SourceSettings
    broker: BrokerSettings = BrokerSettings()
    spool: SpoolSettings = SpoolSettings()
    codecs: dict[str, str] = Field(default_factory=dict)
    clock: ClockSettings = ClockSettings()
    clock_wait_s: Annotated[int, Field(ge=0, le=86_400)] = 600
    health_s: Positive = 60.0
    machine: str = ""
    log_level: LogLevel = "INFO"

    @field_validator("edge")
    @classmethod
    def _slug(cls, edge: str) -> str:
        if not SLUG.fullmatch(edge):
            raise ValueError("an edge id is made of a-z, 0-9 and dashes, 63 at most")
        return edge
