"""The store over InfluxDB, 1.8 or later or 2.x: a database a tenant, and one for the operator."""

from cloud.stores.influxdb.store import InfluxStore

__all__ = ["InfluxStore"]
