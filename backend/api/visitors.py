"""Who a visitor is, and whether an assistant speaks to them.

Every address below ``/assistants/{public_key}`` asks here first: the page's origin must be one
that the assistant lists, and the visitor is known by a session token, or, where the assistant
allows it, only by a secret that the visitor's browser keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NoReturn

import structlog
from fastapi import Depends, Header, Path, Request

from backend.api.access import own_origins
from backend.api.identity_tokens import read_session
from backend.api.schemas.behaviour import Behaviour
from backend.api.state import AppState, State
from knowledge.errors import CandorError, Forbidden, Unauthenticated
from knowledge.store.conversations import Reader
from knowledge.store.queries.assistants import find_public_assistant
from knowledge.store.tables import Assistant

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Door:
    """An assistant that a request may speak to, and what it came with.

    ``origin`` is empty where no browser said one. ``session`` is the bearer token, unread.
    """

    assistant: Assistant
    behaviour: Behaviour
    origin: str
    address: str
    session: str

    def reader(self, secret: str) -> Reader:
        """The visitor: by the session token where there is one, else by the browser's secret.

        Raises :class:`Unauthenticated` where the token is not valid, or there is none and the
        assistant speaks to no strangers.
        """
        assistant = self.assistant
        if self.session:
            try:
                subject = read_session(assistant, self.session, self.origin)
            except Unauthenticated as error:
                refuse("session", self, error)
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
        return Reader(assistant.workspace_id, assistant.id, secret)

    def identified(self, subject: str) -> Reader:
        """The visitor whom a token names."""
        # A browser's secret has no space in it, so nobody can pretend to be this visitor.
        return Reader(self.assistant.workspace_id, self.assistant.id, f"identified {subject}")


def refuse(why: str, door: Door, error: CandorError) -> NoReturn:
    """Log a refusal, which may be a sign of abuse, and raise it."""
    _log.warning(
        "visitor_refused",
        why=why,
        assistant=str(door.assistant.id),
        origin=door.origin,
        address=door.address,
    )
    raise error


async def open_door(
    request: Request, state: State, public_key: Annotated[str, Path(max_length=64)]
) -> Door:
    """The assistant, if this request may speak to it.

    Raises :class:`NotFound`, and :class:`Forbidden` where a browser sent the request from a page
    of an origin that the assistant does not list.
    """
    address = client_address(request)
    state.limits.public_reads.take(address)
    async with state.database.reading() as session:
        assistant = await find_public_assistant(session, public_key)
    origin = request.headers.get("origin")
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    door = Door(
        assistant=assistant,
        behaviour=Behaviour.of(assistant.behaviour),
        origin=origin or "",
        address=address,
        session=bearer.strip() if scheme.lower() == "bearer" else "",
    )
    if origin is not None and origin not in own_origins(request, state):
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


def take_question(state: AppState, door: Door, reader: Reader) -> None:
    """Count a question against the limits of a minute. Raises :class:`LimitExceeded`."""
    limits, assistant = state.limits, door.assistant
    limits.chat_by_address.take((door.address, assistant.id))
    if reader.visitor_name:
        limits.chat_by_visitor.take((reader.visitor_name, assistant.id))
    limits.chat_by_assistant.take(assistant.id)
