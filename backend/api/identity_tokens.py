"""Tokens that say who a visitor is.

A website signs an *identity token* for its visitor: a JWT (RFC 7519), ``sub`` naming the visitor
and ``exp`` at most a day away, with HS256 and the assistant's secret, or with the private key whose
public key the assistant knows. It is exchanged once, for a *session token* that this server signs:
half an hour long, and for the origin that it was given to. Visitors whom nobody names get a session
token with the assistant's profile, which names nobody.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from backend.api.identity_keys import algorithm_of, loaded
from knowledge.errors import InvalidInput, Unauthenticated
from knowledge.store.tables import Assistant, utc_now

SESSION_LIFETIME = timedelta(minutes=30)
LONGEST_IDENTITY = timedelta(days=1)
_LEEWAY = timedelta(seconds=30)
_LONGEST_SUBJECT = 200
_SECRET = "HS256"


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
    algorithm, key = _identity_key(assistant, token)
    claims = _decode(token, key, algorithm, audience=None)
    expires_at = datetime.fromtimestamp(int(str(claims["exp"]).partition(".")[0]), UTC)
    if expires_at > utc_now() + LONGEST_IDENTITY + _LEEWAY:
        raise refused()
    digest = hashlib.sha256(f"{assistant.id} {token.rpartition('.')[0]}".encode()).hexdigest()
    return Identity(_subject(claims), expires_at + _LEEWAY, digest)


def make_session(assistant: Assistant, subject: str | None, origin: str) -> str:
    """A session token for a visitor on pages of an origin; ``None``: nobody who is known."""
    now = utc_now()
    kind = "anonymous" if subject is None else "named"
    claims = {
        "aud": _audience(assistant),
        "org": origin,
        "iat": now,
        "exp": now + SESSION_LIFETIME,
        **({} if subject is None else {"sub": subject}),
    }
    key = _session_key(assistant, kind)
    return jwt.encode(claims, key, algorithm=_SECRET, headers={"kid": kind})


def read_session(assistant: Assistant, token: str, origin: str) -> str | None:
    """Whom a session token names, ``None`` where nobody. Raises :class:`Unauthenticated` where it
    is not valid here.
    """
    kind = _header(token).get("kid")
    if kind not in ("anonymous", "named"):
        raise refused()
    key = _session_key(assistant, kind)
    claims = _decode(token, key, _SECRET, audience=_audience(assistant))
    if claims.get("org") != origin:
        raise refused()
    return _subject(claims) if kind == "named" else None


def _identity_key(assistant: Assistant, token: str) -> tuple[str, Any]:
    """The one algorithm that is believed, and its key. A public key is never used as a secret: each
    key goes with its own algorithm, whatever the token's header asks for.
    """
    if _header(token).get("alg") == _SECRET:
        if assistant.identity_secret:
            return _SECRET, assistant.identity_secret.encode()
    elif assistant.identity_public_key:
        try:
            key = loaded(assistant.identity_public_key)
        except InvalidInput as error:
            raise refused() from error
        return algorithm_of(key), key
    raise refused()


def _audience(assistant: Assistant) -> str:
    return f"candor:session:{assistant.id}"


def _session_key(assistant: Assistant, kind: str) -> bytes:
    """Sessions of named visitors end where what their website signs with is changed."""
    parts = [kind, "candor visitor session"]
    if kind == "named":
        parts += [assistant.identity_secret, assistant.identity_public_key]
    secret = assistant.session_secret.encode()
    return hmac.new(secret, "\n".join(parts).encode(), hashlib.sha256).digest()


def _header(token: str) -> dict[str, Any]:
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError) as error:
        raise refused() from error


def _decode(token: str, key: Any, algorithm: str, audience: str | None) -> dict[str, object]:
    try:
        claims: dict[str, object] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=audience,
            leeway=_LEEWAY,
            options={"require": ["exp"], "verify_aud": audience is not None},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise refused() from error
    return claims


def _subject(claims: dict[str, object]) -> str:
    subject = str(claims.get("sub") or "").strip()
    if not subject or len(subject) > _LONGEST_SUBJECT:
        raise refused()
    return subject
