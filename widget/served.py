"""The widget's files as they are served.

Browsers can run ``src`` as it stands. Visitors get the same code in fewer requests and fewer bytes:
the modules that ``define.js`` imports are put one after another into one file, without comments
and needless white space, and so are those that ``rare.js`` imports beyond them. Only private
members, which nothing outside their class can see, get shorter names.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from functools import cache
from itertools import product
from pathlib import Path
from string import ascii_letters

import rjsmin

HERE = Path(__file__).parent

_IMPORT = re.compile(r"^import [^;]*?'\./([\w-]+\.js)';\n", re.MULTILINE)
_NAMES = re.compile(r"^import \{([^}]*)\} from '\./([\w-]+\.js)';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default|\{)", re.MULTILINE)
_COLOUR = re.compile(r"[0-9a-fA-F]{3,8}")
_PRIVATE = re.compile(r"(?:this|[a-z])\.#([a-zA-Z]\w*)")
_STYLES = re.compile(r"(?<=`\n)[^`]*\}\n(?=`)")


@cache
def served_files() -> dict[str, bytes]:
    """Every file by its path below ``/widget/v1/``: ``loader.js``, ``texts/de.json``, ``pages/*``.

    ``pages/ask.html`` is a template: ``{{assistant}}`` in it stands for an assistant's public key.
    Each script holds the hash of the one that it loads, so the loader's stands for all.
    """
    rare = joined("rare.js", beside="define.js")
    define = _sealing(joined("define.js", lent_to="rare.js"), rare)
    files = {
        "loader.js": _sealing(compact(_source("loader.js")), define),
        "define.js": define,
        "rare.js": rare,
        "style-page.css": _compact_css(_source("style-page.css")),
    }
    for path in (HERE / "src" / "texts").rglob("*.json"):
        texts = json.loads(path.read_text(encoding="utf-8"))
        name = path.relative_to(HERE / "src").as_posix()
        files[name] = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
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


def _sealing(script: str, loaded: str) -> str:
    """The script, holding the hash of the one that it loads."""
    before, empty, after = script.partition("const SEAL='';")
    if not empty:
        raise ValueError("The script has no place for a hash.")
    seal = b64encode(hashlib.sha256(loaded.encode()).digest()).decode()
    return f"{before}const SEAL='sha256-{seal}';{after}"


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
    return _shortened("".join(texts))


def _shortened(script: str) -> str:
    """The script with short names for its classes' private members, which nobody else can see."""
    private = sorted({name for name in _PRIVATE.findall(script) if not _COLOUR.fullmatch(name)})
    letters = [*ascii_letters, *map("".join, product(ascii_letters, repeat=2))]
    short = dict(zip(private, letters, strict=False))
    return re.sub(r"#(\w+)", lambda found: f"#{short.get(found[1], found[1])}", script)


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
    plain = str(rjsmin.jsmin(_STYLES.sub(lambda found: _compact_css(found[0]), script)))
    return plain.replace(";}", "}").replace("}\n", "}") + "\n"


def _compact_css(sheet: str) -> str:
    # Only what means the same in selectors, values and media queries alike: a space before a colon
    # is a descendant combinator, one after it never is.
    plain = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL).strip()
    return re.sub(r"\s*([{};,>])\s*|(?<=:)\s+", r"\1", plain).replace(";}", "}")
