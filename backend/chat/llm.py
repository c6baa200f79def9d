"""Language models, through llama-index: any OpenAI-compatible endpoint, Anthropic, Google.

llama-index takes seconds to import, so it is imported where the first answer needs it, or ahead of
it by :meth:`LanguageModel.warm`.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    aclosing,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from backend.chat.prompt import Prompt, condensing
from backend.chat.writer import Exchange
from knowledge.errors import FetchError, InvalidSettings, LanguageModelError, MissingExtra

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

Provider = Literal["openai", "anthropic", "google"]
Addresses = Callable[[str, int], Awaitable[list[str]]]
"""The network addresses of a host and a port that may be connected to, in order.

Raises :class:`AddressRefused` and :class:`SiteUnavailable`.
"""
_CONDENSE_TOKENS = 120
_NO_KEY = "none"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model, and where. ``timeout_s`` is the longest wait for its next word, in seconds.

    ``of_assistant``: whether an assistant names it; otherwise the server's settings do.
    """

    provider: Provider
    model: str
    base_url: str = ""
    api_key: str = ""
    timeout_s: float = 60.0
    answer_tokens: int = 800
    context_tokens: int = 8_192
    of_assistant: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """The model has come to an end. ``cut``: at its token limit, in the middle of what it said."""

    cut: bool = False


Deltas = AsyncGenerator[str | Stop, None]


class LanguageModel:
    """A language model that writes answers. Safe to share between turns.

    Raises :class:`InvalidSettings` where no model is named. ``name`` is the model's.
    ``addresses``: the guard of its connections, for an endpoint that the operator has not chosen.
    """

    def __init__(self, settings: ModelSettings, addresses: Addresses | None = None) -> None:
        if not settings.model:
            raise InvalidSettings(
                "A language model provider is set, but no model.", "Set CANDOR_LLM_MODEL."
            )
        self.name = settings.model
        self.settings = settings
        self._addresses = addresses
        self._opening = asyncio.Lock()
        self._access: _Access | None = None

    async def warm(self) -> None:
        """Import what the first answer needs, without holding up the event loop.

        Raises :class:`MissingExtra` where the provider's package is not installed.
        """
        await self._open()

    async def stream(self, prompt: Prompt) -> Deltas:
        """The model's words as they come, without its reasoning, and one :class:`Stop`.

        Raises :class:`LanguageModelError` where the model refuses, fails, falls silent, or breaks
        off. Words that came before an error are the model's own, and incomplete.
        """
        async with (
            aclosing(self._deltas(prompt, self.settings.answer_tokens)) as deltas,
            aclosing(_without_reasoning(deltas)) as spoken,
        ):
            async for words in spoken:
                yield words

    async def condense(self, question: str, history: Sequence[Exchange]) -> str:
        """A follow-up question made to stand alone. Raises :class:`LanguageModelError`."""
        said: list[str] = []
        async with (
            aclosing(self._deltas(condensing(question, history), _CONDENSE_TOKENS)) as deltas,
            aclosing(_without_reasoning(deltas)) as spoken,
        ):
            async for words in spoken:
                if isinstance(words, str):
                    said.append(words)
        alone = " ".join("".join(said).split()).strip("\"'“”")
        return alone or question

    async def _deltas(self, prompt: Prompt, tokens: int) -> Deltas:
        access = await self._open()
        reason: str | None = None
        try:
            async with access.model() as model:
                responses = await model.astream_chat(_messages(prompt), max_tokens=tokens)
                async with aclosing(_patient(responses, self.settings.timeout_s)) as patient:
                    async for response in patient:
                        reason = _finish_reason(response.raw) or reason
                        if response.delta:
                            yield response.delta
        except TimeoutError:
            _fail(
                f"{self.name} said nothing for {self.settings.timeout_s:g} seconds.",
                "Ask again, or raise CANDOR_LLM_TIMEOUT_S.",
            )
        except access.failures as error:
            raise self._failure(error) from error
        if reason is None and self.settings.provider == "openai":
            _fail(f"The connection to {self.name} broke off in mid-answer.", "Ask again.")
        yield Stop(cut=reason == "length")

    async def _open(self) -> _Access:
        async with self._opening:
            if self._access is None:
                opener = _OPENERS[self.settings.provider]
                self._access = await asyncio.to_thread(opener, self.settings, self._addresses)
        return self._access

    def _failure(self, error: Exception) -> LanguageModelError:
        """What a provider's error means, by its HTTP status where it has one."""
        status = getattr(error, "status_code", None) or getattr(error, "code", None)
        place = self.settings.base_url or self.settings.provider
        of_assistant = self.settings.of_assistant
        refused = error.__cause__
        if isinstance(refused, FetchError):
            return LanguageModelError(refused.detail, refused.action)
        if type(error).__name__ in ("APITimeoutError", "ReadTimeout", "ConnectTimeout"):
            return LanguageModelError(
                f"{self.name} did not answer within {self.settings.timeout_s:g} seconds.",
                "Ask again, or raise CANDOR_LLM_TIMEOUT_S.",
            )
        if status in (401, 403):
            return LanguageModelError(
                f"{place} refused the key for {self.name}.",
                "Check the key of this endpoint in CANDOR_LLM_KEYS."
                if of_assistant
                else "Check CANDOR_LLM_API_KEY.",
            )
        if status == 404:
            return LanguageModelError(
                f"{place} has no model {self.name}.",
                "Check the model and the endpoint of the assistant."
                if of_assistant
                else "Check CANDOR_LLM_MODEL and CANDOR_LLM_BASE_URL.",
            )
        if status == 429:
            return LanguageModelError(
                f"{place} takes no more requests for {self.name} at the moment.",
                "Ask again in a minute; check the limits of the account where it keeps happening.",
            )
        if isinstance(status, int):
            return LanguageModelError(
                f"{self.name} at {place} failed with status {status}.", "Ask again in a moment."
            )
        return LanguageModelError(
            f"{self.name} at {place} cannot be reached, or the connection broke.",
            "Check the endpoint of the assistant and that it is up, then ask again."
            if of_assistant
            else "Check CANDOR_LLM_BASE_URL and that the server is up, then ask again.",
        )


