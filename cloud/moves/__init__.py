"""The journaled job behind a changed territory and `cloud assign`: stored points follow their asset and tenant."""

from cloud.moves.journal import Journal, held_rows
from cloud.moves.mover import Moves, Step
from cloud.moves.refused import keep_refused

__all__ = ["Journal", "Moves", "Step", "held_rows", "keep_refused"]
