"""OpenAI's chat completions over the wire, with citations in a field of their own."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.api.schemas.chat import CitationView


class TextPart(BaseModel):
    """A piece of a message; other kinds than text are refused."""

    type: Literal["text"]
    text: str = Field(max_length=200_000)


class ChatMessage(BaseModel):
    """A message of the conversation so far."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]

    def text(self) -> str:
        """The whole text."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class StreamOptions(BaseModel):
    """Whether a last chunk tells of the tokens."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool = False


class CompletionBody(BaseModel):
    """A request as OpenAI's clients send it. What is not named here (temperature, tools and the
    like) is an assistant's own affair and not read; so are system messages.
    """

    model_config = ConfigDict(extra="ignore")

    model: str = Field(
        max_length=200,
        description="An assistant: its name, its id, or its public key.",
        examples=["Ask us"],
    )
    messages: list[ChatMessage] = Field(
        min_length=1,
        max_length=500,
        examples=[[{"role": "user", "content": "How do I return an order?"}]],
    )
    stream: bool = False
    stream_options: StreamOptions = Field(default_factory=StreamOptions)


class Usage(BaseModel):
    """Tokens of the question and of the answer, by Candor's own tokenizer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str


class Choice(BaseModel):
    """The one choice there is."""

    index: int = 0
    message: AnswerMessage
    finish_reason: Literal["stop"] = "stop"


class Evidence(BaseModel):
    """What an answer rests on: Candor's field in a completion. ``written_by``: the language model,
    or ``extractive``.
    """

    conversation_id: str
    message_id: str
    abstained: bool
    citations: list[CitationView]
    notice: str
    written_by: str


class Completion(BaseModel):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    candor: Evidence


class ModelView(BaseModel):
    """An assistant as OpenAI's clients list it."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "candor"


class ModelList(BaseModel):
    """The assistants of the workspace."""

    object: Literal["list"] = "list"
    data: list[ModelView]


def chunk(base: dict[str, Any], delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One chunk of a streamed completion. ``base``: id, time and model, the same in all."""
    choice = {"index": 0, "delta": delta, "finish_reason": more.pop("finish_reason", None)}
    return base | {"object": "chat.completion.chunk", "choices": [choice]} | more
