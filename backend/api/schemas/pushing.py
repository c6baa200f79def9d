"""Pushed documents and webhooks over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, HttpUrl, model_validator

from backend.api.schemas.base import Body
from backend.api.schemas.content import DocumentView, SourceView
from backend.api.schemas.runs import RunView


def printable(external_id: str) -> str:
    """The external id. Raises ``ValueError`` where it cannot be shown as it is."""
    if not external_id.isprintable() or external_id != external_id.strip():
        raise ValueError("must have no control characters and no spaces around it")
    return external_id


ExternalId = Annotated[
    str,
    Field(min_length=1, max_length=400, examples=["shop/returns"]),
    AfterValidator(printable),
]


class Told(Body):
    """What the sender says of a document. It stands above what the document says of itself.

    ``address`` is what citations link to.
    """

    title: str = Field(default="", max_length=1000, examples=["Returns"])
    address: HttpUrl | None = Field(default=None, examples=["https://www.example.com/returns"])
    language: str = Field(default="", pattern=r"^([a-z]{2,3})?$", examples=["en"])
    modified_at: datetime | None = Field(default=None, examples=["2026-11-20T09:30:00Z"])

    def as_json(self) -> dict[str, Any]:
        """What is kept of it with the document, without the address."""
        told = {"title": self.title, "language": self.language}
        if self.modified_at is not None:
            told["modified_at"] = self.modified_at.isoformat()
        return {name: value for name, value in told.items() if value}


class PushedText(Told):
    """A document as text (Markdown is understood) or as HTML: one of the two."""

    text: str | None = Field(default=None, min_length=1)
    html: str | None = Field(default=None, min_length=1, examples=["<h1>Returns</h1><p>...</p>"])

    @model_validator(mode="after")
    def _one_of_them(self) -> PushedText:
        if (self.text is None) == (self.html is None):
            raise ValueError("send either `text` or `html`")
        return self


class PushedView(BaseModel):
    """What pushing a document came to.

    ``run`` reads it; there is none where the same was pushed before (``changed`` is false).
    """

    document: DocumentView
    created: bool
    changed: bool
    run: RunView | None


class NewWebhook(Body):
    """A webhook to be made: a source of its own, whose documents its sender looks after."""

    name: str = Field(min_length=1, max_length=500, examples=["Content management"])


class WebhookSecret(BaseModel):
    """The secret of a webhook. It is shown once."""

    url: str = Field(examples=["/api/v1/webhooks/7d0f7f0e-6f0c-4f53-a0f5-7a6f2d6c9a11"])
    secret: str = Field(examples=["whsec_..."])


class WebhookCreated(WebhookSecret):
    """A webhook that was made."""

    source: SourceView


class PutData(PushedText):
    """A document to be added, or to take the place of the one with its external id."""

    external_id: ExternalId


class DeleteData(Body):
    """A document to be removed."""

    external_id: ExternalId


class PutEvent(BaseModel):
    """A document was written or changed. ``timestamp`` and other fields are not looked at."""

    type: Literal["document.put"]
    data: PutData


class DeleteEvent(BaseModel):
    """A document was deleted."""

    type: Literal["document.delete"]
    data: DeleteData


class EventDone(BaseModel):
    """What an event came to. ``removed``: number of documents."""

    external_id: str
    document_id: UUID
    changed: bool
    removed: int = 0
    run_id: UUID | None = None
