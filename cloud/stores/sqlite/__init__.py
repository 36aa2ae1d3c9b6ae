"""The embedded store: one SQLite file a tenant, and one for the operator."""

from cloud.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
