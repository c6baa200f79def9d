"""The words of a PDF page with their places, as PDFium finds them."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

_LINE_END_HYPHEN = "\x02"
_ENDS = " \t\r\n\x00\xa0" + _LINE_END_HYPHEN
_BOLD = re.compile(rb"bold|black|heavy|demi|medi\b|cmbx|sfbx|cmb1", re.IGNORECASE)
_MONOSPACED = re.compile(
    rb"mono|courier|consol|menlo|typewriter|cmtt|sftt|lmtt|code|inconsol|nimbusmon", re.IGNORECASE
)
_SLANTED = re.compile(rb"italic|oblique|slanted|\bital", re.IGNORECASE)
_SIGNS = re.compile(rb"wingding|dingbat|symbol|webding", re.IGNORECASE)
_SLANTED_FLAG = 1 << 6
_BOLD_WEIGHT = 600
_SMALLER = 0.85
"""Letters of less than this share of the height before them are raised or lowered."""

_STEEP = 0.2
"""Radians from which on a text counts as turned."""

_ASCENT, _DESCENT = 0.88, 0.24
"""How far letters reach above and below the line, as shares of their size."""

_UNSEEN = re.compile("[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\ue000-\uf8ff\ufffe\uffff]+")
_PRIVATE_BULLET = re.compile("[\uf0a7\uf0b7\uf076\uf0d8\uf0fc\uf0a8\uf06e]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


@dataclass(frozen=True, slots=True)
class Box:
    """A place on a page in points, from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def middle(self) -> float:
        """Half way down."""
        return (self.top + self.bottom) / 2

    @property
    def centre(self) -> float:
        """Half way across."""
        return (self.left + self.right) / 2

    def over(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


@dataclass(frozen=True, slots=True)
class Word:
    """A word in reading order. ``box`` is as high as its line, whatever its letters are.

    ``spaced``: a space stands before it. ``ends_line``: PDFium begins a new line after it;
    ``hyphenated``: and it was divided there.
    """

    text: str
    box: Box
    bold: bool = False
    slanted: bool = False
    mono: bool = False
    turned: bool = False
    spaced: bool = True
    ends_line: bool = False
    hyphenated: bool = False
    space_after: bool = False

    @property
    def is_right_to_left(self) -> bool:
        """Whether it is written in Arabic, Hebrew or a script like them."""
        return bool(_RIGHT_TO_LEFT.search(self.text))


@dataclass(frozen=True, slots=True)
class Page:
    """What is on a page: ``words`` in the order of the file, and its size in points."""

    width: float
    height: float
    words: tuple[Word, ...]


class PageReader:
    """Reads the words of one document's pages."""

    def __init__(self) -> None:
        self._name = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()

    def read(self, page: pypdfium2.PdfPage) -> Page:
        """The page with its words; nothing that lies off the page, nothing drawn twice."""
        frame = Frame.of(page)
        text = page.get_textpage()
        seen: set[tuple[str, int, int]] = set()
        words = []
        for word in self._words(text, frame):
            # Letters drawn twice, a hair apart, are a poor man's bold.
            if _UNSEEN.fullmatch(word.text):
                continue
            place = (word.text, round(word.box.left / 2), round(word.box.top / 2))
            if frame.holds(word.box) and place not in seen:
                seen.add(place)
                words.append(word)
        text.close()
        return Page(frame.width, frame.height, tuple(words))

    def _words(self, text: pypdfium2.PdfTextPage, frame: Frame) -> Iterator[Word]:
        raw, count = text.raw, text.count_chars()
        rect = pdfium.FS_RECTF()
        letters: list[str] = []
        box = start = last = Box(0, 0, 0, 0)
        first, spaced = 0, True
        for index in range(count + 1):
            letter = (
                _letter(pdfium.FPDFText_GetUnicode(raw, index), letters) if index < count else "\n"
            )
            ends = letter in _ENDS
            if not ends:
                pdfium.FPDFText_GetLooseCharBox(raw, index, rect)
                here = frame.box(rect.left, rect.top, rect.right, rect.bottom)
                parts = not _goes_on(last, here) and not _is_turned(raw, index, frame)
            if letters and (ends or parts):
                rightwards = last.left > start.left + 1
                end = letter if ends else ""
                yield self._word(raw, first, letters, box, spaced, end, frame, rightwards)
                letters, spaced = [], not ends and _is_apart(last, here)
            if ends:
                spaced = letter != _LINE_END_HYPHEN
                continue
            if not letters:
                first, box, start = index, here, here
            letters.append(letter)
            box, last = box.over(here), here

    def _word(
        self,
        raw: pdfium.FPDF_TEXTPAGE,
        first: int,
        letters: list[str],
        box: Box,
        spaced: bool,
        end: str,
        frame: Frame,
        rightwards: bool,
    ) -> Word:
        pdfium.FPDFText_GetFontInfo(raw, first, self._name, 128, self._flags)
        name = self._name.value
        weight = pdfium.FPDFText_GetFontWeight(raw, first)
        text = "".join(letters)
        if rightwards and _RIGHT_TO_LEFT.search(text):
            # Some programs write such letters in the order in which they are seen.
            text = text[::-1]
        if len(text) == 1 and (_PRIVATE_BULLET.match(text) or _is_sign(text, name)):
            # A letter of a font of signs is a sign: nearly always the bullet of a list.
            text = "•"
        turned = _is_turned(raw, first, frame)
        return Word(
            text=text,
            box=box if turned or frame.turn else _by_size(raw, first, box, frame),
            bold=weight >= _BOLD_WEIGHT or bool(_BOLD.search(name)),
            slanted=bool(self._flags.value & _SLANTED_FLAG) or bool(_SLANTED.search(name)),
            mono=bool(self._flags.value & 1) or bool(_MONOSPACED.search(name)),
            turned=turned,
            spaced=spaced,
            ends_line=end in ("\r", "\n", _LINE_END_HYPHEN),
            hyphenated=end == _LINE_END_HYPHEN,
            space_after=end == " ",
        )


@dataclass(frozen=True, slots=True)
class Frame:
    """The part of a page that is shown, and how it is turned."""

    left: float
    bottom: float
    right: float
    top: float
    turn: int

    @classmethod
    def of(cls, page: pypdfium2.PdfPage) -> Frame:
        """The frame of a page."""
        left, bottom, right, top = page.get_cropbox()
        return cls(left, bottom, right, top, page.get_rotation() % 360)

    @property
    def width(self) -> float:
        """As it is seen."""
        return self.top - self.bottom if self.turn in (90, 270) else self.right - self.left

    @property
    def height(self) -> float:
        """As it is seen."""
        return self.right - self.left if self.turn in (90, 270) else self.top - self.bottom

    def box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """A box in PDF's coordinates, which start at the lower left corner, as it is seen."""
        match self.turn:
            case 90:
                return Box(
                    bottom - self.bottom, left - self.left, top - self.bottom, right - self.left
                )
            case 180:
                return Box(
                    self.right - right, bottom - self.bottom, self.right - left, top - self.bottom
                )
            case 270:
                return Box(self.top - top, self.right - right, self.top - bottom, self.right - left)
            case _:
                return Box(left - self.left, self.top - top, right - self.left, self.top - bottom)

    def holds(self, box: Box) -> bool:
        """Whether the middle of a box lies on the page."""
        return 0 <= box.centre <= self.width and 0 <= box.middle <= self.height


def _letter(code: int, before: list[str]) -> str:
    """The character of a code, where PDFium writes one above the basic plane as two halves."""
    if 0xDC00 <= code < 0xE000 and before and "\ud800" <= before[-1] < "\udc00":
        high = ord(before.pop())
        return chr(0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00))
    return chr(code)


