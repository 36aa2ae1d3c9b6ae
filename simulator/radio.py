"""The air between a device and the gateways of its site: who hears a frame, how well, at which data rate.

Signal: log-distance path loss, a fixed shadowing for each pair of device and gateway, fading for each frame.
Sources: path loss and shadowing of a suburban EU868 network, J. Petäjäjärvi et al., "On the coverage of LPWANs",
ITST 2015 (128.95 + 23.2 log10(d/km) dB, σ 7.8 dB); limits of demodulation, Semtech SX1276 datasheet, table 13;
airtime, Semtech AN1200.13; channels and data rates, LoRaWAN regional parameters RP002, EU863-870.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, log10
from random import Random
from typing import NamedTuple

from core.territory.geography import distance_km
from core.territory.model import Gateway
from simulator.chance import NORMAL

_EIRP_DBM = 14.0
_ANTENNA_DBI = 3.0
_NOISE_DBM = -117.0  # 125 kHz, noise figure 6 dB
_SHADOWING_DB = 7.8
_FADING_DB = 1.8
_FADING = tuple(_FADING_DB * deviation for deviation in NORMAL)
_STEPS = len(_FADING)
_SNR_TOP_DB = 10.0  # what a concentrator reports of a strong signal
_SNR_LIMIT_DB = (-20.0, -17.5, -15.0, -12.5, -10.0, -7.5)  # by data rate, SF12 to SF7
_MARGIN_DB = 8.0  # kept by ADR below the data rate it chooses
_SURVEY_DB = 4.0  # no lamp is connected where its best gateway hears it worse than this above the limit
_MAC_BYTES = 13  # header, port and MIC around a payload

# (frequency Hz, channel, RF chain): the usual EU868 plan of an 8-channel concentrator
CHANNELS = (
    (868_100_000, 0, 1),
    (868_300_000, 1, 1),
    (868_500_000, 2, 1),
    (867_100_000, 3, 0),
    (867_300_000, 4, 0),
    (867_500_000, 5, 0),
    (867_700_000, 6, 0),
    (867_900_000, 7, 0),
)


class Reception(NamedTuple):
    """One gateway (index in its site) heard the frame. `delay_us`: from the gateway to the network server."""

    gateway: int
    rssi_dbm: int
    snr_db: float
    delay_us: int


class Path(NamedTuple):
    gateway: int
    rssi_dbm: float  # mean


def spreading_factor(dr: int) -> int:
    """SF12 at data rate 0 to SF7 at 5."""
    return 12 - dr


@lru_cache(maxsize=1024)
def airtime_ms(dr: int, payload_bytes: int) -> int:
    """How long a frame with this payload is on the air (125 kHz, coding rate 4/5, explicit header)."""
    sf = 12 - dr
    symbol_ms = (1 << sf) / 125.0
    slow = 2 if sf >= 11 else 0  # low data rate optimisation
    size = 8 * (payload_bytes + _MAC_BYTES) - 4 * sf + 28 + 16
    return ceil((8 + 4.25 + 8 + max(0, ceil(size / (4 * (sf - slow))) * 5)) * symbol_ms)


class Air:
    """What lies between one device and its gateways.

    Args:
        rng: the device's own, for the radio alone.
        loss: share of frames lost to collisions, whoever could have heard them.
    """

    def __init__(self, gateways: Sequence[Gateway], *, lat: float, lon: float, rng: Random, loss: float) -> None:
        self._rng = rng
        self._loss = loss
        means = [
            _mean_rssi_dbm(distance_km(lat, lon, gateway.lat, gateway.lon)) + rng.gauss(0, _SHADOWING_DB)
            for gateway in gateways
        ]
        best = max(range(len(means)), key=means.__getitem__)
        self.best_rssi_dbm = means[best] = max(means[best], _NOISE_DBM + _SNR_LIMIT_DB[0] + _SURVEY_DB)
        self.paths = tuple(
            Path(index, mean_dbm)
            for index, mean_dbm in enumerate(means)
            if index == best or mean_dbm > _NOISE_DBM + _SNR_LIMIT_DB[0] - 3 * _FADING_DB
        )
        snr = self.best_rssi_dbm - _NOISE_DBM
        self.best_dr = max(dr for dr, limit in enumerate(_SNR_LIMIT_DB) if dr == 0 or snr - limit >= _MARGIN_DB)

    def is_heard(self, deaf: frozenset[int]) -> bool:
        """Whether any gateway could hear the device while these cannot."""
        return not deaf or any(gateway not in deaf for gateway, _ in self.paths)

    def hear(self, dr: int, deaf: frozenset[int] = frozenset()) -> list[Reception]:
        """Who hears a frame sent now at this data rate; nobody: it is lost. The order means nothing.

        Args:
            deaf: gateways that are out.
        """
        random = self._rng.random
        if random() < self._loss:
            return []
        least_dbm = _SNR_LIMIT_DB[dr] + _NOISE_DBM
        heard = []
        for gateway, mean_dbm in self.paths:
            rssi = mean_dbm + _FADING[int(random() * _STEPS)]
            if rssi >= least_dbm and gateway not in deaf:
                snr = min(rssi - _NOISE_DBM, _SNR_TOP_DB + random() * 4)
                heard.append(Reception(gateway, round(rssi), round(snr * 4) / 4, 4_000 + int(random() * 56_000)))
        if len(heard) > 1 and random() < 0.5:
            heard.reverse()
        return heard


def _mean_rssi_dbm(km: float) -> float:
    return _EIRP_DBM + _ANTENNA_DBI - (128.95 + 23.2 * log10(max(km, 0.02)))


class Session:
    """What device and network share from one join to the next: address, frame counter, data rate."""

    def __init__(self, rng: Random, *, best_dr: int, f_cnt: int) -> None:
        self._rng = rng
        self._best_dr = best_dr
        self._heard = 0
        self.dev_addr = _dev_addr(rng)
        self.f_cnt = f_cnt  # of the next frame
        self.dr = best_dr

    def join(self) -> None:
        """A new address; the counter starts at 0, the data rate below what the network will find."""
        self.dev_addr = _dev_addr(self._rng)
        self.f_cnt = 0
        self.dr = max(0, self._best_dr - 2)
        self._heard = 0

    def next_f_cnt(self) -> int:
        """The counter of a frame that is sent now, heard or not."""
        f_cnt = self.f_cnt
        self.f_cnt += 1
        return f_cnt

    def note_heard(self) -> None:
        """The network heard a frame; every second one it asks for a better data rate (ADR)."""
        self._heard += 1
        if self.dr < self._best_dr and self._heard % 2 == 0:
            self.dr += 1


def _dev_addr(rng: Random) -> str:
    """8 hex digits of a network of type 0, id 0 (a private network): 25 free bits."""
    return f"{rng.getrandbits(25):08x}"
