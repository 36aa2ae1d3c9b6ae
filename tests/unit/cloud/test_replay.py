"""Replay and what the control socket answers about the quarantine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.control import list_entries, quarantine_verbs, show_entry, through_inbox
from cloud.inbox import Inbox
from cloud.quarantine import Quarantine
from cloud.replay import Replay
from cloud.schema import origin_of
from core.errors import LinkError, NotConnected, OperatorError, StorageError
from core.model import encode_row
from tests.unit.cloud.cloud_road import EDGE, STRANGER, Road, pack, territory, uplink


class Held:
    """A road with three entries: a foreign device's row, an unknown edge's message, garbage; and its replay."""

    def __init__(self, folder: Path) -> None:
        self.road = Road(folder)
        self.road.deliver(pack(uplink(1, dev_eui=STRANGER)))
        self.road.flush()
        self.road.ingest.territory = territory(sites=("esternay",))
        self.road.deliver(pack(uplink(2), uplink(3), first=2))
        self.road.deliver(b"garbage")
        self.road.flush()
        self.replay = Replay(self.road.ingest, self.road.writer, self.road.quarantine, self.road.clock)
        self.row, self.message, self.garbage = [entry.id for entry in self.road.quarantine.entries()]


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    held = Held(tmp_path)
    yield held
    held.road.quarantine.close()


def test_entries_whose_cause_is_mended_are_stored_and_leave_the_quarantine(held: Held) -> None:
    """The same keys and times as if they had come today; what is still refused stays."""
    held.road.ingest.territory = territory()
    done = held.replay.some()
    assert (done.replayed, done.refused, done.skipped, done.after) == (1, 2, 0, 0)
    assert len(held.road.store.points("ccpvm", "uplink")) == 2
    assert [entry.id for entry in held.road.quarantine.entries()] == [held.row, held.garbage]
    again = held.replay.some()
    assert (again.replayed, again.refused) == (0, 2)
    assert [entry.seen for entry in held.road.quarantine.entries()] == [1, 1]


def test_a_replayed_row_keeps_its_identity(held: Held) -> None:
    """Stored with the seq, spool and edge it was accepted with; once."""
    new = territory()
    assignments = tuple(a for a in new.assignments if a.dev_eui != STRANGER)
    held.road.ingest.territory = type(new)(
        new.operator, new.tenants, new.communes, new.sites, assets=new.assets, assignments=assignments, digest="n"
    )
    assert held.replay.one(held.row).replayed == 1
    (point,) = held.road.store.points("operator", "uplink")
    origin = origin_of(point)
    assert origin is not None
    assert (origin.edge, origin.spool_id, origin.seq) == (EDGE, "spool", 1)
    assert held.road.quarantine.identities() == frozenset()
    with pytest.raises(OperatorError) as caught:
        held.replay.one(held.row)
    assert caught.value.code == "quarantine.replayed"


def test_a_row_of_an_edge_that_is_no_more_declared_stays(held: Held) -> None:
    """Its site may come back."""
    assert held.replay.one(held.row).refused == 1


def test_nothing_changes_while_the_store_is_down(held: Held) -> None:
    """The asker is told; every entry is still there."""
    held.road.ingest.territory = territory()
    held.road.store.down = NotConnected("store.folder", "gone")
    with pytest.raises(LinkError):
        held.replay.some()
    held.road.store.down = None
    assert len(held.road.quarantine.entries()) == 3
    assert held.road.ingest.batch.messages == []


def test_a_row_that_its_tenant_refuses_now_stays(held: Held) -> None:
    """Deferred is not stored."""
    held.road.ingest.territory = territory()
    held.road.store.refusing["ccpvm"] = StorageError("store.full", "full")
    assert held.replay.one(held.message).refused == 1
    assert len(held.road.quarantine.entries()) == 3


def test_refused_points_are_skipped(held: Held) -> None:
    """Their row is stored, with its payload: there is nothing to send again."""
    held.road.ingest.territory = territory()
    held.road.store.rejects = {"light": "point.type"}
    held.road.deliver(pack(uplink(9), first=9))
    held.road.flush()
    done = held.replay.some(reason="point.type")
    assert (done.replayed, done.refused, done.skipped) == (0, 0, 1)


def test_reason_and_step_choose_what_is_replayed(held: Held) -> None:
    """Only what the person named."""
    held.road.ingest.territory = territory()
    done = held.replay.some(reason="identity.unknown_edge")
    assert (done.replayed, done.refused) == (1, 0)


def test_list_and_show_answer_from_the_worker_and_from_the_files_alike(held: Held, tmp_path: Path) -> None:
    """A list has no bodies; one entry has its bytes, and its text where it is text."""
    files = Quarantine.open_read_only(tmp_path)
    for quarantine in (held.road.quarantine, files):
        answer = list_entries(quarantine, {"reason": "envelope.garbage"})
        assert [entry["id"] for entry in answer["entries"]] == [held.garbage]
        assert "body" not in answer["entries"][0]
        assert answer["held"]["rows"] == 1
        shown = show_entry(quarantine, {"id": held.garbage})
        assert (shown["body_text"], shown["body_hex"]) == ("garbage", b"garbage".hex())
        assert show_entry(quarantine, {"id": held.row})["body_text"] == encode_row(uplink(1, dev_eui=STRANGER)).decode()
        assert show_entry(quarantine, {"id": held.message})["body_text"] is None
        with pytest.raises(OperatorError):
            list_entries(quarantine, {"kind": "comet"})
        with pytest.raises(OperatorError):
            show_entry(quarantine, {"id": 999})


def test_verbs_run_in_the_workers_thread_and_a_busy_worker_says_so(held: Held) -> None:
    """No two threads share the quarantine."""
    inbox = Inbox()
    verbs = through_inbox(inbox, quarantine_verbs(held.road.quarantine, held.replay, lambda: True), wait_s=0)
    with pytest.raises(StorageError) as caught:
        verbs["quarantine.list"]({})
    assert caught.value.code == "control.busy"
    call = inbox.take(0)
    assert callable(call)
    call()  # cancelled: nobody waits for it


def test_replay_through_the_worker_first_empties_its_hands(held: Held) -> None:
    """With the store down it says so."""
    held.road.ingest.territory = territory()
    verbs = quarantine_verbs(held.road.quarantine, held.replay, lambda: True)
    assert verbs["quarantine.replay"]({"id": held.message})["replayed"] == 1
    assert verbs["quarantine.replay"]({"reason": "envelope.garbage"})["refused"] == 1
    with pytest.raises(StorageError) as caught:
        quarantine_verbs(held.road.quarantine, held.replay, lambda: False)["quarantine.replay"]({})
    assert caught.value.code == "store.down"


@pytest.mark.parametrize("said", [10**20, -1, "seven", "1" * 5000, 1.5, True, None, [], {}])
def test_an_argument_that_is_no_number_is_refused_with_a_hint(held: Held, said: object) -> None:
    """A typo at the socket is the asker's to mend."""
    verbs = quarantine_verbs(held.road.quarantine, held.replay, lambda: True)
    asked = [("quarantine.show", "id"), ("quarantine.list", "limit"), ("quarantine.list", "after")]
    asked += [("quarantine.replay", "after"), *([("quarantine.replay", "id")] if said is not None else [])]
    for verb, name in asked:
        with pytest.raises(OperatorError) as caught:
            verbs[verb]({name: said})
        assert caught.value.code == "control.argument"
        assert name in caught.value.hint
    with pytest.raises(OperatorError) as caught:
        verbs["quarantine.show"]({})
    assert caught.value.message == "id is missing"
    assert verbs["quarantine.show"]({"id": str(held.row)})["id"] == held.row
