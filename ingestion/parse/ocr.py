"""Recognising the text of pictures with Tesseract (extra ``ocr``)."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pypdfium2

from ingestion.parse.draft import Draft
from ingestion.parse.reading import FileToRead
from knowledge.errors import DamagedDocument, DocumentTooLarge, EmptyDocument, OcrUnavailable
from knowledge.types import MarkKind

_DOTS_PER_INCH = 300
_POINTS_PER_INCH = 72
_MOST_DOTS = 12_000_000
"""A sheet of A3 at 250 dots per inch. Larger pages are recognised from fewer dots."""

_LARGEST_PICTURE = 80_000_000
_MOST_FRAMES = 1_000
_PAGE_S = 120


class Recogniser:
    """Tesseract with the languages given, as it names them: ``eng``, ``deu+eng``.

    Raises :class:`OcrUnavailable` where the package, the program or a language is missing.
    """

    def __init__(self, languages: str) -> None:
        try:
            import pytesseract
        except ImportError as error:
            raise OcrUnavailable(
                "Text recognition needs a package that is not installed.", "Install candor[ocr]."
            ) from error
        try:
            installed = set(pytesseract.get_languages())
        except (pytesseract.TesseractNotFoundError, OSError) as error:
            raise OcrUnavailable(
                "Text recognition needs Tesseract, which is not installed.",
                "Install it (`apt-get install tesseract-ocr`).",
            ) from error
        missing = sorted(set(languages.split("+")) - installed)
        if missing:
            raise OcrUnavailable(
                f"Tesseract has no data for {', '.join(missing)}.",
                "Install it (`apt-get install tesseract-ocr-deu`, say), or correct "
                "CANDOR_OCR_LANGUAGES.",
            )
        self._tesseract = pytesseract
        self._languages = languages

    def page(self, page: pypdfium2.PdfPage) -> str:
        """The text of a page of a PDF, recognised from what it looks like."""
        width, height = page.get_size()
        wanted = _DOTS_PER_INCH / _POINTS_PER_INCH
        most = (_MOST_DOTS / max(width * height, 1.0)) ** 0.5
        return self._read(page.render(scale=min(wanted, most), grayscale=True).to_pil())

    def picture(self, file: FileToRead) -> Draft:
        """The text of a picture; each frame of a TIFF is a page."""
        draft = Draft(media_type=_media_type(file.data))
        for number, text in enumerate(self._frames(file.data), start=1):
            draft.mark(MarkKind.PAGE, str(number))
            draft.add(text)
        if not draft.finish().text:
            raise EmptyDocument("No text was recognised in the picture.", "Add it as text.")
        draft.warnings.append("The text was recognised from a picture.")
        return draft

    def _frames(self, data: bytes) -> Iterator[str]:
        from PIL import Image, ImageSequence, UnidentifiedImageError

        Image.MAX_IMAGE_PIXELS = _LARGEST_PICTURE // 2  # an error is raised at twice as many
        try:
            with Image.open(io.BytesIO(data)) as picture:
                for number, frame in enumerate(ImageSequence.Iterator(picture)):
                    if number >= _MOST_FRAMES:
                        raise DocumentTooLarge(
                            f"The picture has more than {_MOST_FRAMES:,} frames.", "Split it."
                        )
                    frame = frame.convert("L")
                    frame.thumbnail((_MOST_DOTS**0.5 * 2, _MOST_DOTS**0.5 * 2))
                    yield self._read(frame)
        except Image.DecompressionBombError as error:
            raise DocumentTooLarge(
                f"The picture has more than {_LARGEST_PICTURE:,} dots.", "Make it smaller."
            ) from error
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
            raise DamagedDocument(
                "The picture is broken.", "Save it again and add the new copy."
            ) from error

    def _read(self, picture: object) -> str:
        try:
            text = self._tesseract.image_to_string(picture, lang=self._languages, timeout=_PAGE_S)
        except RuntimeError as error:
            raise DocumentTooLarge(
                f"Recognising the text of one page took longer than {_PAGE_S} s.",
                "Add it with fewer dots per inch.",
            ) from error
        return str(text).replace("\f", "\n")


def is_picture(data: bytes) -> bool:
    """Whether the bytes are a picture that text can be recognised in."""
    return bool(_media_type(data))


def _media_type(data: bytes) -> str:
    for opening, kind in (
        (b"\x89PNG", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF8", "image/gif"),
        (b"II*\x00", "image/tiff"),
        (b"MM\x00*", "image/tiff"),
    ):
        if data.startswith(opening):
            return kind
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""
