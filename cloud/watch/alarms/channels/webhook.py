"""Messages by HTTP: one POST of JSON to the contact's URL; any 2xx means that it is taken.

| Key | What it says |
|---|---|
| `version` | 1 |
| `id` | of the message, the same at every attempt: who gets it twice can tell |
| `attempt` | 1, 2, … |
| `tenant`, `contact` | whose alarms (a tenant's id, or `operator`), who is told |
| `at_ms` | when it was made (ms UTC) |
| `subject`, `text` | as in the e-mail, French |
| `count` | alarms in it; `alarms` has the first 500 |
| `alarms` | `id`, `news` (raised, worsened, escalated, repeated, cleared), `kind`, `severity`, `commune` (INSEE), `about`, `subject`, `since_ms`, `until_ms` (cleared), `text` |

`Beffroi-Signature: t=<ms>,v1=<hex>` where the secrets file has a secret for the tenant: HMAC-SHA256 of
`<ms>.` and the body's bytes. `t` is the time of the attempt: refuse what is old. Redirections are not followed.
"""  # noqa: E501 - a table

import hashlib
import hmac
import http.client
import ssl
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from cloud.watch.alarms.messages import Message
from core.errors import NotConnected, RejectedError, Throttled

VERSION: Final = 1
SIGNATURE: Final = "Beffroi-Signature"
_MOST_BYTES: Final = 4096  # of an answer, for the log
_LATER: Final = (408, 425, 429)  # refused now, not for ever; so is every 5xx
_WAIT_S: Final = 60.0


class WebhookChannel:
    """Every method raises `LinkError` or `RejectedError`.

    Args:
        secrets: tenant (or `operator`) → what its messages are signed with; asked at each message.
    """

    def __init__(self, *, secrets: Callable[[], Mapping[str, str]], timeout_s: float) -> None:
        self._secrets = secrets
        self._timeout_s = timeout_s

    def send(self, message: Message, now_ms: int) -> None:
        """Return when the other side has answered 2xx."""
        facts = {"version": VERSION, "id": message.identity, "attempt": message.attempts, **message.text.facts}
        body = msgspec.json.encode(facts)
        headers = {"Content-Type": "application/json", "User-Agent": "beffroi", "Beffroi-Message": message.identity}
        secret = self._secrets().get(message.lane.to.owner)
        if secret:
            headers[SIGNATURE] = f"t={now_ms},v1={sign(secret, now_ms, body)}"
        status, said = self._post(message.address, body, headers)
        if 200 <= status < 300:
            return
        host = urlsplit(message.address).hostname
        text = f"{host} answers {status}: {' '.join(said.split())[:200]}"
        if status >= 500 or status in _LATER:
            raise Throttled("webhook.later", text, wait_s=_WAIT_S)
        raise RejectedError("webhook.refused", text, hint="see the contact's webhook in territory.toml and its secret")

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        parts = urlsplit(url)
        host = parts.hostname or ""
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            tls = ssl.create_default_context()
            connection = http.client.HTTPSConnection(host, parts.port, timeout=self._timeout_s, context=tls)
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=self._timeout_s)
        try:
            connection.request("POST", parts.path or "/", body=body, headers=dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read1(_MOST_BYTES).decode("utf-8", "replace")
        except ssl.SSLCertVerificationError as error:
            raise NotConnected(
                "webhook.certificate", f"the certificate of {host} does not hold: {error.verify_message}"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise NotConnected("webhook.unreachable", f"{host} cannot be reached: {why}") from error
        finally:
            connection.close()


def sign(secret: str, at_ms: int, body: bytes) -> str:
    """HMAC-SHA256, hex."""
    return hmac.new(secret.encode(), f"{at_ms}.".encode() + body, hashlib.sha256).hexdigest()
