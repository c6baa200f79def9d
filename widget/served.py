"""The widget's files as they are served.

Browsers can run ``src`` as it stands. Visitors get the same code in fewer requests and fewer bytes:
the modules that ``define.js`` imports are put one after another into one file, without comments
and needless white space. Nothing is renamed or rewritten.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import rjsmin

HERE = Path(__file__).parent

MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

_IMPORT = re.compile(r"^import [^;]*?'\./([\w-]+\.js)';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)
_STYLES = re.compile(r"(?<=`\n)[^`]*\}\n(?=`)")


@dataclass(frozen=True, slots=True)
class ServedFile:
    """One file: its bytes, its ``Content-Type`` and its strong ``ETag`` (quoted)."""

    body: bytes
    media_type: str
    etag: str

    @property
    def integrity(self) -> str:
        """The value of an HTML ``integrity`` attribute (W3C Subresource Integrity)."""
        return "sha384-" + b64encode(hashlib.sha384(self.body).digest()).decode()


@cache
def served_files() -> dict[str, ServedFile]:
    """Every file by its path below ``/widget/v1/``, such as ``loader.js`` or ``texts/de.js``."""
    scripts = {
        "loader.js": compact((HERE / "src" / "loader.js").read_text(encoding="utf-8")),
        "define.js": joined("define.js"),
    }
    for path in (HERE / "src" / "texts").glob("*.js"):
        scripts[f"texts/{path.name}"] = compact(path.read_text(encoding="utf-8"))
    files = {name: _file(text.encode(), ".js") for name, text in scripts.items()}
    for path in (HERE / "pages").iterdir():
        if path.suffix in MEDIA_TYPES:
            files[f"pages/{path.name}"] = _file(path.read_bytes(), path.suffix)
    return dict(sorted(files.items()))


@cache
def digest() -> str:
    """The first 12 hex digits of SHA-256 over all files: the name of this build."""
    everything = hashlib.sha256()
    for name, file in served_files().items():
        everything.update(f"{name}\n{len(file.body)}\n".encode() + file.body)
    return everything.hexdigest()[:12]


def ask_page() -> str:
    """The full-page assistant; ``{{assistant}}`` stands for the HTML-escaped public key."""
    return (HERE / "pages" / "ask.html").read_text(encoding="utf-8")


def _file(body: bytes, suffix: str) -> ServedFile:
    return ServedFile(body, MEDIA_TYPES[suffix], f'"{hashlib.sha256(body).hexdigest()[:16]}"')


def joined(entry: str) -> str:
    """A module of ``src`` after all that it imports, as one module.

    Every module's top-level names are visible to all, so they are unique across ``src``; where
    they were not, the browser would refuse the file as a whole.
    """
    done: dict[str, str] = {}

    def visit(name: str) -> None:
        if name in done:
            return
        text = (HERE / "src" / name).read_text(encoding="utf-8")
        for imported in _IMPORT.findall(text):
            visit(imported)
        done[name] = compact(_EXPORT.sub("", _IMPORT.sub("", text)))

    visit(entry)
    return "".join(done.values())


def compact(script: str) -> str:
    """The script, and the style sheets in its template strings, without comments and white space."""
    return str(rjsmin.jsmin(_STYLES.sub(lambda found: _compact_css(found[0]), script))) + "\n"


def _compact_css(sheet: str) -> str:
    # Only what means the same in selectors, values and media queries alike: a space before a colon
    # is a descendant combinator, one after it never is.
    return re.sub(r"\s*([{};,])\s*|(?<=:)\s+", r"\1", sheet.strip())
