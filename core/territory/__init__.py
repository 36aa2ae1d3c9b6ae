"""The declared territory: read a folder (`load`), ask it where an uplink belongs (`Territory.place`)."""

from core.territory.alerting import Contact, Maintenance, Quiet, Severity
from core.territory.faults import Fault, TerritoryError
from core.territory.model import (
    Asset,
    Assignment,
    Circuit,
    Commune,
    Device,
    DeviceState,
    Gateway,
    Geometry,
    Kind,
    Operator,
    Profile,
    Shape,
    Site,
    Supply,
    Tenant,
    Territory,
)
from core.territory.placements import OPERATOR, Change, Placement, changes, moved_sites
from core.territory.reading import load

__all__ = [
    "OPERATOR",
    "Asset",
    "Assignment",
    "Change",
    "Circuit",
    "Commune",
    "Contact",
    "Device",
    "DeviceState",
    "Fault",
    "Gateway",
    "Geometry",
    "Kind",
    "Maintenance",
    "Operator",
    "Placement",
    "Profile",
    "Quiet",
    "Severity",
    "Shape",
    "Site",
    "Supply",
    "Tenant",
    "Territory",
    "TerritoryError",
    "changes",
    "load",
    "moved_sites",
]
