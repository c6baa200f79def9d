"""Audio and video as a transcript, through faster-whisper (extra ``audio``)."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.parse.draft import Draft
from ingestion.parse.formats import recording_type
from ingestion.parse.reading import FileToRead
from ingestion.parse.subtitles import Cue, add_cues
from knowledge.errors import DamagedDocument, EmptyDocument, SpeechUnavailable

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

THREADS = 2


def transcribe(file: FileToRead, model: str) -> Draft:
    """The words of a recording as paragraphs, each marked with its time in seconds.

    ``model``: the name or the folder of a Whisper model for CTranslate2. Raises
    :class:`SpeechUnavailable`, :class:`DamagedDocument` or :class:`EmptyDocument`.
    """
    whisper = _load(model)
    import av

    draft = Draft(media_type=recording_type(file.data))
    try:
        segments, info = whisper.transcribe(io.BytesIO(file.data), beam_size=5, vad_filter=True)
        cues = [Cue(segment.start, "", " ".join(segment.text.split())) for segment in segments]
    except av.error.FFmpegError as error:
        raise DamagedDocument(
            f"The recording cannot be decoded: {error}.", "Save it again and add the new copy."
        ) from error
    except IndexError as error:
        # What PyAV raises where a video has no sound at all.
        raise EmptyDocument("The recording has no sound.", "Add its text as a file.") from error
    add_cues(draft, [cue for cue in cues if cue.words])
    if not draft.finish().text:
        raise EmptyDocument("No speech was heard in the recording.", "Add its text as a file.")
    draft.language = info.language or ""
    draft.warnings.append("The text was transcribed from a recording.")
    return draft


@cache
def _load(model: str) -> WhisperModel:
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise SpeechUnavailable(
            "Recordings need a package that is not installed.", "Install candor[audio]."
        ) from error
    if model.startswith(("/", ".", "~")) and not Path(model).expanduser().is_dir():
        raise SpeechUnavailable(
            f"There is no folder {model} with a speech model.", "Correct CANDOR_SPEECH_MODEL."
        )
    try:
        return WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=THREADS)
    except (OSError, ValueError, RuntimeError) as error:
        words = " ".join(str(error).split())[:200].rstrip(".")
        raise SpeechUnavailable(
            f"The speech model {model} cannot be loaded: {words}.",
            "Set CANDOR_SPEECH_MODEL to the folder of a Whisper model for CTranslate2.",
        ) from error
