"""Edits of passages over the wire."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from backend.api.schemas.base import Body
from backend.api.schemas.runs import RunView
from knowledge.store.tables import PassageEdit


class PassageChange(Body):
    """What an editor makes of a passage; what is left out stays."""

    text: str | None = Field(
        default=None,
        min_length=1,
        max_length=20_000,
        examples=["Goods can be returned within 60 days."],
    )
    hidden: bool | None = Field(default=None, description="Whether searches leave it out.")

    @model_validator(mode="after")
    def _says_something(self) -> PassageChange:
        if self.text is None and self.hidden is None:
            raise ValueError("text or hidden is needed")
        if self.text is not None and not self.text.strip():
            raise ValueError("text must not be empty; hide the passage instead")
        return self


class EditView(BaseModel):
    """An edit. ``original``: the words of the document that it stands for.

    ``lost``: the document has changed in these words, and no passage has the edit any more.
    """

    id: UUID
    document_id: UUID
    original: str
    text: str
    hidden: bool
    editor: str
    updated_at: datetime
    lost: bool = False

    @classmethod
    def of(cls, row: PassageEdit, lost: bool = False) -> EditView:
        """The view of a record."""
        return cls(
            id=row.id,
            document_id=row.document_id,
            original=row.original,
            text=row.text,
            hidden=row.hidden,
            editor=row.editor,
            updated_at=row.updated_at,
            lost=lost,
        )


class PassageEdited(BaseModel):
    """An edit, and the run that puts it into the index. The passage gets another id there."""

    edit: EditView
    run: RunView
