"""A real SMTP server in the test's own process: it keeps what it takes, and can be made to refuse."""

import asyncio
import ssl
import threading
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.certificates import Pair

USER, PASSWORD = "beffroi", "very secret"


class MailServer:
    """Listens on a free port of this machine until left.

    Args:
        pair: its certificate; with it STARTTLS is required, or TLS from the first byte (`implicit`).
        login: whether one must log in as USER.
    """

    def __init__(self, *, pair: Pair | None = None, implicit: bool = False, login: bool = False) -> None:
        self.letters: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.refusals: dict[str, str] = {}  # recipient → reply
        self.reply = ""  # to every text, instead of taking it
        self.hangs_up = False  # takes the text, then is gone without a word
        self.port = 0
        self._implicit, self._login = implicit, login
        self._tls: ssl.SSLContext | None = None
        if pair is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(pair.certificate, pair.key)
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._sessions: list[SMTP] = []
        self._thread = threading.Thread(target=self._serve, name="mail", daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _listen(self) -> None:
        implicit = self._tls if self._implicit else None
        self._server = await self._loop.create_server(self._session, "127.0.0.1", 0, ssl=implicit)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in asyncio.all_tasks(self._loop) - {asyncio.current_task(self._loop)}:
            task.cancel()
        for session in self._sessions:
            if session.transport is not None:
                session.transport.abort()
        await asyncio.sleep(0)
        await self._server.wait_closed()

    def _session(self) -> SMTP:
        starttls = self._tls if not self._implicit else None
        session = SMTP(
            self,
            hostname="localhost",
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=self._login,
            authenticator=self._authenticate,
            loop=self._loop,
        )
        if self._implicit:
            session._auth_require_tls = False  # it is encrypted already, which aiosmtpd does not see
        self._sessions.append(session)
        return session

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, said: Any
    ) -> AuthResult:
        assert isinstance(said, LoginPassword)
        return AuthResult(success=said.login == USER.encode() and said.password == PASSWORD.encode(), handled=False)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.reply:
            return self.reply
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        self.envelopes.append(envelope)
        if self.hangs_up:
            assert server.transport is not None
            server.transport.abort()
        return "250 OK"
