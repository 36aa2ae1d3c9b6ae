"""The twelve communes of the example with three tenants and sites, without anything that stands there."""

# town points of GeoNames
CENTRES = {
    "88383": (48.0175, 6.5882),
    "88429": (48.0517, 6.5825),
    "88487": (47.9258, 6.4836),
    "88415": (48.0229, 6.6087),
    "88158": (48.0979, 6.6065),
    "88409": (48.0239, 6.6642),
    "88148": (47.9990, 6.6405),
    "88351": (47.9634, 6.4576),
    "88498": (47.9780, 6.6365),
    "88205": (47.9547, 6.5619),
    "55043": (49.1786, 5.3719),
    "51237": (48.7323, 3.5616),
}
TABLES = {
    "territory": """
[operator]
id = "grand-est"
name = "Hyperviseur Grand Est"
[[tenants]]
id = "ccpvm"
name = "CC de la Porte des Vosges Méridionales"
communes = ["88383", "88429", "88487", "88415", "88158", "88409", "88148", "88351", "88498", "88205"]
[[tenants]]
id = "belleville"
name = "Belleville-sur-Meuse"
communes = ["55043"]
[[tenants]]
id = "esternay"
name = "Esternay"
communes = ["51237"]
""",
    "sites": """
[[sites]]
id = "remiremont"
name = "Remiremont"
commune = "88383"
lat = 48.0175
lon = 6.5882
network_server = "chirpstack"
applications = ["7c1f0c52-3c1b-4d57-9a39-2f3f5d9d8a01"]
[[sites]]
id = "belleville-sur-meuse"
name = "Belleville-sur-Meuse"
commune = "55043"
lat = 49.1786
lon = 5.3719
network_server = "chirpstack"
applications = ["b0a6d1de-9d0e-4c52-8f4e-6b1f6f2f3c02"]
[[sites]]
id = "esternay"
name = "Esternay"
commune = "51237"
lat = 48.7323
lon = 3.5616
network_server = "chirpstack"
applications = ["e5c3a7b4-61f2-4a0b-bb0e-0d9a4c1e7703"]
""",
    "profiles": """
[[profiles]]
id = "nas-ul20xx"
codec = "nas_ul20xx@1.1"
region = "EU868"
mac = "1.0.3"
class = "C"
expected_interval_s = 3600
[[profiles]]
id = "milesight-em400-mud"
codec = "milesight_em400_mud@1"
region = "EU868"
mac = "1.0.3"
class = "A"
expected_interval_s = 3600
[[profiles]]
id = "pmx-tcr"
codec = "pmx_tcr@1"
region = "EU868"
mac = "1.0.4"
class = "A"
expected_interval_s = 900
""",
    "calendars": """
[[programmes]]
id = "whole-night"
[[programmes.periods]]
from = "23:00"
to = "05:00"
level_pct = 40
[[calendars]]
id = "whole-night"
programme = "whole-night"
""",
}
