"""What an operator declares: tenants, communes, sites, profiles, calendars, assets, circuits, devices, assignments.

Every record is frozen and was validated when it was read; `gc=False` where there are many and none can be in a
cycle. Positions are WGS 84 degrees; times are ms UTC; calendar hours are local (`core.territory.calendars`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, NamedTuple, get_type_hints

import msgspec

from core.territory.alerting import Contact, Maintenance, Severity
from core.territory.calendars import Calendar, Programme
from core.territory.placements import OPERATOR, Placement, Timeline, timelines


class Kind(StrEnum):
    """What an asset is."""

    LAMP = "lamp"
    BIN = "bin"
    COUNTER = "counter"
    CABINET = "cabinet"


class Supply(StrEnum):
    """How a circuit is fed: always, or switched off at its cabinet by day and during extinction."""

    PERMANENT = "permanent"
    SWITCHED = "switched"


class DeviceState(StrEnum):
    STOCK = "stock"
    INSTALLED = "installed"
    MAINTENANCE = "maintenance"  # placed as installed
    RETIRED = "retired"


class NetworkServer(StrEnum):
    CHIRPSTACK = "chirpstack"


class Region(StrEnum):
    EU868 = "EU868"


class MacVersion(StrEnum):
    V1_0_0 = "1.0.0"
    V1_0_1 = "1.0.1"
    V1_0_2 = "1.0.2"
    V1_0_3 = "1.0.3"
    V1_0_4 = "1.0.4"
    V1_1_0 = "1.1.0"


class DeviceClass(StrEnum):
    A = "A"
    B = "B"
    C = "C"


class Shape(StrEnum):
    """How the fill of a bin follows from the distance to its content."""

    UPRIGHT = "upright"  # the same section at every height
    LYING = "lying"  # a cylinder on its side


class Retention(msgspec.Struct, frozen=True):
    """Days the store keeps; None: for ever."""

    raw_days: int | None = None
    long_days: int | None = None


class Tariffs(msgspec.Struct, frozen=True):
    electricity_eur_kwh: float | None = None


class Bounds(NamedTuple):
    """What a constant may be, ends included."""

    low: float
    high: float
    unit: str = ""


class Thresholds(msgspec.Struct, frozen=True):
    """The constants of the watch: `[thresholds]` of the territory or of one tenant; `cloud/watch/README.md` explains.

    A new one is a line here: its reading, with bounds and unit, follows from the annotation.
    """

    silence_intervals: Annotated[float, Bounds(1, 1000)] = 3.0  # expected intervals without an uplink, at least
    silence_late_intervals: Annotated[float, Bounds(1, 1000)] = 2.0  # late, not silent yet
    silence_chance: Annotated[float, Bounds(1e-12, 0.5)] = 1e-5  # that lost uplinks alone look like silence
    silence_loss_pct: Annotated[float, Bounds(0.1, 90, "%")] = 10.0  # uplinks a sound link loses; its own loss if more
    silence_slack_min: Annotated[float, Bounds(0, 1440, "min")] = 15.0  # what an uplink may take to get here
    silence_clear_uplinks: Annotated[float, Bounds(1, 8)] = 2.0  # that end a silence
    silence_group_pct: Annotated[float, Bounds(50, 100, "%")] = 90.0  # of a circuit: that is the whole of it
    silence_gateway_min: Annotated[float, Bounds(1, 1440, "min")] = 30.0  # named by no uplink, at least
    silence_gateway_uplinks: Annotated[float, Bounds(3, 1000)] = 12.0  # it should have heard meanwhile
    silence_site_min: Annotated[float, Bounds(1, 1440, "min")] = 10.0  # without its report, while others report
    silence_restart_min: Annotated[float, Bounds(0, 1440, "min")] = 5.0  # an edge that said goodbye may be away
    silence_settle_min: Annotated[float, Bounds(0, 1440, "min")] = 5.0  # a site that is back stays back
    silence_backlog_rows: Annotated[float, Bounds(1, 1e9)] = 200.0  # that a site keeps: it still delivers
    silence_backlog_h: Annotated[float, Bounds(1, 720, "h")] = 24.0  # it has to deliver them
    silence_clock_min: Annotated[float, Bounds(0.5, 1440, "min")] = 2.0  # a site's clock that was never set is wrong
    lamp_sun_min: Annotated[float, Bounds(1, 120, "min")] = 45.0  # around a switching time by the sun nothing is wrong
    lamp_clock_min: Annotated[float, Bounds(1, 120, "min")] = 10.0  # and around one by the clock
    lamp_hold_min: Annotated[float, Bounds(0, 1440, "min")] = 20.0  # a discharge lamp that lost its arc is back by then
    lamp_lit_w: Annotated[float, Bounds(0.5, 100, "W")] = 5.0  # who draws more burns
    lamp_unlit_w: Annotated[float, Bounds(0.1, 100, "W")] = 3.0  # who draws less does not: a driver in stand-by
    lamp_unheard_intervals: Annotated[float, Bounds(1, 100)] = 3.0  # without a word by day: its power is off again
    flicker_changes: Annotated[float, Bounds(2, 100)] = 4.0  # out and back twice
    flicker_window_min: Annotated[float, Bounds(5, 1440, "min")] = 120.0  # of time in which it shall burn
    bin_full_pct: Annotated[float, Bounds(1, 100, "%")] = 80.0
    bin_full_hysteresis_pct: Annotated[float, Bounds(0, 50, "%")] = 10.0  # so much below it is no longer full
    bin_confirm_min: Annotated[float, Bounds(0, 120, "min")] = 5.0  # looks so far apart do not share one odd echo
    emptied_drop_pct: Annotated[float, Bounds(2, 100, "%")] = 10.0  # a smaller fall is settling and noise
    emptied_below_pct: Annotated[float, Bounds(1, 90, "%")] = 30.0  # what is fuller was not emptied
    bin_tilted_min: Annotated[float, Bounds(1, 1440, "min")] = 5.0  # a truck holds a bin up for less
    bin_fire_c: Annotated[float, Bounds(40, 125, "°C")] = 70.0  # hotter than the sun makes a bin
    bin_blind_h: Annotated[float, Bounds(1, 168, "h")] = 8.0  # it reports, and no report tells the fill
    traffic_blind_intervals: Annotated[float, Bounds(2, 1000)] = 6.0  # it reports, and no report has a count
    traffic_fast_category: Annotated[float, Bounds(0, 4)] = 0.0  # the filter set to "over the limit"; 0: none is
    battery_low_pct: Annotated[float, Bounds(1, 90, "%")] = 15.0
    battery_hysteresis_pct: Annotated[float, Bounds(0, 50, "%")] = 5.0
    battery_low_v: Annotated[float, Bounds(1, 4.2, "V")] = 3.4  # of one lithium cell
    battery_hysteresis_v: Annotated[float, Bounds(0, 1, "V")] = 0.1
    radio_loss_pct: Annotated[float, Bounds(5, 100, "%")] = 50.0  # uplinks after which one is missing
    radio_margin_db: Annotated[float, Bounds(-5, 30, "dB")] = 3.0  # above what its spreading factor needs
    radio_hysteresis_db: Annotated[float, Bounds(0, 20, "dB")] = 2.0
    road_unbalanced_min: Annotated[float, Bounds(1, 1440, "min")] = 10.0  # at rest its counters agree
    road_evicting_h: Annotated[float, Bounds(0.1, 24, "h")] = 1.0  # after the last row that was given up
    alarm_hold_min: Annotated[float, Bounds(0, 1440, "min")] = 15.0  # gone and back within it: the same alarm
    alarm_repeat_h: Annotated[float, Bounds(0.5, 720, "h")] = 24.0  # said again while nobody acknowledges it
    alarm_repeat_critical_h: Annotated[float, Bounds(0.5, 720, "h")] = 4.0  # the same, of what is critical


def threshold_bounds() -> dict[str, Bounds]:
    """Of each constant of `Thresholds`, by its name."""
    return {name: hint.__metadata__[0] for name, hint in get_type_hints(Thresholds, include_extras=True).items()}


class Tenant(msgspec.Struct, frozen=True):
    """An EPCI, or a commune that stands alone. Its id is the name of its database."""

    id: str
    name: str
    communes: tuple[str, ...]
    retention: Retention = Retention()
    tariffs: Tariffs = Tariffs()
    thresholds: Thresholds = Thresholds()
    contacts: tuple[Contact, ...] = ()
    severities: Mapping[str, Severity] = {}  # kind of alarm → what it is here
    maintenance: tuple[Maintenance, ...] = ()


class Operator(msgspec.Struct, frozen=True):
    """Who keeps the territory. `id` is its slug; its database is always `operator`.

    `thresholds`: the territory's own, where no tenant is concerned.
    """

    id: str
    name: str
    thresholds: Thresholds = Thresholds()
    contacts: tuple[Contact, ...] = ()
    severities: Mapping[str, Severity] = {}
    maintenance: tuple[Maintenance, ...] = ()


class Commune(msgspec.Struct, frozen=True):
    """Name, inhabitants and centre come from the official list."""

    insee: str
    name: str
    tenant: str
    lat: float
    lon: float
    population: int = 0


class Gateway(msgspec.Struct, frozen=True):
    """A LoRa radio; 16 lower-case hex digits."""

    eui: str
    lat: float
    lon: float
    name: str = ""


class Site(msgspec.Struct, frozen=True):
    """A place with one edge: `id` is the edge's id too."""

    id: str
    name: str
    commune: str
    tenant: str  # of its commune
    lat: float
    lon: float
    network_server: NetworkServer = NetworkServer.CHIRPSTACK
    applications: tuple[str, ...] = ()
    gateways: tuple[Gateway, ...] = ()


