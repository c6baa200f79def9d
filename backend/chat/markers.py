"""Citation markers in a stream of text: taken out of it, and reported where they stood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MARKER = re.compile(
    r"\[(?:\^|passages? )?(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\](?!\()"
    r"|【(\d{1,3})(?:†[^】\n]*)?】"
)
_MAYBE = re.compile(r"(?:\[(?:\^|p[a-z]{0,7} ?)?[\d,; ]{0,24}\]?|【[^】\n]{0,40})\Z")
_NUMBER = re.compile(r"\d+")
_CLOSES = ".,;:!?)]}。，；：！？»”"


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker that stood at ``position`` of the text without markers."""

    position: int
    number: int


class MarkerFilter:
    """Feed it pieces of text; it hands back text without markers, and the markers.

    Inside code, brackets are left alone. White space before a marker goes where punctuation or
    more white space follows it.
    """

    def __init__(self) -> None:
        self.text = ""
        self._held = ""
        self._space = ""
        self._after_marker = False

    def feed(self, delta: str) -> Iterator[str | Marker]:
        """What can be said now: pieces of text and markers in their order."""
        self._held += delta
        yield from self._release(last=False)

    def end(self) -> Iterator[str | Marker]:
        """What was held back. White space at the end is dropped."""
        yield from self._release(last=True)

    def _release(self, last: bool) -> Iterator[str | Marker]:
        while self._held:
            opening = min(
                (at for at in map(self._held.find, "[【") if at >= 0), default=len(self._held)
            )
            if opening:
                yield from self._say(self._held[:opening])
                self._held = self._held[opening:]
                continue
            found = None if self._in_code() else _MARKER.match(self._held)
            # A bracket at the very end may go on as a link, or as the rest of a marker.
            unsure = not last and not self._in_code() and _MAYBE.match(self._held)
            if unsure and (found is None or found.end() == len(self._held)):
                return
            if found is None:
                yield from self._say(self._held[0])
                self._held = self._held[1:]
                continue
            self._after_marker = True
            for number in _NUMBER.findall(found.group(1) or found.group(2)):
                yield Marker(len(self.text), int(number))
            self._held = self._held[found.end() :]

    def _say(self, words: str) -> Iterator[str]:
        """Text on its way out: white space waits until it is known what follows it."""
        body = words.lstrip()
        between = words[: len(words) - len(body)]
        if self._after_marker and between and self._space:
            self._space = self._space if "\n" not in between else between
        else:
            self._space += between
        if not body:
            return
        if not self.text or (self._after_marker and body[0] in _CLOSES):
            self._space = ""
        self._after_marker = False
        kept = body.rstrip()
        said = self._space + kept
        self._space = body[len(kept) :]
        self.text += said
        yield said

    def _in_code(self) -> bool:
        line = self.text[self.text.rfind("\n") + 1 :] + self._space
        return self.text.count("```") % 2 == 1 or line.replace("```", "").count("`") % 2 == 1
