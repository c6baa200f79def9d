"""The widget's files as they are served.

Browsers can run ``src`` as it stands. Visitors get the same code in fewer requests and fewer bytes:
the modules that ``define.js`` imports are put one after another into one file, without comments
and needless white space, and so are those that ``rare.js`` imports beyond them. Nothing is renamed.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from functools import cache
from pathlib import Path

import rjsmin

HERE = Path(__file__).parent

_IMPORT = re.compile(r"^import [^;]*?'\./([\w-]+\.js)';\n", re.MULTILINE)
_NAMES = re.compile(r"^import \{([^}]*)\} from '\./([\w-]+\.js)';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default|\{)", re.MULTILINE)
_STYLES = re.compile(r"(?<=`\n)[^`]*\}\n(?=`)")


@cache
def served_files() -> dict[str, bytes]:
    """Every file by its path below ``/widget/v1/``: ``loader.js``, ``texts/de.js``, ``pages/...``.

    ``pages/ask.html`` is a template: ``{{assistant}}`` in it stands for an assistant's public key.
    """
    files = {
        "loader.js": compact(_source("loader.js")),
        "define.js": joined("define.js", lent_to="rare.js"),
        "rare.js": joined("rare.js", beside="define.js"),
        "style-page.js": compact(_source("style-page.js")),
    }
    for path in (HERE / "src" / "texts").rglob("*.js"):
        name = path.relative_to(HERE / "src").as_posix()
        files[name] = compact(path.read_text(encoding="utf-8"))
    pages = {f"pages/{p.name}": p.read_bytes() for p in (HERE / "pages").iterdir() if p.is_file()}
    return {name: text.encode() for name, text in sorted(files.items())} | pages


def digest() -> str:
    """The name of this build: the first 12 hex digits of SHA-256 over all names and contents."""
    whole = hashlib.sha256()
    for name, content in sorted(served_files().items()):
        whole.update(name.encode() + b"\0" + content)
    return whole.hexdigest()[:12]


def integrity(name: str) -> str:
    """A file's value for an HTML ``integrity`` attribute (W3C Subresource Integrity)."""
    return "sha384-" + b64encode(hashlib.sha384(served_files()[name]).digest()).decode()


def joined(entry: str, *, beside: str = "", lent_to: str = "") -> str:
    """A module of ``src`` after all that it imports, as one module.

    What ``beside`` brings already is imported from there; and what ``lent_to`` will import is
    exported. Every module's top-level names are visible to all of its file, so they are unique
    across ``src``; where they were not, the browser would refuse the file as a whole.
    """
    there = modules_of(beside) if beside else []
    own = [name for name in modules_of(entry) if name not in there]
    texts = [compact(_EXPORT.sub("", _IMPORT.sub("", _source(name)))) for name in own]
    borrowed = ",".join(_borrowed(own, there))
    if borrowed:
        texts.insert(0, f"import{{{borrowed}}}from'./{beside}';\n")
    if lent_to:
        mine = modules_of(entry)
        others = [name for name in modules_of(lent_to) if name not in mine]
        texts.append(f"export{{{','.join(_borrowed(others, mine))}}};\n")
    return "".join(texts)


def modules_of(entry: str) -> list[str]:
    """A module of ``src`` after all that it imports, each once."""
    done: list[str] = []

    def visit(name: str) -> None:
        if name not in done:
            for imported in _IMPORT.findall(_source(name)):
                visit(imported)
            done.append(name)

    visit(entry)
    return done


def _borrowed(modules: list[str], lenders: list[str]) -> list[str]:
    """The names that some modules import from others."""
    found = {
        name.strip()
        for module in modules
        for names, lender in _NAMES.findall(_source(module))
        if lender in lenders
        for name in names.split(",")
    }
    return sorted(found)


def _source(name: str) -> str:
    return (HERE / "src" / name).read_text(encoding="utf-8")


def compact(script: str) -> str:
    """The script, and the styles in its template strings, without comments and white space."""
    return str(rjsmin.jsmin(_STYLES.sub(lambda found: _compact_css(found[0]), script))) + "\n"


def _compact_css(sheet: str) -> str:
    # Only what means the same in selectors, values and media queries alike: a space before a colon
    # is a descendant combinator, one after it never is.
    plain = re.sub(r"/\*.*?\*/", "", sheet.strip(), flags=re.DOTALL)
    return re.sub(r"\s*([{};,])\s*|(?<=:)\s+", r"\1", plain)
