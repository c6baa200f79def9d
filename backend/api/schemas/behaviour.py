"""How an assistant behaves towards visitors: the part of its settings that the server obeys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from backend.api.schemas.handoff_rules import HandoffRules
from backend.chat.language_models import ModelChoice
from backend.chat.settings import Answering
from knowledge.errors import InvalidInput

LeadMoment = Literal["before_chat", "messages", "abstained"]
LeadField = Literal["name", "email", "phone", "note"]


def _none_or_enough(least: int) -> Callable[[int], int]:
    def check(value: int) -> int:
        if value and value < least:
            raise ValueError(f"it must be 0 or at least {least}")
        return value

    return check


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


class ModelRules(_Part):
    """What writes the answers.

    ``use``: the server's language model, if it has one (``server``); quoted sentences (``none``);
    or the model named here (``own``) by ``provider`` and ``model``, at ``base_url`` where it is
    OpenAI-compatible and not OpenAI's. Its key stands in the server's settings, by the origin of
    the endpoint. ``answer_tokens``: the longest answer; ``context_tokens``: what the model reads at
    once; 0 leaves either to the server's settings.
    """

    use: Literal["server", "none", "own"] = "server"
    provider: Literal["openai", "anthropic", "google"] = "openai"
    model: str = Field(default="", max_length=200)
    base_url: str = Field(default="", max_length=500)
    answer_tokens: Annotated[int, Field(le=32_000), AfterValidator(_none_or_enough(16))] = 0
    context_tokens: Annotated[int, Field(le=4_000_000), AfterValidator(_none_or_enough(1024))] = 0

    def choice(self) -> ModelChoice | None:
        """The model of its own, if it has one."""
        if self.use != "own":
            return None
        return ModelChoice(
            self.provider, self.model, self.base_url, self.answer_tokens, self.context_tokens
        )


class AnswerRules(_Part):
    """``confidence``: below this probability that the passages answer, nothing is quoted;
    ``null`` leaves it to the server's settings.
    """

    confidence: float | None = Field(default=None, ge=0, le=1)


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
    model: ModelRules = Field(default_factory=ModelRules)
    answers: AnswerRules = Field(default_factory=AnswerRules)
    limits: VisitorLimits = Field(default_factory=VisitorLimits)

    def answering(self) -> Answering:
        """How answers are written."""
        return Answering(self.model.choice(), self.model.use == "none", self.answers.confidence)

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
