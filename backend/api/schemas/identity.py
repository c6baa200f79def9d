"""Users, tokens, sessions and the audit log over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from backend.api.schemas.base import Body
from knowledge.store.tables import ApiToken, AuditEntry, Role, User, UserSession


class NewUser(Body):
    """A user to be made; a sign-in link comes back with the user."""

    email: str = Field(
        min_length=3, max_length=320, pattern=r"^[^@\s]+@[^@\s]+$", examples=["ada@example.com"]
    )
    name: str = Field(default="", max_length=200)
    role: Role = Role.VIEWER


class UserChange(Body):
    """What may be changed of a user; what is left out stays."""

    name: str | None = Field(default=None, max_length=200)
    role: Role | None = None
    disabled: bool | None = None


class UserView(BaseModel):
    """A user."""

    id: UUID
    email: str
    name: str
    role: Role
    disabled: bool
    created_at: datetime

    @classmethod
    def of(cls, row: User) -> UserView:
        """The view of a record."""
        return cls(
            id=row.id,
            email=row.email,
            name=row.name,
            role=Role(row.role),
            disabled=row.disabled_at is not None,
            created_at=row.created_at,
        )


class LinkView(BaseModel):
    """A sign-in link: good once, for 24 hours. It is shown here and never again."""

    email: str
    path: str = Field(examples=["/sign-in?token=..."])
    expires_at: datetime


class Me(BaseModel):
    """Who a request comes from."""

    actor: str
    role: Role
    workspace_id: UUID
    user: UserView | None = None
    has_password: bool = False


class NewPassword(Body):
    """A password to be set. ``current`` is needed where there is one."""

    current: str = Field(default="", max_length=200)
    new: str = Field(max_length=1000, examples=["several words that you remember"])


class NewToken(Body):
    """An API token to be made."""

    name: str = Field(min_length=1, max_length=200, examples=["shop backend"])
    role: Role = Role.VIEWER
    expires_at: datetime | None = None


class TokenView(BaseModel):
    """An API token without its secret."""

    id: UUID
    name: str
    role: Role
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: ApiToken) -> TokenView:
        """The view of a record."""
        return cls(
            id=row.id,
            name=row.name,
            role=Role(row.role),
            prefix=row.prefix,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )


class TokenCreated(TokenView):
    """A new API token. ``token`` is shown here and never again."""

    token: str


class SessionView(BaseModel):
    """A signed-in browser."""

    id: UUID
    user_agent: str
    created_at: datetime
    last_seen_at: datetime | None
    expires_at: datetime
    current: bool

    @classmethod
    def of(cls, row: UserSession, current: UUID | None) -> SessionView:
        """The view of a record."""
        return cls(
            id=row.id,
            user_agent=row.user_agent,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
            current=row.id == current,
        )


class AuditView(BaseModel):
    """One act."""

    id: UUID
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    created_at: datetime

    @classmethod
    def of(cls, row: AuditEntry) -> AuditView:
        """The view of a record."""
        return cls(
            id=row.id,
            actor=row.actor,
            action=row.action,
            subject=row.subject,
            detail=row.detail,
            created_at=row.created_at,
        )
