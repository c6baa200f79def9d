"""Text of a Word document that its author has hidden, and what else its parts hold."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

_BODY = "word/document.xml"
_PIECE = 1 << 20
_LARGEST = 60_000_000
_LEFT_BEHIND = re.compile(r"word/(?:media|embeddings|fonts)/")
_HIDDEN = re.compile(
    rb"<w:r(?: [^>]*)?><w:rPr>(?:(?!</w:rPr>).)*?<w:vanish ?/>(?:(?!</w:rPr>).)*</w:rPr>"
    rb"(?:(?!<w:r[ >]|</w:r>).)*</w:r>",
    re.DOTALL,
)


def holds(data: bytes, words: bytes) -> bool:
    """Whether the body of a Word document holds these bytes, read piece by piece."""
    before = b""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(_BODY) as file:
            while piece := file.read(_PIECE):
                if words in before + piece:
                    return True
                before = piece[-len(words) :]
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, zlib.error):
        # Too broken for this reader: Xberg says what is wrong.
        return False
    return False


def without_hidden_text(data: bytes) -> bytes:
    """A Word document without the runs that are hidden: visitors are not to be told of them."""
    if not holds(data, b"<w:vanish"):
        return data
    made = io.BytesIO()
    left = _LARGEST
    with (
        zipfile.ZipFile(io.BytesIO(data)) as archive,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as copy,
    ):
        for entry in archive.infolist():
            if _LEFT_BEHIND.match(entry.filename):
                continue
            with archive.open(entry) as file:
                content = file.read(left + 1)
            left -= len(content)
            if left < 0:
                # So large that Xberg's own limits are to judge it.
                return data
            if entry.filename == _BODY:
                content = _HIDDEN.sub(b"", content)
            copy.writestr(entry.filename, content)
    return made.getvalue()
