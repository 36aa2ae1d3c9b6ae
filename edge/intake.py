"""What a row means and how pressing it is: an uplink is decoded here, and nowhere else on the edge."""

from collections.abc import Callable, Mapping

import msgspec

from core.model import Row, RowClass, Uplink
from core.quantities import QUANTITIES
from decoders import registry
from decoders.registry import Decoded

_URGENT = frozenset((name, state) for name, quantity in QUANTITIES.items() for state in quantity.urgent)

Decode = Callable[[str, int, bytes, int], Decoded]


class Intake:
    """Finishes rows. Whatever was sent, a row comes out: with readings, or with the code of why there are none.

    Args:
        codecs: device-profile name → codec, for profiles that carry no `codec` tag.
        decode: as `decoders.registry.decode`.
    """

    def __init__(self, codecs: Mapping[str, str] | None = None, *, decode: Decode = registry.decode) -> None:
        self._codecs = dict(codecs or {})
        self._decode = decode

    def read(self, row: Row) -> tuple[RowClass, Row]:
        """The class of a row, and the row with its readings.

        Urgent: an uplink with a reading whose state is urgent. Measurement: any other uplink. Diagnostic: events, and
        what could not be read.
        """
        if not isinstance(row, Uplink):
            return RowClass.DIAGNOSTIC, row
        codec = row.codec or self._codecs.get(row.profile, "")
        decoded = self._decode(codec, row.f_port, row.payload, row.received_ms)
        finished = msgspec.structs.replace(
            row, codec=decoded.codec, domain=decoded.domain, error=decoded.error, readings=decoded.readings
        )
        for reading in decoded.readings:
            if (reading.quantity, reading.value) in _URGENT:
                return RowClass.URGENT, finished
        return RowClass.MEASUREMENT, finished
