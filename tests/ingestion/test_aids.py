"""Text in pictures and words in recordings: read where that is turned on, and named where not."""

from __future__ import annotations

import io
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from ingestion.parse.aid import Aid, Need
from ingestion.parse.draft import Draft
from ingestion.parse.pool import ParseLimits, ParserPool
from ingestion.parse.reading import FileToRead
from ingestion.parse.subtitles import Cue, add_cues
from knowledge.types import MarkKind
from tests.ingestion.files import pdf
from tests.ingestion.whisper import make_model

WORDS = "Goods can be returned within thirty days"


def picture(kind: str = "PNG", words: str = WORDS) -> bytes:
    drawn = Image.new("L", (1000, 200), "white")
    ImageDraw.Draw(drawn).text((40, 70), words, fill="black", font=ImageFont.load_default(40))
    made = io.BytesIO()
    drawn.save(made, kind)
    return made.getvalue()


def scan(*words: str) -> bytes:
    """A PDF whose pages are pictures of words."""
    sheets = [Image.open(io.BytesIO(picture(words=one))) for one in words]
    made = io.BytesIO()
    sheets[0].save(made, "PDF", save_all=True, append_images=sheets[1:], resolution=110)
    return made.getvalue()


def recording() -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(32_000))
    return made.getvalue()


def ocr(languages: str = "eng") -> Aid:
    return Aid(Need.OCR, languages, timeout_s=120, memory_mb=1024)


async def test_scans_and_pictures_are_read_where_that_is_on() -> None:
    async with ParserPool(ParseLimits(aids=(ocr(),))) as pool:
        scanned = await pool.read(FileToRead(scan(WORDS, "Parcels to Norway travel by ship")))
        photo = await pool.read(FileToRead(picture("JPEG"), name="sign.jpg"))
        broken = await pool.read(FileToRead(b"\x89PNG\r\n\x1a\nnothing more"))
        mixed = await pool.read(FileToRead(pdf("A page of text", "")))
    assert scanned.document is not None
    assert scanned.document.text == f"{WORDS}\n\nParcels to Norway travel by ship"
    assert [(m.kind, m.value) for m in scanned.document.marks] == [
        (MarkKind.PAGE, "1"),
        (MarkKind.PAGE, "2"),
    ]
    assert scanned.document.warnings == ("The text of 2 pages was recognised (OCR).",)
    assert photo.document is not None
    assert (photo.document.text, photo.document.media_type) == (WORDS, "image/jpeg")
    assert broken.failure is not None
    assert broken.failure.code == "damaged-document"
    # A page that is empty and no picture needs no second reading.
    assert mixed.need is None


async def test_what_is_missing_is_named(tmp_path: Path) -> None:
    speech = Aid(Need.SPEECH, str(tmp_path / "no-model"), timeout_s=60, memory_mb=2048)
    async with ParserPool(ParseLimits(aids=(ocr("tlh"), speech))) as pool:
        failures = [
            (await pool.read(FileToRead(data))).failure
            for data in (picture(), scan(WORDS), recording())
        ]
    told = [(failure.code, failure.detail) for failure in failures if failure]
    assert told == [
        ("ocr-unavailable", "Tesseract has no data for tlh."),
        ("ocr-unavailable", "Tesseract has no data for tlh."),
        ("speech-unavailable", f"There is no folder {tmp_path}/no-model with a speech model."),
    ]
    async with ParserPool() as pool:
        failures = [
            (await pool.read(FileToRead(data))).failure
            for data in (picture(), scan(WORDS), recording())
        ]
    assert [failure.code for failure in failures if failure] == [
        "unsupported-format",
        "scanned-document",
        "unsupported-format",
    ]
    assert "CANDOR_OCR_LANGUAGES" in failures[0].action  # type: ignore[union-attr]
    assert "CANDOR_SPEECH_MODEL" in failures[2].action  # type: ignore[union-attr]


async def test_recordings_go_through_a_model_in_a_folder(tmp_path: Path) -> None:
    speech = Aid(Need.SPEECH, str(make_model(tmp_path)), timeout_s=120, memory_mb=4096)
    async with ParserPool(ParseLimits(aids=(speech,))) as pool:
        silent = (await pool.read(FileToRead(recording()))).failure
        broken = (await pool.read(FileToRead(b"RIFF\x00\x01\x00\x00WAVEjunk" * 50))).failure
    assert silent is not None
    assert (silent.code, silent.detail) == (
        "empty-document",
        "No speech was heard in the recording.",
    )
    assert broken is not None
    assert (broken.code, "decoded" in broken.detail) == ("damaged-document", True)


@pytest.mark.parametrize(
    ("package", "code", "action"),
    [
        ("pytesseract", "ocr.Recogniser('eng')", "candor[ocr]"),
        ("faster_whisper", "speech.transcribe(FileToRead(b'RIFF'), 'x')", "candor[audio]"),
    ],
)
def test_without_an_extra_it_is_said(package: str, code: str, action: str) -> None:
    """In a process of its own, in which the package cannot be imported."""
    script = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from ingestion.parse import ocr, speech\n"
        "from ingestion.parse.reading import FileToRead\n"
        "from knowledge.errors import ParseError\n"
        f"try: {code}\nexcept ParseError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert action in done.stdout, done.stderr


def test_a_transcript_keeps_its_times() -> None:
    draft = Draft(media_type="audio/wav")
    add_cues(draft, [Cue(0.0, "", "We open at nine."), Cue(4.5, "", "Goods may be"), Cue(6, "", "sent back.")])  # fmt: skip  # noqa: E501
    document = draft.finish()
    assert document.text == "We open at nine.\n\nGoods may be sent back."
    assert [(mark.kind, mark.offset, mark.value) for mark in document.marks] == [
        (MarkKind.TIME, 0, "0"),
        (MarkKind.TIME, 18, "4.5"),
    ]
