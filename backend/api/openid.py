"""Signing in at an OpenID provider: Authorization Code with PKCE, and an ID token that is checked.

OpenID Connect Core 1.0 section 3.1 and Discovery 1.0; the protocol is Authlib's, the signature
joserfc's (extra ``oidc``). The provider is the owner's setting and no user's word: it is asked
directly, while addresses of content still go through the guard of the crawler.
"""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import structlog
from pydantic import BaseModel, HttpUrl, ValidationError

from knowledge.errors import (
    CandorError,
    Forbidden,
    InvalidSettings,
    MissingExtra,
    SiteUnavailable,
    Unauthenticated,
)
from knowledge.store.queries.credentials import new_secret

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

_log = structlog.get_logger()
_TIMEOUT_S = 10.0
_FRESH_S = 3600.0
_LEEWAY_S = 60
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
_SEPARATOR = "."


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """Which provider, as whom, and whose addresses may come in without being known.

    ``domains``: lower-case e-mail domains whose people get an account at their first sign-in.
    """

    issuer: str
    client_id: str
    client_secret: str
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a browser keeps between leaving for the provider and coming back."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Attempt:
        """Three secrets for one sign-in."""
        return cls(new_secret(), new_secret(), new_secret())

    @classmethod
    def read(cls, cookie: str) -> Attempt | None:
        """What :meth:`cookie` wrote; ``None`` for anything else."""
        parts = cookie.split(_SEPARATOR)
        return cls(*parts) if len(parts) == 3 and all(parts) else None

    def cookie(self) -> str:
        """As the value of a cookie."""
        return _SEPARATOR.join((self.state, self.nonce, self.verifier))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says somebody is. ``email`` is one that it has verified."""

    issuer: str
    subject: str
    email: str
    name: str


class _Endpoints(BaseModel):
    """The part of a provider's metadata that is used."""

    issuer: str
    authorization_endpoint: HttpUrl
    token_endpoint: HttpUrl
    jwks_uri: HttpUrl


class OpenIdProvider:
    """One provider; what it publishes about itself is read when it is first needed."""

    def __init__(self, settings: OpenIdSettings) -> None:
        """Raises :class:`InvalidSettings` and :class:`MissingExtra`."""
        parts = urlsplit(settings.issuer)
        loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
            raise InvalidSettings(
                f"CANDOR_OIDC_ISSUER is {settings.issuer}, which is not an https address.",
                "Set it to the issuer that the provider names, such as https://login.example.com.",
            )
        if not settings.client_id or not settings.client_secret:
            raise InvalidSettings(
                "CANDOR_OIDC_ISSUER is set without a client.",
                "Set CANDOR_OIDC_CLIENT_ID and CANDOR_OIDC_CLIENT_SECRET too.",
            )
        try:
            import authlib  # noqa: F401
            import joserfc  # noqa: F401
        except ImportError as error:
            raise MissingExtra(
                "CANDOR_OIDC_ISSUER needs packages that are not installed.",
                "Install the extra: pip install 'candor[oidc]'.",
            ) from error
        self.settings = settings
        self.name = parts.hostname or settings.issuer
        self._endpoints: tuple[float, _Endpoints] | None = None

    async def address(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where to send a browser. Raises :class:`SiteUnavailable`."""
        endpoints = await self._discover()
        async with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                str(endpoints.authorization_endpoint),
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
        return str(url)

    async def identity(
        self, attempt: Attempt, state: str, code: str, redirect_uri: str
    ) -> Identity:
        """Who came back from the provider with ``code``.

        Raises :class:`Unauthenticated` where the answer does not belong to the attempt or is not
        the provider's, :class:`Forbidden` without a verified e-mail address, and
        :class:`SiteUnavailable`.
        """
        if not hmac.compare_digest(state.encode(), attempt.state.encode()):
            raise Unauthenticated("This answer belongs to another sign-in.", "Sign in again.")
        endpoints = await self._discover()
        claims = await self._claims(attempt, code, redirect_uri, endpoints)
        email = str(claims.get("email") or "")
        if "@" not in email or claims.get("email_verified") not in (True, "true"):
            raise Forbidden(
                f"{self.name} does not confirm an e-mail address of yours.",
                "Verify the address there, or ask its administrator to send email_verified.",
            )
        return Identity(
            endpoints.issuer, str(claims["sub"]), email, str(claims.get("name") or "")[:200]
        )

    async def _claims(
        self, attempt: Attempt, code: str, redirect_uri: str, endpoints: _Endpoints
    ) -> dict[str, Any]:
        """The claims of the ID token that the code is worth, each of them checked."""
        from authlib.common.errors import AuthlibBaseError
        from joserfc import jwt
        from joserfc.errors import JoseError

        try:
            async with self._client(redirect_uri) as client:
                token = await client.fetch_token(
                    str(endpoints.token_endpoint), code=code, code_verifier=attempt.verifier
                )
            keys = await self._keys(endpoints)
            found = jwt.decode(token["id_token"], keys, algorithms=_ALGORITHMS)
            jwt.JWTClaimsRegistry(
                now=int(time.time()),
                leeway=_LEEWAY_S,
                iss={"essential": True, "value": endpoints.issuer},
                aud={"essential": True, "value": self.settings.client_id},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
                nonce={"essential": True, "value": attempt.nonce},
            ).validate(found.claims)
        except httpx2.HTTPError as error:
            raise self._unavailable(error) from error
        except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
            # The words may hold a token's claims, which are no visitor's to read.
            _log.warning("openid refused", issuer=self.settings.issuer, error=repr(error)[:300])
            raise Unauthenticated(
                f"{self.name} did not confirm this sign-in.", "Sign in again."
            ) from error
        claims = dict(found.claims)
        party = claims.get("azp", self.settings.client_id)
        if party != self.settings.client_id:
            raise Unauthenticated(f"{self.name} confirmed another application.", "Sign in again.")
        return claims

    async def _keys(self, endpoints: _Endpoints) -> KeySet:
        from joserfc.jwk import KeySet

        async with httpx2.AsyncClient(timeout=_TIMEOUT_S) as client:
            answer = await client.get(str(endpoints.jwks_uri))
        answer.raise_for_status()
        return KeySet.import_key_set(answer.json())

    async def _discover(self) -> _Endpoints:
        """The provider's metadata, read again after an hour."""
        if self._endpoints is not None and time.monotonic() - self._endpoints[0] < _FRESH_S:
            return self._endpoints[1]
        address = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            async with httpx2.AsyncClient(timeout=_TIMEOUT_S) as client:
                answer = await client.get(address)
                answer.raise_for_status()
                found = _Endpoints.model_validate_json(answer.content)
        except (httpx2.HTTPError, ValidationError) as error:
            raise self._unavailable(error) from error
        if found.issuer != self.settings.issuer:
            raise SiteUnavailable(
                f"{address} speaks for {found.issuer}.",
                "Set CANDOR_OIDC_ISSUER to exactly that, if it is the provider meant.",
            )
        self._endpoints = (time.monotonic(), found)
        return found

    def _client(self, redirect_uri: str) -> Any:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        return AsyncOAuth2Client(
            self.settings.client_id,
            self.settings.client_secret,
            scope="openid email profile",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=_TIMEOUT_S,
        )

    def _unavailable(self, error: Exception) -> CandorError:
        _log.warning("openid unavailable", issuer=self.settings.issuer, error=repr(error)[:300])
        return SiteUnavailable(
            f"{self.name} does not answer as an OpenID provider.",
            "Try again later, or sign in with a link.",
        )
