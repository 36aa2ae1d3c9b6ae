"""Where a demo keeps what: folders, and the settings file of each process."""

import json
from dataclasses import dataclass
from pathlib import Path

from cloud.settings import StoreSettings
from core.territory import Territory


@dataclass(frozen=True)
class Layout:
    """The files of one demo under `folder`."""

    folder: Path
    territory: Path
    broker_port: int
    page_port: int
    source_port: int = 0  # of the network servers' broker; 0: one broker plays both parts
    influxdb: tuple[str, Path] | None = None  # URL and secrets file; None: SQLite in the worker's folder

    @property
    def clock(self) -> Path:
        return self.folder / "clock.json"

    @property
    def truth(self) -> Path:
        return self.folder / "truth.jsonl"

    @property
    def cloud(self) -> Path:
        return self.folder / "cloud"

    @property
    def store(self) -> Path:
        return self.cloud / "store"

    def edge(self, site: str) -> Path:
        return self.folder / "edges" / site

    def spool(self, site: str) -> Path:
        return self.edge(site) / "spool"

    def settings(self, process: str) -> Path:
        return self.folder / "settings" / f"{process}.toml"

    def log(self, process: str) -> Path:
        return self.folder / "log" / f"{process}.log"

    @property
    def oracle_arguments(self) -> list[str]:
        """What `python -m beffroi.oracle` is told beside the spools."""
        store = ["--store", str(self.store)]
        if self.influxdb is not None:
            url, secrets = self.influxdb
            store = ["--influxdb", url, "--secrets", str(secrets)]
        return [*store, "--cloud", str(self.cloud), "--territory", str(self.territory)]

    def write(self, declared: Territory) -> None:
        """Write every settings file."""
        for path in (self.settings("x").parent, self.log("x").parent):
            path.mkdir(parents=True, exist_ok=True)
        for site in declared.sites.values():
            self.settings(f"edge-{site.id}").write_text(self._edge(site.id, site.applications), "utf-8")
        self.settings("cloud").write_text(
            _toml(
                {"folder": self.cloud, "territory": self.territory},
                broker={"port": self.broker_port},
                store=self._store(),
                clock={"file": self.clock},
            ),
            "utf-8",
        )
        self.settings("page").write_text(
            _toml(
                {"territory": self.territory, "port": self.page_port, "cloud": self.cloud},
                store=self._store(),
                clock={"file": self.clock},
            ),
            "utf-8",
        )

    @property
    def store_settings(self) -> StoreSettings:
        """To open the store of this layout."""
        return StoreSettings.model_validate(self._store())

    def _store(self) -> dict[str, object]:
        if self.influxdb is None:
            return {"folder": self.store}
        url, secrets = self.influxdb
        return {"kind": "influxdb", "url": url, "secrets": secrets}

    def _edge(self, site: str, applications: tuple[str, ...]) -> str:
        return _toml(
            {"edge": site, "folder": self.edge(site), "health_s": 1},
            # the embedded broker lets 100 messages be unacknowledged
            source={
                "applications": list(applications),
                "window": 100,
                "broker": {"port": self.source_port or self.broker_port},
            },
            broker={"port": self.broker_port},
            spool={"keep_settled": True},  # the oracle weighs what was settled, too
            clock={"file": self.clock},
        )


def _toml(root: dict[str, object], **tables: dict[str, object]) -> str:
    """A settings file: plain keys, then tables (a table's own tables are written inline)."""
    lines = [f"{key} = {_value(value)}" for key, value in root.items()]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    # text, numbers, booleans and lists of them are written in TOML as in JSON
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
