"""Messages by SMTP (RFC 5321), as plain text (RFC 5322). One connection a message: they are few.

Off this machine the connection is encrypted and the server's name and certificate are checked, always.
"""

import contextlib
import smtplib
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Final

from cloud.watch.alarms.messages import Message
from cloud.watch.alarms.settings import SmtpSettings
from core.errors import BeffroiError, NotConnected, RejectedError, Throttled

_FOR_EVER: Final = 500  # from here on, a reply means never (RFC 5321, 4.2.1); below it means later
_WAIT_S: Final = 60.0


class EmailChannel:
    """Every method raises `LinkError` or `RejectedError`.

    Args:
        settings: where the server is. Its password and the authority's file are read at every connection.
    """

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._where = f"{settings.host}:{settings.port}"

    def send(self, message: Message, now_ms: int) -> None:
        """Return when the server has taken it (its reply 250 to the text)."""
        letter = self._letter(message, now_ms)
        sender = parseaddr(self._settings.sender)[1]
        with self._translated(message.address), self._connection() as server:
            refused = server.send_message(letter, sender, [message.address])
            assert not refused  # of one recipient: refused is an exception

    def probe(self) -> str:
        """Whether the server lets us in; nothing is sent.

        Raises:
            LinkError, RejectedError: it does not.
        """
        with self._translated(""), self._connection():
            return f"{self._where} lets us in"

    def _letter(self, message: Message, now_ms: int) -> EmailMessage:
        if not message.address.isascii():  # few servers take it, and the others say so in too many ways
            raise RejectedError("smtp.letter", f"{message.address!r} is no address that every server takes")
        letter = EmailMessage()
        with self._translated(message.address):
            letter["From"] = self._settings.sender
            letter["To"] = message.address
            letter["Subject"] = " ".join(message.text.subject.split())
        letter["Date"] = format_datetime(datetime.fromtimestamp(message.composed_ms / 1000, UTC))
        # the same at every attempt: a mail server or a reader that has it already can tell
        letter["Message-ID"] = f"<{message.identity}@{self._settings.domain}>"
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes in return
        if message.attempts > 1:
            letter["Beffroi-Attempt"] = f"{message.attempts}; {format_datetime(_at(now_ms))}"
        letter.set_content(message.text.body, cte="quoted-printable")
        return letter

    @contextlib.contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        tls = _context(settings.ca) if settings.security != "none" else None
        server: smtplib.SMTP
        if settings.security == "tls":
            server = smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.timeout_s, context=tls)
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        try:
            if settings.security == "starttls":
                server.starttls(context=tls)
            if settings.username:
                server.login(settings.username, settings.read_password())
            yield server
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    @contextlib.contextmanager
    def _translated(self, address: str) -> Iterator[None]:
        """smtplib's and the network's errors in our words."""
        try:
            yield
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise self._refusal(f"does not take mail for {address}", code, text) from error
        except smtplib.SMTPAuthenticationError as error:
            raise NotConnected(
                "smtp.login",
                f"{self._where} does not let {self._settings.username} in: {_text(error.smtp_error)}",
                hint="see [notify.smtp] username and password",
            ) from error
        except smtplib.SMTPConnectError as error:
            raise NotConnected(
                "smtp.unreachable", f"{self._where}: {error.smtp_code} {_text(error.smtp_error)}"
            ) from error
        except smtplib.SMTPResponseException as error:
            raise self._refusal("refuses it", error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise NotConnected(
                "smtp.security",
                f"{self._where} offers no encryption or login: {error}",
                hint="see [notify.smtp] security",
            ) from error
        except ssl.SSLCertVerificationError as error:
            raise NotConnected(
                "smtp.certificate",
                f"the certificate of {self._where} does not hold: {error.verify_message}",
                hint="see [notify.smtp] host and ca",
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise NotConnected("smtp.unreachable", f"{self._where} cannot be reached: {why}") from error
        except (ValueError, UnicodeError) as error:  # an address or a name that no header can hold
            raise RejectedError("smtp.letter", f"{address!r} cannot be written to: {error}") from error

    def _refusal(self, what: str, code: int, text: bytes | str) -> BeffroiError:
        said = f"{self._where} {what}: {code} {_text(text)}"
        if code >= _FOR_EVER:
            return RejectedError("smtp.refused", said, hint="see the contact's address in territory.toml")
        return Throttled("smtp.later", said, wait_s=_WAIT_S)


def _context(ca: Path | None) -> ssl.SSLContext:
    """Checks names and certificates, as the default does; the file of the authority is read anew each time."""
    make: Callable[..., ssl.SSLContext] = ssl.create_default_context
    return make(cafile=ca)


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:200]
