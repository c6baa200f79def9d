"""VTT and SRT transcripts, with the second at which each part is spoken."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingestion.parse.draft import Draft
from ingestion.parse.formats import Format, decode_text
from ingestion.parse.reading import FileToRead
from knowledge.errors import EmptyDocument
from knowledge.types import MarkKind

_TIMES = re.compile(
    r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})[ \t]*-->[ \t]*(?:\d+:)?\d{1,2}:\d{1,2}[.,]\d"
)
_VOICE = re.compile(r"<v(?:\.[^ >]*)?[ \t]+([^>]+)>")
_TAG = re.compile(r"</?[a-zA-Z][^>\n]*>|<\d[\d:.]*>|\{\\[^}\n]*\}")
_SENTENCE_END = (".", "!", "?", "…", "。", "！", "？", '."', '?"')
_LONGEST_PART = 400


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: the second it starts at, who speaks (or ``""``), and the words."""

    seconds: float
    voice: str
    words: str


def parse_subtitles(file: FileToRead, kind: Format) -> Draft:
    """The transcript as paragraphs of sentences, each marked with its time in seconds."""
    draft = Draft(media_type=kind.value)
    add_cues(draft, cues(decode_text(file)))
    if not draft.finish().text:
        raise EmptyDocument("The transcript holds no captions.", "Check the file.")
    return draft


def add_cues(draft: Draft, spoken: Iterable[Cue]) -> None:
    """Add cues as paragraphs of whole sentences of one speaker, each marked with its time."""
    part: list[str] = []
    voice = ""
    for cue in spoken:
        if part and (cue.voice != voice or _is_whole(part)):
            draft.add(" ".join(part))
            part = []
        if not part:
            draft.mark(MarkKind.TIME, f"{cue.seconds:g}")
            part = [f"{cue.voice}: {cue.words}"] if cue.voice else [cue.words]
        else:
            part.append(cue.words)
        voice = cue.voice
    draft.add(" ".join(part))


def _is_whole(part: list[str]) -> bool:
    return part[-1].endswith(_SENTENCE_END) or sum(map(len, part)) > _LONGEST_PART


def cues(text: str) -> Iterator[Cue]:
    """The captions in order; notes, styles, regions and repeated lines are left out."""
    last = ""
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip().split("\n")
        place = next((i for i, line in enumerate(lines) if _TIMES.match(line.strip())), None)
        if place is None:
            continue
        times = _TIMES.match(lines[place].strip())
        assert times is not None
        hours, minutes, seconds, fraction = times.groups()
        start = int(hours or 0) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction}")
        raw = "\n".join(lines[place + 1 :])
        voice = _VOICE.search(raw)
        words = " ".join(html.unescape(_TAG.sub("", _VOICE.sub("", raw))).split())
        # Rolling captions show a line twice: once new, once moved up.
        if words and words != last:
            yield Cue(start, voice.group(1).strip() if voice else "", words)
            last = words
