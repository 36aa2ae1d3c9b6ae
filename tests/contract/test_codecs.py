"""What every registered codec must hold, whoever wrote it."""

import pytest

from core import quantities
from decoders import registry
from decoders.codec import Codec


@pytest.mark.parametrize("codec", registry.CODECS, ids=lambda one: one.id)
def test_a_declaration_is_complete(codec: Codec) -> None:
    """Vendor, model, firmware, source, ports and vectors: a codec without a source or vectors is not accepted."""
    assert all((codec.name, codec.version, codec.vendor, codec.model, codec.firmware, codec.source))
    assert codec.vectors > 0
    assert all(0 < port < 224 and meaning for port, meaning in codec.ports.items())
    assert "@" not in codec.name + codec.version


@pytest.mark.parametrize("codec", registry.CODECS, ids=lambda one: one.id)
def test_its_quantities_are_of_the_vocabulary_and_of_its_domain(codec: Codec) -> None:
    """A lamp has no fill level."""
    for name in codec.quantities:
        assert quantities.lookup(name).domain in (None, codec.domain)


def test_no_codec_matches_what_another_matches() -> None:
    """Ambiguity is an error: two codecs of one device and firmware never share a port."""
    claimed = [(codec.vendor, codec.model, codec.firmware, port) for codec in registry.CODECS for port in codec.ports]
    assert len(set(claimed)) == len(claimed)
