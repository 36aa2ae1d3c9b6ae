"""How people are told: `[notify]` of `cloud.toml`. Who is told of what is the territory's."""

from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from core.errors import NotConnected
from core.settings import Port, Positive, Section, is_loopback


class SmtpSettings(Section):
    """The mail server. Off this machine the connection is encrypted, and its certificate is checked.

    `sender`: the address mail comes from, with a name or without. `password_file` instead of `password`: its first
    line, read at every connection. `ca`: PEM file of who vouches for the server, the system's when absent.
    """

    host: Annotated[str, Field(min_length=1)]
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str
    username: str = ""
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    ca: Path | None = None
    timeout_s: Positive = 15.0

    @field_validator("sender")
    @classmethod
    def _is_an_address(cls, sender: str) -> str:
        local, _, domain = parseaddr(sender)[1].rpartition("@")
        if not (local and domain.isascii() and "." in domain) or any(ord(sign) < 32 for sign in sender):
            raise ValueError("is no address to send from, such as 'beffroi <beffroi@example.org>'")
        return sender

    @model_validator(mode="after")
    def _protected_off_loopback(self) -> Self:
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError(f'{self.host} is not this machine: security = "starttls" or "tls"')
        if not f"{self.username}{self.password.get_secret_value()}".isascii():
            raise ValueError("username and password: ASCII letters alone, many servers take no others")
        if self.password_file is not None and self.password.get_secret_value():
            raise ValueError("give password or password_file, not both")
        return self

    @property
    def domain(self) -> str:
        """Of the sender."""
        return parseaddr(self.sender)[1].rpartition("@")[2]

    def read_password(self) -> str:
        """
        Raises:
            NotConnected: `smtp.password`: its file cannot be read now.
        """
        if self.password_file is None:
            return self.password.get_secret_value()
        try:
            lines = self.password_file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise NotConnected("smtp.password", f"cannot read {self.password_file}") from error
        first = lines[0] if lines else ""
        if not first or not first.isascii():
            raise NotConnected("smtp.password", f"the first line of {self.password_file} is no password in ASCII")
        return first


class WebhookSettings(Section):
    """`secrets`: the file with what signs each tenant's messages (`[webhook.sign]`); absent: they are not signed."""

    secrets: Path | None = None
    timeout_s: Positive = 10.0


class NotifySettings(Section):
    """`smtp`, `webhook`: absent: nobody is told that way, whatever the territory declares. `linger_s`: how long a
    message waits for what happens at the same time. `expire_h`: how long it is tried."""

    smtp: SmtpSettings | None = None
    webhook: WebhookSettings | None = None
    linger_s: Annotated[float, Field(ge=0, le=3600)] = 60.0
    expire_h: Annotated[float, Field(ge=1, le=24 * 30)] = 72.0