class Profile(msgspec.Struct, frozen=True):
    """A kind of device. `id` is the name of its device profile at the network server."""

    id: str
    codec: str
    region: Region
    mac: MacVersion
    device_class: DeviceClass
    expected_interval_s: int
    name: str = ""


class Circuit(msgspec.Struct, frozen=True):
    id: str
    cabinet: str  # the asset
    supply: Supply
    calendar: str


class Geometry(msgspec.Struct, frozen=True):
    """Inside of a bin, mm: from the sensor to the bottom, and what the sensor cannot see below itself."""

    shape: Shape
    height_mm: int
    blind_mm: int = 0


class Asset(msgspec.Struct, frozen=True, gc=False):
    """A thing of the commune, which outlives its sensors. What does not belong to its kind is None."""

    id: str
    kind: Kind
    commune: str
    lat: float
    lon: float
    circuit: str | None = None
    geometry: Geometry | None = None
    rated_power_w: float | None = None
    colour_temperature_k: int | None = None
    luminaire: str | None = None
    installed_on: date | None = None
    speed_limit_kmh: int | None = None
    street: str | None = None


class Device(msgspec.Struct, frozen=True, gc=False):
    dev_eui: str
    profile: str
    state: DeviceState


class Assignment(msgspec.Struct, frozen=True, gc=False):
    """`dev_eui` measures `asset` from `start_ms` until just before `end_ms`; None: it still does."""

    dev_eui: str
    asset: str
    start_ms: int
    end_ms: int | None = None


