"""Workspaces and users, and the record of what they did."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, func, select, text
from sqlalchemy.exc import IntegrityError

from knowledge.errors import Conflict, NotFound
from knowledge.store.database import ReadSession, WriteSession
from knowledge.store.tables import AuditEntry, ExternalIdentity, Role, User, Workspace
from knowledge.store.tables.base import JsonObject

_LOCK = 7_221_904
"""Key of an advisory lock: any number that nothing else uses."""

_MOST_WORKSPACES = 5
"""So many passwords are compared at one sign-in."""


async def alone(session: WriteSession) -> None:
    """Make other processes that come here wait until this transaction has ended."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})


async def first_workspace(session: ReadSession) -> Workspace | None:
    """The workspace that was made first: the one of a single company's installation."""
    return await session.scalar(
        select(Workspace).order_by(Workspace.created_at, Workspace.id).limit(1)
    )


async def first_owner(session: ReadSession, workspace_id: UUID) -> User | None:
    """The owner that was made first."""
    return await session.scalar(
        users(workspace_id).where(User.role == Role.OWNER).order_by(User.created_at).limit(1)
    )


async def create_workspace(
    session: WriteSession, name: str, owner_email: str
) -> tuple[Workspace, User]:
    """Make a workspace with its owner."""
    workspace = Workspace(name=name)
    session.add(workspace)
    await session.flush()
    owner = User(workspace_id=workspace.id, email=owner_email, name="Owner", role=Role.OWNER)
    session.add(owner)
    await session.flush()
    return workspace, owner


def users(workspace_id: UUID) -> Select[User]:
    """The users of a workspace."""
    return select(User).where(User.workspace_id == workspace_id)


async def find_user(session: ReadSession, workspace_id: UUID, user_id: UUID) -> User:
    """A user by id. Raises :class:`NotFound`."""
    found = await session.scalar(users(workspace_id).where(User.id == user_id))
    if found is None:
        raise NotFound(f"There is no user {user_id}.")
    return found


async def find_user_by_email(session: ReadSession, workspace_id: UUID, email: str) -> User:
    """A user by e-mail address, upper and lower case alike. Raises :class:`NotFound`."""
    found = await session.scalar(
        users(workspace_id).where(func.lower(User.email) == email.strip().lower())
    )
    if found is None:
        raise NotFound(f"There is no user {email}.", "`candor status` shows the owner's address.")
    return found


async def users_by_email(session: ReadSession, email: str) -> list[User]:
    """Everybody with an e-mail address, the longest known first: at most one in a workspace.

    Who is locked out is among them.
    """
    rows = await session.scalars(
        select(User)
        .where(func.lower(User.email) == email.strip().lower())
        .order_by(User.created_at)
        .limit(_MOST_WORKSPACES)
    )
    return list(rows)


async def user_of_identity(session: ReadSession, issuer: str, subject: str) -> User | None:
    """The user that an account at an OpenID provider was connected with."""
    return await session.scalar(
        select(User)
        .join(ExternalIdentity, ExternalIdentity.user_id == User.id)
        .where(ExternalIdentity.issuer == issuer, ExternalIdentity.subject == subject)
    )


def connect_identity(session: WriteSession, user: User, issuer: str, subject: str) -> None:
    """Remember that an account at an OpenID provider is this user's."""
    session.add(ExternalIdentity(user_id=user.id, issuer=issuer, subject=subject))


async def create_user(
    session: WriteSession, workspace_id: UUID, email: str, name: str, role: Role
) -> User:
    """Add a user. Raises :class:`Conflict` where the address is taken."""
    user = User(workspace_id=workspace_id, email=email.strip(), name=name, role=role)
    session.add(user)
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(
            f"There is a user {email} already.", "Change that user, or use another address."
        ) from error
    return user


async def owners(session: ReadSession, workspace_id: UUID) -> int:
    """How many owners who may sign in a workspace has."""
    count = await session.scalar(
        select(func.count())
        .select_from(User)
        .where(
            User.workspace_id == workspace_id,
            User.role == Role.OWNER,
            User.disabled_at.is_(None),
        )
    )
    return count or 0


def record(
    session: WriteSession,
    workspace_id: UUID,
    actor: str,
    action: str,
    subject: str = "",
    detail: JsonObject | None = None,
) -> None:
    """Write down an act, in the transaction that does it. ``action``: ``noun.verb``."""
    session.add(
        AuditEntry(
            workspace_id=workspace_id,
            actor=actor[:320],
            action=action,
            subject=subject[:400],
            detail=detail or {},
        )
    )


def audit(workspace_id: UUID) -> Select[AuditEntry]:
    """The acts of a workspace."""
    return select(AuditEntry).where(AuditEntry.workspace_id == workspace_id)
