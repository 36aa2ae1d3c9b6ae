"""The store of the settings: the only place that knows which there are. Each is imported when it is asked for."""

from cloud.settings import StoreSettings
from cloud.stores.base import Store


def open_store(settings: StoreSettings, *, read_only: bool = False) -> Store:
    """Open a store; a server is not asked yet.

    Args:
        settings: with the folder of a SQLite store named (`CloudSettings.store_at`).

    Raises:
        ConfigError: the secrets of a server cannot be read.
        LinkError: `store.folder`: the folder cannot be made.
    """
    match settings.kind:
        case "sqlite":
            from cloud.stores.sqlite import SqliteStore

            if settings.folder is None:
                raise ValueError("a SQLite store needs its folder")
            return SqliteStore.open(settings.folder, read_only=read_only)
        case "influxdb":
            from cloud.stores.influxdb import InfluxStore

            return InfluxStore.open(
                settings.url,
                secrets=settings.secrets,
                read_only=read_only,
                organisation=settings.organisation,
                timeout_s=settings.timeout_s,
                ca=settings.ca,
            )