def _messages(prompt: Prompt) -> list[Any]:
    from llama_index.core.llms import ChatMessage, MessageRole

    roles = {
        "system": MessageRole.SYSTEM,
        "user": MessageRole.USER,
        "assistant": MessageRole.ASSISTANT,
    }
    return [ChatMessage(role=roles[role], content=text) for role, text in prompt]


async def _patient(responses: Any, seconds: float) -> AsyncGenerator[Any, None]:
    """The responses as they come. Raises :class:`TimeoutError` after a silence of ``seconds``."""
    async with aclosing(responses) as source:
        while True:
            try:
                async with asyncio.timeout(seconds):
                    response = await anext(source)
            except StopAsyncIteration:
                return
            yield response


async def _without_reasoning(
    deltas: Deltas,
) -> Deltas:
    """What is said after ``<think>...</think>``, which open models put before their answer."""
    held = ""
    spoken = False
    async for delta in deltas:
        if isinstance(delta, Stop):
            if not spoken and held and not held.startswith("<think>"):
                yield held
            yield delta
            return
        if spoken:
            yield delta
            continue
        held = (held + delta).lstrip()
        if held.startswith("<think>"):
            held = held.partition("</think>")[2].lstrip() if "</think>" in held else held
        if held and not "<think>".startswith(held[:7]):
            spoken = True
            yield held


def _finish_reason(raw: Any) -> str | None:
    """Why an OpenAI-compatible endpoint says that it stopped; ``None`` while it goes on."""
    choices = getattr(raw, "choices", None)
    return getattr(choices[0], "finish_reason", None) if choices else None


@dataclass(frozen=True, slots=True)
class _Access:
    """How a model is reached for one answer, and the errors that its package raises."""

    model: Callable[[], AbstractAsyncContextManager[LLM]]
    failures: tuple[type[Exception], ...]


def _open_openai(settings: ModelSettings, addresses: Addresses | None) -> _Access:
    import httpx
    import openai
    from llama_index.llms.openai_like import OpenAILike

    from backend.chat.guarded_connection import GuardedTransport

    trusted = httpx.create_ssl_context()

    @asynccontextmanager
    async def connect() -> AsyncGenerator[LLM, None]:
        # A connection of its own for each answer: closing it is the one sure way to stop a model
        # whose reader has left. The library's stream stays open until garbage is collected.
        guarded = GuardedTransport(addresses, trusted) if addresses is not None else None
        async with httpx.AsyncClient(
            transport=guarded, verify=trusted, timeout=settings.timeout_s
        ) as client:
            yield OpenAILike(
                model=settings.model,
                api_base=settings.base_url or "https://api.openai.com/v1",
                # An empty key would make the client look for one in the environment.
                api_key=settings.api_key or _NO_KEY,
                is_chat_model=True,
                context_window=settings.context_tokens,
                max_tokens=settings.answer_tokens,
                timeout=settings.timeout_s,
                max_retries=0,
                async_http_client=client,
            )

    return _Access(connect, (openai.OpenAIError, httpx.HTTPError))


def _open_anthropic(settings: ModelSettings, _: Addresses | None) -> _Access:
    module, sdk = _extra("llama_index.llms.anthropic"), _extra("anthropic")
    model = module.Anthropic(
        model=settings.model,
        api_key=settings.api_key or _NO_KEY,
        base_url=settings.base_url or None,
        max_tokens=settings.answer_tokens,
        timeout=settings.timeout_s,
        max_retries=0,
    )
    return _Access(lambda: nullcontext(model), (sdk.AnthropicError,))


def _open_google(settings: ModelSettings, _: Addresses | None) -> _Access:
    import httpx

    module, sdk = _extra("llama_index.llms.google_genai"), _extra("google.genai.errors")
    model = module.GoogleGenAI(
        model=settings.model,
        api_key=settings.api_key or _NO_KEY,
        max_tokens=settings.answer_tokens,
        context_window=settings.context_tokens,
        max_retries=0,
    )
    return _Access(lambda: nullcontext(model), (sdk.APIError, httpx.HTTPError))


_OPENERS: dict[Provider, Callable[[ModelSettings, Addresses | None], _Access]] = {
    "openai": _open_openai,
    "anthropic": _open_anthropic,
    "google": _open_google,
}


def _extra(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"The package for this language model is not installed ({module}).",
            'Install the extra "llms": pip install "candor[llms]".',
        ) from error


def _fail(detail: str, action: str) -> NoReturn:
    raise LanguageModelError(detail, action)
