"""The rows of the four CSV files, as they are found."""

from dataclasses import dataclass, field
from datetime import datetime

ASSET_COLUMNS = (
    *("id", "kind", "commune", "lat", "lon", "street", "circuit", "geometry", "rated_power_w"),
    *("colour_temperature_k", "luminaire", "installed_on", "speed_limit_kmh"),
)


@dataclass
class Tables:
    assets: list[str] = field(default_factory=list)
    circuits: list[str] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    assignments: list[tuple[datetime, str]] = field(default_factory=list)

    def add_asset(self, ident: str, kind: str, position: tuple[float, float], street: str, **more: object) -> None:
        """`more`: what an asset of its kind has besides."""
        lat, lon = position
        known = {
            "id": ident,
            "kind": kind,
            "commune": ident.partition("-")[0],
            "lat": f"{lat:.5f}",
            "lon": f"{lon:.5f}",
            "street": street,
            **more,
        }
        self.assets.append(",".join(str(known.pop(column, "")) for column in ASSET_COLUMNS))
        assert not known, f"no column for {', '.join(known)}"

    def add_circuit(self, ident: str, cabinet: str, supply: str, calendar: str) -> None:
        self.circuits.append(f"{ident},{cabinet},{supply},{calendar}")

    def add_device(self, dev_eui: int, profile: str, state: str = "installed") -> None:
        self.devices.append(f"{dev_eui:016x},{profile},{state}")

    def assign(self, dev_eui: int, asset: str, start: datetime, end: datetime | None = None) -> None:
        row = f"{dev_eui:016x},{asset},{start.isoformat()},{'' if end is None else end.isoformat()}"
        self.assignments.append((start, row))

    def texts(self) -> dict[str, str]:
        """The text of each file by its name."""
        rows = {
            "assets.csv": [",".join(ASSET_COLUMNS), *self.assets],
            "circuits.csv": ["id,cabinet,supply,calendar", *self.circuits],
            "devices.csv": ["dev_eui,profile,state", *self.devices],
            "assignments.csv": ["dev_eui,asset,from,to", *(row for _, row in sorted(self.assignments))],
        }
        return {name: "\n".join([*lines, ""]) for name, lines in rows.items()}
