"""TLS towards a broker: its name is always checked."""

import ssl

from core.errors import ConfigError
from core.settings import TlsSettings


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """A context for one connection, from the files as they are now: a renewed certificate needs no restart.

    Raises:
        ConfigError: `tls.files`.
    """
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("tls.files", f"cannot load the TLS files: {error}", hint="see [broker.tls]") from error
    return context