def _is_sign(text: str, font: bytes) -> bool:
    return text.isascii() and text.isalnum() and bool(_SIGNS.search(font))


def _is_turned(raw: pdfium.FPDF_TEXTPAGE, index: int, frame: Frame) -> bool:
    """Whether a letter does not stand upright to whoever sees the page."""
    angle = pdfium.FPDFText_GetCharAngle(raw, index) - math.radians(frame.turn)
    return abs(math.sin(angle)) > _STEEP


def _goes_on(last: Box, here: Box) -> bool:
    """Whether a letter belongs to the word of the letter before it."""
    lower, higher = sorted((last.height, here.height))
    if higher <= 0 or lower < _SMALLER * higher:
        return False
    gap = max(here.left - last.right, last.left - here.right)
    return abs(last.middle - here.middle) < higher and gap < higher


def _by_size(raw: pdfium.FPDF_TEXTPAGE, index: int, box: Box, frame: Frame) -> Box:
    """The box as high as letters of its size usually are.

    How high PDFium takes letters to be is up to their font, and differs by half among fonts of a
    size; then a link in another font would seem to be of another size than its sentence.
    """
    matrix, x, y = pdfium.FS_MATRIX(), ctypes.c_double(), ctypes.c_double()
    known = pdfium.FPDFText_GetMatrix(raw, index, matrix)
    size = pdfium.FPDFText_GetFontSize(raw, index) * math.hypot(matrix.b, matrix.d)
    if not known or size <= 0 or not pdfium.FPDFText_GetCharOrigin(raw, index, x, y):
        return box
    base = frame.top - y.value
    return Box(box.left, base - _ASCENT * size, box.right, base + _DESCENT * size)


def _is_apart(last: Box, here: Box) -> bool:
    """Whether there is a space between two letters of different height."""
    gap = max(here.left - last.right, last.left - here.right)
    return gap > 0.14 * max(last.height, here.height)
