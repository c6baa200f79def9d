"""Signatures of webhooks, after Standard Webhooks (https://www.standardwebhooks.com), version 1.

``webhook-signature`` holds one or more ``v1,BASE64``: the HMAC-SHA256 over
``{webhook-id}.{webhook-timestamp}.{body}``. The key is what follows ``whsec_`` in the secret, in
Base64. What is older or newer than five minutes is refused, and whoever handles the message must
not handle the same id twice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping

from knowledge.errors import Unauthenticated

WINDOW_S = 300
_PREFIX = "whsec_"
_ID = re.compile(r"[\x21-\x7e]{1,200}")


def new_webhook_secret() -> str:
    """A secret of 256 random bits."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of a message, as its header has it."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> str:
    """The id of a message that was signed with the secret within the last five minutes.

    Raises :class:`Unauthenticated`, which never says whether there is a secret at all.
    """
    message_id, told = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(message_id) or not re.fullmatch(r"[0-9]{1,12}", told):
        raise _refused("it has no webhook-id or no webhook-timestamp in seconds")
    if abs((time.time() if now is None else now) - int(told)) > WINDOW_S:
        raise _refused(f"its webhook-timestamp is more than {WINDOW_S} seconds away from now")
    try:
        # Without a secret nothing verifies, and it takes as long to say so.
        wanted = sign(secret or new_webhook_secret(), message_id, int(told), body)
    except binascii.Error as error:
        raise _refused("the signature does not fit") from error
    given = headers.get("webhook-signature", "").encode()
    matches = [hmac.compare_digest(one, wanted.encode()) for one in given.split()]
    if not any(matches):
        raise _refused("the signature does not fit")
    return message_id


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(
        f"The message is refused: {why}.",
        "Sign `{webhook-id}.{webhook-timestamp}.{body}` with the webhook's secret (HMAC-SHA256).",
    )
