"""A device's radio, from its uplinks: what is missing between two of them, and how far above the noise they come. Pure.

A frame counter counts what a device sends, heard or not: what lies between two counters was lost. It is no loss when

- the device joined anew (another address, or another device on the asset),
- the counter fell: a device with a fixed address started again; or it passed 65535 where only 16 bits were told,
- it is the same counter: a late copy, a repetition,
- it rose by more than a device may lose (`MAX_GAP`): the network would have refused it within a session.

Source: LoRaWAN 1.0.2, 4.3.1.5 (frame counters of 16 and 32 bits; MAX_FCNT_GAP 16384); SNR a frame needs to be
demodulated: Semtech SX1276 datasheet, table 13, SF7 −7.5 dB to SF12 −20 dB.
"""

from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import Final, NamedTuple

from cloud.watch.heard import Heard

MAX_GAP: Final = 16_384
_WRAP: Final = 65_536
_OVERTAKEN: Final = 16  # frames: a counter lower by so few came late, for a clock's sake
FLOOR_DB: Final = {7: -7.5, 8: -10.0, 9: -12.5, 10: -15.0, 11: -17.5, 12: -20.0}
"""The SNR that a spreading factor needs."""


class Step(Enum):
    """What one uplink is to the one before it, of the same asset."""

    NEXT = auto()  # `lost` frames lie between; 0: none
    SAME = auto()
    LATE = auto()  # it was counted as lost, and came after all
    ANEW = auto()  # another session: nothing is known of what lies between


class Frame(NamedTuple):
    """Where a session stands: its newest frame counter."""

    session: str
    f_cnt: int


class Passed(NamedTuple):
    step: Step
    lost: int
    frame: Frame  # where the session stands now


def session_of(heard: Heard) -> str:
    return f"{heard.device}/{heard.session}"


def step_to(before: Frame | None, session: str, f_cnt: int) -> Passed:
    """From one uplink to the next in time."""
    now = Frame(session, f_cnt)
    if before is None or before.session != session:
        return Passed(Step.ANEW, 0, now)
    risen = f_cnt - before.f_cnt
    if risen == 0:
        return Passed(Step.SAME, 0, before)
    if risen < 0:
        if before.f_cnt < _WRAP and 0 < risen + _WRAP <= MAX_GAP:
            return Passed(Step.NEXT, risen + _WRAP - 1, now)
        return (
            Passed(Step.LATE, 0, before) if risen >= -_OVERTAKEN and f_cnt > _OVERTAKEN else Passed(Step.ANEW, 0, now)
        )
    return Passed(Step.NEXT, risen - 1, now) if risen <= MAX_GAP else Passed(Step.ANEW, 0, now)


def steps(seen: Sequence[Heard]) -> Iterator[Passed]:
    """From each uplink to the next, in order of time."""
    frame: Frame | None = None
    for heard in seen:
        passed = step_to(frame, session_of(heard), heard.f_cnt)
        if frame is not None:
            yield passed
        frame = passed.frame


def margin_db(heard: Heard) -> float | None:
    """How far its best reception is above what its spreading factor needs; None where nobody said."""
    floor_db = FLOOR_DB.get(heard.spreading_factor)
    return None if floor_db is None or heard.snr_db is None else heard.snr_db - floor_db