@dataclass(frozen=True)
class Territory:
    """All that is declared, by id. Build it with `core.territory.load`; it never changes.

    `digest`: the first 12 hex digits of the SHA-256 over the files.
    """

    operator: Operator
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    communes: Mapping[str, Commune] = field(default_factory=dict)
    sites: Mapping[str, Site] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    programmes: Mapping[str, Programme] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    circuits: Mapping[str, Circuit] = field(default_factory=dict)
    assets: Mapping[str, Asset] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    assignments: tuple[Assignment, ...] = ()
    digest: str = ""

    @cached_property
    def timelines(self) -> Mapping[str, Timeline]:
        """Where each declared device was, when."""
        return timelines(self)

    def place(self, dev_eui: str, at_ms: int, *, site: str) -> Placement:
        """Database, tenant, commune and asset of what `dev_eui` sent at `at_ms` and `site` received. O(log n).

        Outside its assignments, and for a device that nobody declared: the operator's database, the site's commune,
        no asset. `foreign`: the device is another tenant's than the site.

        Raises:
            KeyError: no such site.
        """
        receiver = self.sites[site]
        timeline = self.timelines.get(dev_eui)
        spot = None if timeline is None else timeline.at(at_ms)
        if spot is None:
            return Placement(OPERATOR, "", receiver.commune, "", False)
        return Placement(spot.tenant, spot.tenant, spot.commune, spot.asset, spot.tenant != receiver.tenant)
