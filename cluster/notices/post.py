"""One signed POST, after the Standard Webhooks specification. The only user of standardwebhooks.

It does not know what is told, or what follows from the answer. Redirects are not followed and
proxies not used: the operator allowed one place, not where that one points to.
"""

import ssl
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from standardwebhooks.webhooks import Webhook

from bodyswap.errors import UsageError

_AGENT = "bodyswap-webhooks"
_PREFIX = "whsec_"
_LEAST_KEY_BYTES = 24
_HOW_TO_SET = (
    "set $BODYSWAP_WEBHOOK_SECRET to whsec_ and 24 to 64 random bytes in base64, such as"
    " whsec_$(openssl rand -base64 32)"
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a POST: the HTTP status, 0 without one, and how long to let the server alone."""

    status: int
    told: str
    retry_after_s: float = 0.0

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """True where the server asks never to be posted to again."""
        return self.status == 410


def post(
    url: str, *, message: str, body: str, secrets: Sequence[str], now_s: float, timeout_s: float
) -> Answer:
    """POST `body` as the message of that id, signed at `now_s` with each of the secrets."""
    headers = signed_headers(message, body, secrets, now_s)
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.hostname or ""
    connection = (
        HTTPSConnection(host, parts.port, timeout=timeout_s, context=ssl.create_default_context())
        if parts.scheme == "https"
        else HTTPConnection(host, parts.port, timeout=timeout_s)
    )
    try:
        connection.request("POST", target, body.encode(), headers)
        response = connection.getresponse()
        return Answer(
            status=response.status,
            told=f"{response.status} {response.reason}",
            retry_after_s=_seconds(response.getheader("Retry-After")),
        )
    except (OSError, HTTPException) as error:
        return Answer(status=0, told=f"{type(error).__name__}: {error}")
    finally:
        connection.close()


def signed_headers(message: str, body: str, secrets: Sequence[str], now_s: float) -> dict[str, str]:
    """The headers that prove who sent the message, and when."""
    instant = datetime.fromtimestamp(int(now_s), UTC)
    signatures = (Webhook(secret).sign(message, instant, body) for secret in secrets)
    return {
        "content-type": "application/json",
        "user-agent": _AGENT,
        "webhook-id": message,
        "webhook-timestamp": str(int(now_s)),
        "webhook-signature": " ".join(signatures),
    }


def check_secrets(secrets: Sequence[str]) -> None:
    """Refuse to sign with nothing, or with what can be guessed. No message has a secret in it."""
    if not secrets:
        raise UsageError(f"webhooks have no secret to sign with; {_HOW_TO_SET}")
    for number, secret in enumerate(secrets, start=1):
        if _key_bytes(secret) < _LEAST_KEY_BYTES:
            raise UsageError(f"webhook secret {number} of {len(secrets)} is none; {_HOW_TO_SET}")


def _key_bytes(secret: str) -> int:
    """How many bytes the secret has; 0 where it is not written as one."""
    if not secret.startswith(_PREFIX):
        return 0
    try:
        return len(b64decode(secret.removeprefix(_PREFIX), validate=True))
    except ValueError:
        return 0


def _seconds(text: str | None) -> float:
    """A Retry-After in seconds; one that is a date is taken for none."""
    return float(text) if text is not None and text.strip().isdigit() else 0.0
