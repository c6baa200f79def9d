"""The term vocabulary: one id for every word, whether or not the model knows the word.

A *term class* is a set of words with one stem (return, returns, returned). Classes of the table
have the ids 0 to n - 1; these are the terms that the model can add to a text. A word outside the
table gets one id for itself, a hash of its stem, so that brand names, model numbers and error
codes are matched exactly and never lost.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from knowledge.encode.words import Word, words

FIRST_HASHED = 1 << 24
_HASHES = (1 << 32) - FIRST_HASHED


class TermTable:
    """Words to term ids and back.

    ``rows``: for each class its readable word, its stem, and the words that belong to it by name
    alone (members of a stem that was split because its words mean different things).
    """

    def __init__(self, rows: Sequence[tuple[str, str, Sequence[str]]]) -> None:
        self.readable = [readable for readable, _, _ in rows]
        self._by_form = {form: i for i, (_, _, forms) in enumerate(rows) for form in forms}
        self._by_stem = {stem: i for i, (_, stem, _) in enumerate(rows) if stem}

    def __len__(self) -> int:
        return len(self.readable)

    def id(self, word: Word) -> int:
        """The term id of a word of a text."""
        known = self._by_form.get(word.form)
        if known is None:
            known = self._by_stem.get(word.stem)
        return hashed(word.stem) if known is None else known

    def words(self, terms: Iterable[int], *texts: str) -> Mapping[int, str]:
        """The readable word of each id; hashed ones are read back from ``texts``.

        An id that is neither in the table nor written in ``texts`` is left out.
        """
        wanted = set(terms)
        names = {term: self.readable[term] for term in wanted if term < len(self)}
        if len(names) < len(wanted):
            for text in texts:
                for word in words(text):
                    term = self.id(word)
                    if term in wanted and term not in names:
                        names[term] = text[word.start : word.end]
        return names

    def save(self, path: Path) -> None:
        """Write the table as lines of readable word, stem and member words, tab-separated."""
        stems = {i: stem for stem, i in self._by_stem.items()}
        forms: dict[int, list[str]] = {}
        for form, i in self._by_form.items():
            forms.setdefault(i, []).append(form)
        lines = (
            f"{word}\t{stems.get(i, '')}\t{' '.join(forms.get(i, ()))}"
            for i, word in enumerate(self.readable)
        )
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> TermTable:
        """Read a table that :meth:`save` wrote."""
        rows = []
        for line in path.read_text(encoding="utf-8").splitlines():
            readable, stem, forms = line.split("\t")
            rows.append((readable, stem, forms.split()))
        return cls(rows)


def hashed(stem: str) -> int:
    """The id of a word outside the table: CRC-32 of its stem, above every table id.

    Two words of a collection share an id with a chance of about n² / 2³³ for n such words.
    """
    return FIRST_HASHED + zlib.crc32(stem.encode()) % _HASHES
