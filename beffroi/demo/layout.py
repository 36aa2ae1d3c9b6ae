"""Where a demo keeps what: folders, and the settings file of each process."""

import json
from dataclasses import dataclass
from pathlib import Path

from core.territory import Territory


@dataclass(frozen=True)
class Layout:
    """The files of one demo under `folder`."""

    folder: Path
    territory: Path
    broker_port: int
    page_port: int

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
                clock={"file": self.clock},
            ),
            "utf-8",
        )
        self.settings("page").write_text(
            _toml(
                {"territory": self.territory, "port": self.page_port},
                store={"folder": self.store},
                clock={"file": self.clock},
            ),
            "utf-8",
        )

    def _edge(self, site: str, applications: tuple[str, ...]) -> str:
        return _toml(
            {"edge": site, "folder": self.edge(site), "health_s": 1},
            # the embedded broker lets 100 messages be unacknowledged
            source={"applications": list(applications), "window": 100, "broker": {"port": self.broker_port}},
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
