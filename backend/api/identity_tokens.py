"""Tokens that say who a visitor is.

A website signs an *identity token* for its visitor: a JWT (RFC 7519) with HS256 and the
assistant's secret, ``sub`` naming the visitor and ``exp`` at most a day away. It is exchanged
once, for a *session token* that this server signs with a key derived from the same secret: half
an hour long, and for the origin that it was given to.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from knowledge.errors import Unauthenticated
from knowledge.store.tables import Assistant, utc_now

SESSION_LIFETIME = timedelta(minutes=30)
LONGEST_IDENTITY = timedelta(days=1)
_LEEWAY = timedelta(seconds=30)
_LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an identity token names, until when, and what tells the token from others."""

    subject: str
    expires_at: datetime
    token_hash: str


def refused() -> Unauthenticated:
    """The one answer to every token that is not valid: it does not say why."""
    return Unauthenticated(
        "The visitor's token is not valid, or not any more.",
        "The website has to sign a new one; see the widget's documentation.",
    )


def read_identity(assistant: Assistant, token: str) -> Identity:
    """What an identity token says. Raises :class:`Unauthenticated` where it is not valid."""
    if not assistant.identity_secret:
        raise refused()
    claims = _decode(token, assistant.identity_secret.encode(), audience=None)
    expires_at = datetime.fromtimestamp(int(str(claims["exp"]).partition(".")[0]), UTC)
    if expires_at > utc_now() + LONGEST_IDENTITY + _LEEWAY:
        raise refused()
    digest = hashlib.sha256(f"{assistant.id} {token.rpartition('.')[0]}".encode()).hexdigest()
    return Identity(_subject(claims), expires_at + _LEEWAY, digest)


def make_session(assistant: Assistant, subject: str, origin: str) -> str:
    """A session token for a visitor on pages of an origin."""
    now = utc_now()
    claims = {
        "sub": subject,
        "aud": _audience(assistant),
        "org": origin,
        "iat": now,
        "exp": now + SESSION_LIFETIME,
    }
    return jwt.encode(claims, _session_key(assistant), algorithm="HS256")


def read_session(assistant: Assistant, token: str, origin: str) -> str:
    """Whom a session token names. Raises :class:`Unauthenticated` where it is not valid here."""
    if not assistant.identity_secret:
        raise refused()
    claims = _decode(token, _session_key(assistant), audience=_audience(assistant))
    if claims.get("org") != origin:
        raise refused()
    return _subject(claims)


def _audience(assistant: Assistant) -> str:
    return f"candor:session:{assistant.id}"


def _session_key(assistant: Assistant) -> bytes:
    secret = assistant.identity_secret.encode()
    return hmac.new(secret, b"candor visitor session", hashlib.sha256).digest()


def _decode(token: str, key: bytes, audience: str | None) -> dict[str, object]:
    try:
        claims: dict[str, object] = jwt.decode(
            token,
            key,
            algorithms=["HS256"],
            audience=audience,
            leeway=_LEEWAY,
            options={"require": ["exp", "sub"], "verify_aud": audience is not None},
        )
    except (jwt.PyJWTError, ValueError) as error:
        raise refused() from error
    return claims


def _subject(claims: dict[str, object]) -> str:
    subject = str(claims["sub"]).strip()
    if not subject or len(subject) > _LONGEST_SUBJECT:
        raise refused()
    return subject
