"""What is remembered of one database."""

from cloud.stores.influxdb.kinds import Kinds
from cloud.stores.influxdb.quiet import Gate, Quiet
from cloud.stores.influxdb.recent import Recent
from cloud.stores.influxdb.rendering import Renderer


class Database:
    """As long as the store is open; all of it can be forgotten."""

    def __init__(self, kinds: Kinds, quiet: Quiet) -> None:
        self.recent = Recent()
        self.renderer = Renderer(kinds, self.recent)
        self.quiet = quiet
        self.gate = Gate()
