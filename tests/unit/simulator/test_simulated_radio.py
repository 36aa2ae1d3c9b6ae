"""The air: who hears what, and the session between device and network."""

from random import Random

import pytest

from core.territory.model import Gateway
from simulator.radio import Air, Session, airtime_ms, spreading_factor

HOME = {"lat": 48.0175, "lon": 6.5882}


def air(*km: float, seed: int = 1, loss: float = 0.0) -> Air:
    """Gateways so many km north of the device."""
    gateways = [Gateway(f"a84041ffff1e2d{i:02x}", HOME["lat"] + one / 111.2, HOME["lon"]) for i, one in enumerate(km)]
    return Air(gateways, **HOME, rng=Random(seed), loss=loss)


@pytest.mark.parametrize(
    ("sf", "payload", "ms"),
    [
        # The Things Network's airtime calculator for EU868 (13 bytes of overhead, 125 kHz, CR 4/5), rounded up.
        (7, 10, 62),
        (9, 10, 206),
        (12, 10, 1483),
        (12, 51, 2794),
    ],
)
def test_airtime(sf: int, payload: int, ms: int) -> None:
    """Known airtimes, to the millisecond."""
    assert airtime_ms(12 - sf, payload) == pytest.approx(ms, abs=1)
    assert spreading_factor(12 - sf) == sf


def test_near_gateways_hear_better_than_far_ones() -> None:
    """Over many pairs of gateways, the near one has the stronger signal in most, not in all (shadowing)."""
    better = 0
    for seed in range(200):
        paths = {path.gateway: path.rssi_dbm for path in air(0.5, 3.0, seed=seed).paths}
        better += paths.get(0, -200.0) > paths.get(1, -200.0)
    assert 170 <= better < 200


def test_a_device_near_its_gateway_uses_a_fast_rate_and_a_far_one_a_slow_one() -> None:
    """SF7 at 200 m; SF10 to SF12 at 30 km."""
    assert all(air(0.2, seed=seed).best_dr == 5 for seed in range(20))
    assert all(air(30.0, seed=seed).best_dr <= 2 for seed in range(20))


def test_no_lamp_was_put_where_nobody_hears_it() -> None:
    """However far, the installer's survey left at least 4 dB: nearly every frame is heard."""
    for seed in range(20):
        far = air(40.0, seed=seed)
        assert sum(bool(far.hear(far.best_dr)) for _ in range(200)) > 180


def test_several_gateways_hear_a_frame_in_any_order() -> None:
    """Each at most once, the first heard not always first in the list."""
    near = air(0.3, 0.4, 0.5)
    orders = {tuple(one.gateway for one in near.hear(5)) for _ in range(50)}
    assert all(len(set(order)) == len(order) for order in orders)
    assert len(orders) > 1


def test_receptions_are_what_a_concentrator_can_report() -> None:
    """RSSI in whole dBm, SNR in quarters of a dB and no better than about 14, delay of a backhaul."""
    for seed in range(30):
        for one in air(0.05, 2.0, seed=seed).hear(0):
            assert -145 < one.rssi_dbm < -20
            assert -22 <= one.snr_db <= 14.25
            assert one.snr_db * 4 == int(one.snr_db * 4)
            assert 4_000 <= one.delay_us < 60_000


def test_loss_is_a_share_of_frames() -> None:
    """A tenth of the frames that would be heard are not."""
    lossy = air(0.2, loss=0.1)
    assert sum(not lossy.hear(5) for _ in range(2_000)) == pytest.approx(200, abs=60)


def test_a_session_counts_and_a_join_starts_over() -> None:
    """The counter goes up by one for each frame, heard or not; a join gives another address and 0."""
    session = Session(Random(1), best_dr=5, f_cnt=70_000)
    before = session.dev_addr
    assert [session.next_f_cnt() for _ in range(3)] == [70_000, 70_001, 70_002]
    session.join()
    assert session.next_f_cnt() == 0
    assert session.dev_addr != before
    assert len(session.dev_addr) == 8
    assert int(session.dev_addr, 16) < 1 << 25


def test_after_a_join_the_data_rate_climbs_back() -> None:
    """ADR: from two below, a step for every two frames that were heard, up to the best."""
    session = Session(Random(1), best_dr=5, f_cnt=0)
    session.join()
    rates = []
    for _ in range(8):
        rates.append(session.dr)
        session.note_heard()
    assert rates == [3, 3, 4, 4, 5, 5, 5, 5]
