"""One signed-in person at one page: who they are, and what they may have done for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI

from backend.api.access import COOKIE, Caller, caller_by_session
from backend.api.state import AppState
from knowledge.errors import CandorError, Forbidden, NotFound, Unauthenticated
from knowledge.store.database import Database
from knowledge.store.tables import Role

VISIT = "candor.visit"
_ORIGIN = "http://console"
_FIELDS = {
    "start": "Address",
    "email": "E-mail address",
    "allowed_origins": "Websites",
    "max_pages": "At most how many pages",
    "more_starts": "One of the start pages",
    "sitemaps": "One of the sitemaps",
    "suggestions": "Suggested questions",
}


class Refused(CandorError):
    """The API said no, in its own words."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A page's view of the application, through the session of the person who opened it."""

    app: FastAPI
    state: AppState
    caller: Caller
    secret: str

    @property
    def database(self) -> Database:
        """The records."""
        return self.state.database

    @property
    def workspace_id(self) -> UUID:
        """The workspace that everything on the page belongs to."""
        return self.caller.workspace_id

    def may(self, role: Role) -> bool:
        """Whether to offer what needs a role. The API decides again when it is done."""
        return self.caller.may(role)

    async def check(self, role: Role = Role.VIEWER) -> None:
        """Raise where the session has ended meanwhile, or the role is not enough any more.

        Raises :class:`Unauthenticated` or :class:`Forbidden`. A page lives on after it was
        opened; whatever it shows later asks this first.
        """
        caller = await caller_by_session(self.state, self.secret)
        if caller.workspace_id != self.workspace_id or not caller.may(role):
            raise Forbidden(
                f"This needs the role {role}; yours is {caller.role}.",
                "Ask an owner of the workspace.",
            )

    async def send(self, method: str, path: str, body: object | None = None) -> Any:
        """Ask the API for something, as this person; a creating request is done once.

        Returns the answer's JSON, ``None`` where there is none. Raises :class:`Refused`,
        :class:`NotFound` or :class:`Unauthenticated` with the API's words.
        """
        headers = {"Origin": _ORIGIN}
        if method == "POST":
            headers["Idempotency-Key"] = uuid4().hex
        async with self._client() as client:
            response = await client.request(method, f"/api/v1{path}", json=body, headers=headers)
        if response.is_success:
            return response.json() if response.content else None
        raise _error(response)

    async def checks(self) -> dict[str, dict[str, Any]]:
        """Whether each part of the process answers: ``ok`` and ``detail`` by name."""
        async with self._client() as client:
            response = await client.get("/readyz")
        found: dict[str, dict[str, Any]] = response.json()["checks"]
        return found

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url=_ORIGIN,
            cookies={COOKIE: self.secret},
        )


def _error(response: httpx.Response) -> CandorError:
    problem = response.json()
    kind = {401: Unauthenticated, 404: NotFound}.get(response.status_code, Refused)
    if "errors" in problem:
        return kind(" ".join(_fault(one["at"], one["problem"]) for one in problem["errors"][:5]))
    return kind(problem["detail"], problem.get("action", ""))


def _fault(at: str, wrong: str) -> str:
    """What is wrong with one field of a form, in the form's words rather than the schema's."""
    named = [part for part in at.split(".") if not part.isdigit()][-1]
    name = _FIELDS.get(named, named.replace("_", " ").capitalize())
    if "at least 1 character" in wrong:
        return f"{name} must not be empty."
    if "valid URL" in wrong:
        return f"{name} is not the address of a website, such as https://www.example.com/."
    return f"{name}: {wrong.removeprefix('Value error, ')}."
