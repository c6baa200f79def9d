"""Which language a text is written in, offline."""

from __future__ import annotations

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_SAMPLES, _SAMPLE = 4, 2000
_FEWEST_LETTERS = 40
_SURE = 0.8
_CAPITALS = re.compile(r"\b[^\W\d_a-zß-ÿ]{3,}\b")
_CODE = re.compile(r"```.*?```|`[^`\n]*`|https?://\S+", re.DOTALL)


@cache
def language_identifier() -> LanguageIdentifier:
    """The model, which comes with its package and is unpacked through a temporary file."""
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def detect_language(text: str, declared: str = "") -> str:
    """The ISO 639-1 code of the text's language.

    ``declared`` is what the document says of itself: it stands where the text is too short or the
    finding unsure. ``""`` where neither says anything.
    """
    starts = range(0, len(text), max(len(text) // _SAMPLES, _SAMPLE))
    sample = _CODE.sub(" ", " ".join(text[start : start + _SAMPLE] for start in starts))
    # The model knows words as they stand in sentences.
    sample = _CAPITALS.sub(lambda word: word.group().lower(), sample)
    if sum(map(str.isalpha, sample)) < _FEWEST_LETTERS:
        return declared
    code, probability = language_identifier().classify(sample)
    # "zxx" is the code for what is no language, such as a table of figures.
    return str(code) if probability >= _SURE and code != "zxx" else declared
