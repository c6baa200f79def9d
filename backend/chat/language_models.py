"""The language models of a process: the server's own, and those that assistants name.

An assistant names a provider, a model and an endpoint, never a key. Keys stand in the server's
settings by the origin of the endpoint that they are for, and go nowhere else: whoever may change
an assistant cannot have a key sent to a machine of theirs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from backend.chat.llm import Addresses, LanguageModel, ModelSettings, Provider
from knowledge.errors import InvalidInput

_ORIGINS: Mapping[Provider, str] = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "google": "https://generativelanguage.googleapis.com",
}
_OPEN = 32


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A language model that an assistant names.

    ``base_url`` is for ``openai`` alone: the endpoint; empty: OpenAI's. ``answer_tokens`` and
    ``context_tokens``: its longest answer and its window; 0 leaves them to the server's settings.
    """

    provider: Provider
    model: str
    base_url: str = ""
    answer_tokens: int = 0
    context_tokens: int = 0

    @property
    def origin(self) -> str:
        """Scheme, host and port that its key is kept under."""
        return origin_of(self.base_url) if self.base_url else _ORIGINS[self.provider]


@dataclass(frozen=True, slots=True)
class ModelAccess:
    """What the server lends to the models that assistants name.

    ``keys``: by origin, such as ``https://api.openai.com``. ``addresses``: the guard that keeps
    connections out of private networks. ``timeout_s``: seconds without a word, then it has failed.
    """

    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    addresses: Addresses | None = None
    timeout_s: float = 60.0
    answer_tokens: int = 800
    context_tokens: int = 8_192


class LanguageModels:
    """Opens the models that assistants name, each once.

    ``standard`` is the server's own: its endpoint, wherever it is, may be named too, with its key.
    """

    def __init__(
        self, standard: ModelSettings | None = None, access: ModelAccess | None = None
    ) -> None:
        self._standard = standard
        self._access = access or ModelAccess()
        self._opened: OrderedDict[ModelChoice, LanguageModel] = OrderedDict()

    def has_key(self, choice: ModelChoice) -> bool:
        """Whether the server has a key for the endpoint."""
        return bool(self._key(choice))

    async def check(self, choice: ModelChoice) -> None:
        """Raise what is wrong with a choice before it is kept.

        Raises :class:`InvalidInput`, and :class:`FetchError` where the endpoint is in a private
        network or its name does not resolve.
        """
        if not choice.model:
            raise InvalidInput("The language model has no name.", "Write it as its provider does.")
        if choice.base_url and choice.provider != "openai":
            raise InvalidInput(
                "An endpoint can be named for OpenAI-compatible models alone.",
                "Leave it empty for Anthropic and Google.",
            )
        if not choice.base_url or self._is_standard(choice):
            return
        parts = urlsplit(choice.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise InvalidInput(
                f"{choice.base_url} is not the address of an endpoint.",
                "Write one like https://api.example.com/v1.",
            )
        if self._access.addresses is not None:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            await self._access.addresses(parts.hostname, port)

    def of(self, choice: ModelChoice) -> LanguageModel:
        """The model, opened at the first time. Its last users stay open, 32 of them."""
        model = self._opened.pop(choice, None) or self._open(choice)
        self._opened[choice] = model
        while len(self._opened) > _OPEN:
            self._opened.popitem(last=False)
        return model

    def _open(self, choice: ModelChoice) -> LanguageModel:
        access = self._access
        settings = ModelSettings(
            provider=choice.provider,
            model=choice.model,
            base_url=choice.base_url,
            api_key=self._key(choice),
            timeout_s=access.timeout_s,
            answer_tokens=choice.answer_tokens or access.answer_tokens,
            context_tokens=choice.context_tokens or access.context_tokens,
            of_assistant=True,
        )
        return LanguageModel(settings, None if self._is_standard(choice) else access.addresses)

    def _key(self, choice: ModelChoice) -> str:
        own = self._access.keys.get(choice.origin, "")
        if not own and self._standard is not None and self._is_standard(choice):
            return self._standard.api_key
        return own

    def _is_standard(self, choice: ModelChoice) -> bool:
        """Whether it is at the endpoint of the server's own model, which the operator chose."""
        one = self._standard
        if one is None or one.provider != choice.provider:
            return False
        theirs = origin_of(one.base_url) if one.base_url else _ORIGINS[one.provider]
        return theirs == choice.origin


def origin_of(address: str) -> str:
    """Scheme, host and port of an address, as its key is kept under; empty where it has none."""
    try:
        parts = urlsplit(address.strip().lower())
        port = parts.port
    except ValueError:
        return ""
    if not parts.scheme or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != usual else "")
