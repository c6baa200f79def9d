"""Who a visitor is, and whether an assistant speaks to them.

Every address below ``/assistants/{public_key}`` asks here first: the page's origin must be one
that the assistant lists, and every visitor has a session token. It names the visitor, or, where the
assistant speaks to strangers, nobody: then a secret that the visitor's browser keeps tells them
apart.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Annotated, NoReturn

from fastapi import Depends, Header, Path, Request

from backend.api.abuse import note
from backend.api.access import own_origins, page_origin
from backend.api.identity_tokens import read_session
from backend.api.limits import RateLimit
from backend.api.schemas.behaviour import Behaviour
from backend.api.state import AppState, State
from knowledge.errors import CandorError, Forbidden, LimitExceeded, Unauthenticated
from knowledge.store.conversations import Reader
from knowledge.store.queries.assistants import find_public_assistant
from knowledge.store.tables import Assistant

OWN = "self"
"""The origin of this server's own pages."""


@dataclass(frozen=True, slots=True)
class Door:
    """An assistant that a request may speak to, and what it came with.

    ``origin`` is that of the page, :data:`OWN` for this server's. ``session`` is the bearer token,
    unread.
    """

    request: Request
    assistant: Assistant
    behaviour: Behaviour
    origin: str
    address: str
    session: str

    def reader(self, secret: str) -> Reader:
        """The visitor: whom the session token names, or else by the browser's secret.

        Raises :class:`Unauthenticated` where there is no token or it is not valid, or it names
        nobody and the assistant speaks to no strangers.
        """
        assistant, subject = self.assistant, None
        if self.session:
            try:
                subject = read_session(assistant, self.session, self.origin)
            except Unauthenticated as error:
                refuse("session", self, error)
        if subject is not None:
            return self.identified(subject)
        if not self.behaviour.anonymous:
            refuse(
                "anonymous",
                self,
                Unauthenticated(
                    "This assistant answers signed-in visitors of its website alone.",
                    "Sign in on the website, and open the chat again.",
                ),
            )
        if not self.session:
            refuse(
                "no_session",
                self,
                Unauthenticated(
                    "The visitor's session is missing.",
                    "Read the assistant's profile: it has one in `session`.",
                ),
            )
        return Reader(assistant.workspace_id, assistant.id, secret)

    def identified(self, subject: str) -> Reader:
        """The visitor whom a token names."""
        # A browser's secret has no space in it, so nobody can pretend to be this visitor.
        return Reader(self.assistant.workspace_id, self.assistant.id, f"identified {subject}")


def refuse(why: str, door: Door, error: CandorError) -> NoReturn:
    """Log a refusal, which may be a sign of abuse, and raise it."""
    cause = type(error.__cause__).__name__ if error.__cause__ else ""
    facts = {"limit": error.limit} if isinstance(error, LimitExceeded) else {}
    note(
        door.request.scope,
        why,
        assistant=str(door.assistant.id),
        origin=door.origin,
        cause=cause,
        **facts,
    )
    raise error


async def open_door(
    request: Request, state: State, public_key: Annotated[str, Path(max_length=64)]
) -> Door:
    """The assistant, if this request may speak to it.

    Raises :class:`NotFound`, and :class:`Forbidden` where the request comes from a page of an
    origin that the assistant does not list, or from no page at all.
    """
    address = client_address(request)
    try:
        state.limits.public_reads.take(address)
    except LimitExceeded as error:
        note(request.scope, "limit", limit=error.limit)
        raise
    async with state.database.reading() as session:
        assistant = await find_public_assistant(session, public_key)
    origin = page_origin(request, state)
    is_own = origin in own_origins(request, state)
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    door = Door(
        request=request,
        assistant=assistant,
        behaviour=Behaviour.of(assistant.behaviour),
        origin=OWN if is_own else origin or "",
        address=address,
        session=bearer.strip() if scheme.lower() == "bearer" else "",
    )
    if origin is None:
        refuse(
            "no_origin",
            door,
            Forbidden(
                "This address answers the pages of websites, and the request came from none.",
                "A program asks at /api/v1/chat or /v1/chat/completions, with an API token.",
            ),
        )
    if not is_own:
        if origin.lower() not in assistant.allowed_origins:
            refuse(
                "origin",
                door,
                Forbidden(
                    "This assistant does not answer on this website.",
                    "Add the website's origin to the assistant's allowed origins.",
                ),
            )
        request.state.cors_origin = origin
    return door


Opened = Annotated[Door, Depends(open_door)]
Secret = Annotated[
    str,
    Header(
        alias="X-Candor-Visitor",
        max_length=200,
        pattern=r"^\S*$",
        description="The secret that the visitor's browser keeps; not needed with a session.",
    ),
]


def client_address(request: Request) -> str:
    """The address that a request came from."""
    return request.client.host if request.client else ""


async def count(state: AppState, door: Door, *limits: tuple[RateLimit, Hashable]) -> None:
    """Count a request against limits. Raises :class:`LimitExceeded`, and logs it."""
    try:
        await state.limits.take(*limits)
    except LimitExceeded as error:
        refuse("limit", door, error)


async def count_question(state: AppState, door: Door, reader: Reader) -> None:
    """Count a question against the limits of a minute. Raises :class:`LimitExceeded`."""
    limits, assistant = state.limits, door.assistant
    whom = [(limits.chat_by_visitor, (reader.visitor_name, assistant.id))]
    await count(
        state,
        door,
        (limits.chat_by_address, (door.address, assistant.id)),
        *(whom if reader.visitor_name else []),
        (limits.chat_by_assistant, assistant.id),
    )
