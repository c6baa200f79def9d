"""What a reader means: the question made to stand alone, its language, or a mere greeting.

A question that leans on the one before ("and for companies?") cannot be searched for as it is.
With a language model it is rewritten with the conversation in view. Without one, the content words
of the question before are put in front of it, by rules that a reader can follow:

- it begins as a continuation does ("and", "what about", "for"), or
- it is short and has a word that stands for something said before ("it", "those"), or
- it has no content words at all ("why?").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from backend.chat.llm import LanguageModel
from backend.chat.phrases import LANGUAGES, Phrases, phrases
from backend.chat.writer import Exchange
from knowledge.encode.words import words
from knowledge.errors import InvalidQuery, LanguageModelError

_SHORT = 12
"""Words up to which a question with a pronoun is taken to lean on the one before."""

_CONTINUATION = 8
"""Words up to which a question that begins as a continuation leans on the one before."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
)


@dataclass(frozen=True, slots=True)
class Understood:
    """``query`` is what to search for. ``reply`` is set where there is nothing to search for.

    ``language`` is an ISO 639-1 code, or ``""`` where it cannot be told.
    """

    query: str
    language: str
    reply: str = ""


def clean(question: str, longest: int) -> str:
    """The question without control characters and needless white space.

    Raises :class:`InvalidQuery` where nothing is left, or more than ``longest`` characters.
    """
    plain = "".join(
        character
        if unicodedata.category(character)[0] != "C" or character in "\u200c\u200d"
        else " "
        for character in unicodedata.normalize("NFC", question[: 4 * longest])
    )
    text = " ".join(plain.split())
    if not _WORD.search(text):
        raise InvalidQuery(
            "The question has no words." if text else "The question is empty.",
            "Ask a question in words.",
        )
    if len(question) > 4 * longest or len(text) > longest:
        raise InvalidQuery(
            f"The question is {len(question):,} characters long; at most {longest:,} are read.",
            "Shorten it. A long text can be added to the knowledge base and asked about.",
        )
    return text


async def understand(
    question: str, history: Sequence[Exchange], model: LanguageModel | None
) -> Understood:
    """Read a cleaned question in the light of the conversation."""
    language = language_of(question)
    reply = _small_talk(question, language)
    if reply:
        return Understood(question, language, reply)
    if not history:
        return Understood(question, language)
    if model is not None and _may_lean(question):
        try:
            return Understood(await model.condense(question, history), language)
        except LanguageModelError:
            pass  # the rules below need no model; the answer will say what is wrong with it
    return Understood(_stand_alone(question, history), language)


def language_of(text: str) -> str:
    """The language by its script, or by which of the known ones has most words in the text."""
    for language, script in _SCRIPTS:
        if script.search(text):
            return language
    spoken = [word.lower() for word in _WORD.findall(text)]
    counts = {
        language: sum(word in known.common for word in spoken)
        for language, known in LANGUAGES.items()
    }
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] else ""


def leans(question: str) -> bool:
    """Whether a question cannot be understood without the one before it; see the module."""
    known = phrases(language_of(question))
    spoken = [word.lower() for word in _WORD.findall(question)]
    if not _content(question, known):
        return True
    if len(spoken) <= _CONTINUATION and _continues(spoken, known):
        return True
    return len(spoken) <= _SHORT and any(word in known.refers for word in spoken)


def _may_lean(question: str) -> bool:
    return leans(question) or len(_WORD.findall(question)) <= _CONTINUATION


def _continues(spoken: Sequence[str], known: Phrases) -> bool:
    return any(list(spoken[: len(start)]) == start for start in map(str.split, known.continues))


def _stand_alone(question: str, history: Sequence[Exchange]) -> str:
    """The question with the content words that it takes over from the ones before."""
    if not leans(question) or not history:
        return question
    before = _stand_alone(history[-1].question, history[:-1])
    asked = {word.stem for word in words(question)}
    carried = [
        word
        for word in _content(before, phrases(language_of(before)))
        if not {found.stem for found in words(word)} <= asked
    ]
    return " ".join((*carried, question))


def _content(text: str, known: Phrases) -> list[str]:
    """The words of a text that name something."""
    empty = known.common | known.refers
    return [word for word in _WORD.findall(text) if word.lower() not in empty and words(word)]


def _small_talk(question: str, language: str) -> str:
    """The reply to a greeting or a thank-you, which need no search; ``""`` for all else."""
    said = " ".join(_WORD.findall(question.lower()))
    first = phrases(language)
    for known in (first, *LANGUAGES.values()):
        if said in known.greetings:
            return known.hello
        if said in known.thanks:
            return known.welcome
    return ""
