"""Secrets that let somebody in: one-time links, sessions, API tokens. Only hashes are kept.

The secrets are random with 256 bits, so a plain SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, delete, exists, or_, select, update

from knowledge.errors import NotFound, Unauthenticated
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.tables import ApiToken, Role, SignInLink, User, UserSession, utc_now

LINK_LIFETIME = timedelta(hours=24)
SESSION_LIFETIME = timedelta(days=30)
TOKEN_PREFIX = "candor"
_SEEN_EVERY = timedelta(minutes=5)


def new_secret(prefix: str = "") -> str:
    """A secret of 256 random bits, safe in an address."""
    value = secrets.token_urlsafe(32)
    return f"{prefix}_{value}" if prefix else value


def hash_secret(secret: str) -> str:
    """What is kept of a secret: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user with the session that proves it."""

    user: User
    session: UserSession


async def create_link(session: WriteSession, user_id: UUID) -> str:
    """Make a sign-in link for a user and return its token; links made before stop working."""
    await session.execute(
        delete(SignInLink).where(SignInLink.user_id == user_id, SignInLink.used_at.is_(None))
    )
    token = new_secret()
    session.add(
        SignInLink(
            user_id=user_id, token_hash=hash_secret(token), expires_at=utc_now() + LINK_LIFETIME
        )
    )
    return token


async def use_link(session: WriteSession, token: str, user_agent: str) -> tuple[User, str]:
    """Turn a link into a session, once. Returns the user and the session's secret.

    Raises :class:`Unauthenticated` where the link is unknown, used or too old.
    """
    now = utc_now()
    used = await session.scalar(
        update(SignInLink)
        .where(
            SignInLink.token_hash == hash_secret(token),
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > now,
        )
        .values(used_at=now)
        .returning(SignInLink.user_id)
    )
    user = await session.get(User, used) if used else None
    if user is None or user.disabled_at is not None:
        raise Unauthenticated(
            "This sign-in link is unknown, was used already, or is older than 24 hours.",
            "Run `candor user link` on the server to get a new one.",
        )
    return user, open_session(session, user, user_agent)


def open_session(session: WriteSession, user: User, user_agent: str) -> str:
    """Sign a user in who has proved who they are. Returns the session's secret."""
    secret, now = new_secret(), utc_now()
    session.add(
        UserSession(
            user_id=user.id,
            token_hash=hash_secret(secret),
            expires_at=now + SESSION_LIFETIME,
            last_seen_at=now,
            user_agent=user_agent[:300],
        )
    )
    return secret


async def has_signed_in(session: ReadSession, role: Role) -> bool:
    """Whether anybody with this role has ever signed in."""
    query = select(exists().where(UserSession.user_id == User.id, User.role == role))
    return bool(await session.scalar(query))


async def find_session(session: ReadSession, secret: str) -> SignedIn | None:
    """The signed-in user that a session's secret belongs to."""
    row = (
        await session.execute(
            select(User, UserSession)
            .join(UserSession, UserSession.user_id == User.id)
            .where(
                UserSession.token_hash == hash_secret(secret),
                UserSession.revoked_at.is_(None),
                UserSession.expires_at > utc_now(),
                User.disabled_at.is_(None),
            )
        )
    ).one_or_none()
    return SignedIn(row[0], row[1]) if row else None


async def list_sessions(session: ReadSession, user_id: UUID) -> list[UserSession]:
    """The sessions of a user that are still good, newest first."""
    rows = await session.scalars(
        select(UserSession)
        .where(
            UserSession.user_id == user_id,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > utc_now(),
        )
        .order_by(UserSession.created_at.desc())
    )
    return list(rows)


async def revoke_session(session: WriteSession, user_id: UUID, session_id: UUID) -> None:
    """End one session of a user. Raises :class:`NotFound`."""
    done = await session.scalar(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.user_id == user_id)
        .values(revoked_at=utc_now())
        .returning(UserSession.id)
    )
    if done is None:
        raise NotFound(f"There is no session {session_id}.")


async def end_sessions(
    session: WriteSession, user_id: UUID, but: UUID | None = None, but_secret: str = ""
) -> int:
    """End every session of a user, except the one that is named by its id or its secret.

    Returns how many ended.
    """
    query = update(UserSession).where(
        UserSession.user_id == user_id, UserSession.revoked_at.is_(None)
    )
    if but is not None:
        query = query.where(UserSession.id != but)
    if but_secret:
        query = query.where(UserSession.token_hash != hash_secret(but_secret))
    ended = await session.scalars(query.values(revoked_at=utc_now()).returning(UserSession.id))
    return len(ended.all())


async def end_session(session: WriteSession, secret: str) -> None:
    """End the session that a secret belongs to, if there is one."""
    await session.execute(
        update(UserSession)
        .where(UserSession.token_hash == hash_secret(secret), UserSession.revoked_at.is_(None))
        .values(revoked_at=utc_now())
    )


async def create_token(
    session: WriteSession,
    workspace_id: UUID,
    name: str,
    role: Role,
    created_by: UUID | None,
    expires_at: datetime | None,
) -> tuple[ApiToken, str]:
    """Make an API token. Returns the record and the token, which is not kept."""
    token = new_secret(TOKEN_PREFIX)
    record = ApiToken(
        workspace_id=workspace_id,
        name=name,
        role=role,
        prefix=token[: len(TOKEN_PREFIX) + 5],
        token_hash=hash_secret(token),
        created_by=created_by,
        expires_at=expires_at,
    )
    session.add(record)
    await session.flush()
    return record, token


def tokens(workspace_id: UUID) -> Select[ApiToken]:
    """The API tokens of a workspace, revoked ones too."""
    return select(ApiToken).where(ApiToken.workspace_id == workspace_id)


async def find_token(session: ReadSession, token: str) -> ApiToken | None:
    """The API token that these words are, if it is still good."""
    return await session.scalar(
        select(ApiToken).where(
            ApiToken.token_hash == hash_secret(token),
            ApiToken.revoked_at.is_(None),
            or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > utc_now()),
        )
    )


async def revoke_token(session: WriteSession, workspace_id: UUID, token_id: UUID) -> ApiToken:
    """End an API token. Raises :class:`NotFound`."""
    record: ApiToken | None = await session.scalar(
        update(ApiToken)
        .where(ApiToken.id == token_id, ApiToken.workspace_id == workspace_id)
        .values(revoked_at=utc_now())
        .returning(ApiToken)
    )
    if record is None:
        raise NotFound(f"There is no API token {token_id}.")
    return record


def seen_long_ago(last: datetime | None) -> bool:
    """Whether the last use is worth writing down again."""
    return last is None or utc_now() - last > _SEEN_EVERY


async def touch(
    session: WriteSession, table: type[ApiToken] | type[UserSession], record_id: UUID
) -> None:
    """Write down that a token or session was used now."""
    column = "last_used_at" if table is ApiToken else "last_seen_at"
    await session.execute(update(table).where(table.id == record_id).values({column: utc_now()}))
