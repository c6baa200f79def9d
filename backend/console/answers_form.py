"""How an assistant answers: what writes, how it speaks, when it says nothing, and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from markupsafe import Markup
from nicegui import ui

from backend.api.schemas.behaviour import Behaviour, ModelRules
from backend.chat.language_models import ModelChoice
from backend.chat.llm import Provider
from backend.console.behaviour_saving import BehaviourSaving, small
from backend.console.forms import area, button, choice, field
from backend.console.frame import section, show_outcome
from backend.console.numbers import whole_number
from backend.console.parts import badge, note, show
from backend.console.visit import Visit
from knowledge.store.queries.visits import Use
from knowledge.store.tables import Assistant

_PROVIDERS = {
    "openai": "OpenAI, or any endpoint that speaks its API",
    "anthropic": "Anthropic",
    "google": "Google",
}


async def model_form(visit: Visit, row: Assistant, save: BehaviourSaving) -> None:
    """What writes the answers: the server's language model, one of its own, or none."""
    rules = Behaviour.of(row.behaviour).model
    with section("What writes the answers"), ui.element("div").classes("card pad form"):
        standing = show(await _standing(visit, row))
        use = choice("Answers are", _uses(visit), rules.use)
        with ui.element("div").classes("stack") as own:
            fields = _OwnModel(visit, rules)
        own.bind_visibility_from(use, "value", backward=lambda value: value == "own")
        outcome = ui.element("div").props("aria-live=polite")

        def parts() -> dict[str, Any]:
            return {**fields.value(), "use": use.value}

        async def try_it() -> None:
            body = parts()

            async def tried() -> Markup:
                told = await visit.send("POST", f"{_path(row)}/language-model/try", body)
                title = f"{told['model']} answered after {told['took_ms']:,.0f} ms"
                return note("", title, f"“{told['said']}”")

            await show_outcome(outcome, "Asking the model for a sentence …", tried)

        async def keep() -> None:
            await save.save({"model": parts()})
            standing.set_content(await _standing(visit, row))

        with ui.element("div").classes("actions"):
            button("Save what writes", keep, "primary")
            trying = button("Try it", try_it)
        trying.bind_visibility_from(use, "value", backward=lambda value: _has_model(visit, value))


def tone_form(row: Assistant, save: BehaviourSaving) -> None:
    """How the language model is to speak."""
    kept = Behaviour.of(row.behaviour)
    with section("Tone"), ui.element("div").classes("card pad form"):
        tone = area(
            "How it speaks",
            kept.tone,
            "Such as: short and friendly, in British English. For a language model: quoted "
            "sentences keep their words.",
            rows=2,
        )
        save.button(lambda: {"tone": tone.value.strip()}, "Save tone")


def limits_form(row: Assistant, save: BehaviourSaving, used: Use) -> None:
    """How much visitors may ask in a day. ``used``: today's use."""
    limits = Behaviour.of(row.behaviour).limits
    words = f"Today: {used.questions:,} questions, {used.tokens:,} tokens."
    with section("Limits", words), ui.element("div").classes("card pad form"):
        show(small("In a day (UTC). 0 leaves a limit to the server's own settings."))
        with ui.element("div").classes("two"):
            each = field("Questions of one visitor", str(limits.visitor_questions))
            every = field("Questions of all visitors", str(limits.questions))
            tokens = field("Language-model tokens", str(limits.tokens))
        save.button(
            lambda: {
                "limits": {
                    "visitor_questions": whole_number("Questions of one visitor", each.value),
                    "questions": whole_number("Questions of all visitors", every.value),
                    "tokens": whole_number("Language-model tokens", tokens.value),
                }
            },
            "Save limits",
        )


class _OwnModel:
    """The fields of a language model that the assistant names."""

    def __init__(self, visit: Visit, rules: ModelRules) -> None:
        self._visit = visit
        with ui.element("div").classes("two"):
            self._provider = choice("Provider", _PROVIDERS, rules.provider)
            self._model = field("Model", rules.model, "As its provider writes it.")
        with ui.element("div").classes("field") as endpoint:
            self._endpoint = field(
                "Endpoint",
                rules.base_url,
                "Empty: OpenAI’s. Otherwise its address, such as https://openrouter.ai/api/v1.",
            )
        endpoint.bind_visibility_from(
            self._provider, "value", backward=lambda value: value == "openai"
        )
        self._key = show(Markup("")).props("role=status")
        with ui.element("div").classes("two"):
            self._answer = field(
                "Longest answer, in tokens", str(rules.answer_tokens), "0: as the server sets it."
            )
            self._window = field(
                "Context window, in tokens",
                str(rules.context_tokens),
                "What the model reads at once. 0: as the server sets it.",
            )
        for control in (self._provider, self._endpoint):
            control.on_value_change(self._say_key)
        self._say_key()

    def value(self) -> Mapping[str, Any]:
        """What the fields say. Raises :class:`InvalidInput`."""
        return {
            "provider": self._provider.value,
            "model": self._model.value.strip(),
            "base_url": self._address(),
            "answer_tokens": whole_number("Longest answer", self._answer.value),
            "context_tokens": whole_number("Context window", self._window.value),
        }

    def _address(self) -> str:
        is_open = self._provider.value == "openai"
        return str(self._endpoint.value or "").strip() if is_open else ""

    def _say_key(self) -> None:
        provider = self._provider.value
        assert provider in get_args(Provider)
        choice = ModelChoice(provider, "", self._address())
        if not choice.origin:
            self._key.set_content(Markup(""))
        elif self._visit.state.chat.models.has_key(choice):
            self._key.set_content(badge(f"The server has a key for {choice.origin}", "good"))
        else:
            self._key.set_content(
                Markup('{}<p class="soft small">{}</p>').format(
                    badge(f"The server has no key for {choice.origin}", "quiet"),
                    "Keys are never kept here. Whoever runs the server adds it to the setting "
                    "CANDOR_LLM_KEYS; endpoints without a key need none.",
                )
            )


def _uses(visit: Visit) -> dict[str, str]:
    model = visit.state.chat.language_model
    server = "Quoted sentences: the server has no language model"
    if model is not None:
        server = f"Written by {model.name}, the server’s language model"
    return {
        "server": server,
        "own": "Written by a language model of its own",
        "none": "Quoted sentences, whatever the server has",
    }


def _has_model(visit: Visit, use: str) -> bool:
    return use == "own" or (use == "server" and visit.state.chat.language_model is not None)


async def _standing(visit: Visit, row: Assistant) -> Markup:
    """What writes the answers now."""
    now = await visit.send("GET", f"{_path(row)}/language-model")
    if not now["model"]:
        return badge("Now: quoted sentences", "good")
    key = "with a key" if now["key"] else "without a key"
    return badge(f"Now: {now['model']} at {now['endpoint']}, {key}", "good")


def _path(row: Assistant) -> str:
    return f"/assistants/{row.id}"
