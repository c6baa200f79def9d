"""How an assistant behaves towards visitors: the part of its settings that the server obeys."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from knowledge.errors import InvalidInput

LeadMoment = Literal["before_chat", "messages", "abstained"]
LeadField = Literal["name", "email", "phone", "note"]
EMAIL = r"^[^@\s]{1,64}@[^@\s]{1,255}$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class LeadRules(_Part):
    """When the widget asks for contact details; never where ``when`` is empty.

    ``after``: after this many answers, for the moment ``messages``. ``required``: whether chat
    before the first question waits for them. ``consent``: what the visitor agrees to by sending.
    """

    when: list[LeadMoment] = Field(default_factory=list, max_length=3)
    after: int = Field(default=3, ge=1, le=50)
    fields: list[LeadField] = Field(default=["name", "email"], min_length=1)
    required: bool = False
    consent: str = Field(default="", max_length=2000)


class HandoffRules(_Part):
    """Whether visitors may ask for a person, and where they write when nobody is there."""

    enabled: bool = False
    email: Annotated[str, Field(max_length=320, pattern=rf"^$|{EMAIL}")] = ""


class VisitorLimits(_Part):
    """How much visitors may ask in a day (UTC); 0 leaves a limit to the server's setting.

    ``tokens`` are those of the language model, counted by Candor's own tokenizer.
    """

    visitor_questions: int = Field(default=0, ge=0)
    questions: int = Field(default=0, ge=0)
    tokens: int = Field(default=0, ge=0)


class Behaviour(BaseModel):
    """An assistant's ``behaviour``. What is not named here belongs to others and is kept."""

    model_config = ConfigDict(extra="allow")

    tone: str = Field(default="", max_length=1000)
    anonymous: bool = True
    leads: LeadRules = Field(default_factory=LeadRules)
    handoff: HandoffRules = Field(default_factory=HandoffRules)
    limits: VisitorLimits = Field(default_factory=VisitorLimits)

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Behaviour:
        """What a record holds. Raises :class:`InvalidInput` where it was written by other hands."""
        try:
            return cls.model_validate(kept)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise InvalidInput(
                f"The assistant's behaviour is not valid at {where}.", "Save the assistant again."
            ) from error


def checked(kept: dict[str, Any]) -> dict[str, Any]:
    """A behaviour as it came, once it is known to be valid."""
    Behaviour.model_validate(kept)
    return kept
