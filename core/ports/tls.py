"""What a connection to a broker needs from files, read anew for each: TLS (its name is always checked), password."""

import ssl

from core.errors import ConfigError
from core.settings import BrokerSettings, TlsSettings


class _Stream(ssl.SSLSocket):
    """Closed when its handshake fails: the MQTT library leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except (OSError, ValueError):
            self.close()
            raise


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """A context for one connection, from the files as they are now: a renewed certificate needs no restart.

    Raises:
        ConfigError: `tls.files`.
    """
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        context.sslsocket_class = _Stream
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("tls.files", f"cannot load the TLS files: {error}", hint="see [broker.tls]") from error
    return context


def password(broker: BrokerSettings) -> str:
    """The user's password: that of the settings, or the first line of its file as it is now.

    Raises:
        ConfigError: `broker.password`.
    """
    if broker.password_file is None:
        return broker.password.get_secret_value()
    try:
        return broker.password_file.read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "broker.password", f"cannot read the password: {error}", hint="see `password_file` in [broker]"
        ) from error
