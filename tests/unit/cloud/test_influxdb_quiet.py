"""Nothing is written beside a deletion whose answer nobody got."""

from collections.abc import Sequence

import pytest

from cloud.stores.influxdb.answers import Series
from cloud.stores.influxdb.quiet import Quiet
from core.errors import StorageError

IDLE = ("SHOW QUERIES", "ccpvm")
DELETION = ("DELETE FROM light", "ccpvm")


class Server:
    """What it is doing, look by look; the last for ever."""

    def __init__(self, *looks: Sequence[tuple[str, str]]) -> None:
        self._looks = list(looks)
        self.looked = 0
        self.waited_s = 0.0

    def running(self) -> list[Series]:
        self.looked += 1
        found = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        rows = [[n, text, database, "1ms", "running"] for n, (text, database) in enumerate(found)]
        return [Series(["qid", "query", "database", "duration", "status"], rows)]

    def pause(self, seconds: float) -> None:
        self.waited_s += seconds

    def quiet(self) -> Quiet:
        return Quiet("ccpvm", self.running, pause=self.pause)


def test_a_quiet_server_is_asked_once() -> None:
    """Other questions and other databases' deletions disturb nobody; later writes ask nothing."""
    server = Server([IDLE, ("SELECT * FROM light", "ccpvm"), ("DELETE FROM light", "esternay")])
    quiet = server.quiet()
    quiet.wait()
    quiet.wait()
    assert (server.looked, server.waited_s) == (1, 0.0)


def test_the_end_of_a_deletion_is_waited_for() -> None:
    """Somebody asked for it before this process came."""
    server = Server([IDLE, DELETION], [DELETION], [IDLE])
    server.quiet().wait()
    assert server.looked == 3


def test_an_unanswered_deletion_is_looked_for_twice() -> None:
    """The server may read it only after the first look."""
    server = Server([IDLE], [IDLE], [DELETION], [IDLE])
    quiet = server.quiet()
    quiet.wait()
    quiet.disturb()
    quiet.wait()
    assert server.looked == 4


def test_one_that_goes_on_for_long_is_its_database_s_trouble_alone() -> None:
    """The other tenants go on; and then it still has to be waited for."""
    server = Server([DELETION])
    quiet = server.quiet()
    for _ in range(2):
        with pytest.raises(StorageError) as caught:
            quiet.wait()
        assert caught.value.code == "store.deleting"
    assert 1 <= server.waited_s <= 5
