"""The files that visitors get: whole, small, and named by their content."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from pathlib import Path

import widget
from backend.api.assets import Assets
from benchmarks.widget_size import EVERYTHING_LIMIT, LOADER_LIMIT, measure
from widget.served import compact, digest, integrity, joined, served_files

SOURCE = Path(widget.__file__).parent / "src"


def test_every_module_is_in_a_joined_one() -> None:
    core, rare = joined("define.js", lent_to="rare.js"), joined("rare.js", beside="define.js")
    for path in SOURCE.glob("*.js"):
        if path.name in ("loader.js", "rare.js"):
            continue
        for line in path.read_text().splitlines():
            if line.startswith("export "):
                declared = line.removeprefix("export ").split("(")[0].split(" =")[0].split(" {")[0]
                wanted = compact(declared.replace("async ", "")).strip()
                assert (wanted in core) != (wanted in rare), path.name
    assert not re.search(r"\bimport\s*[{'\"]|\bexport (const|class|function|async|default)", core)
    borrowed = re.match(r"import\{(.*?)\}from'./define.js';", rare)
    assert borrowed is not None
    assert f"export{{{borrowed[1]}}};" in core


def test_within_the_limits() -> None:
    sizes = measure()
    assert sizes.loader < LOADER_LIMIT
    assert sizes.visit < EVERYTHING_LIMIT


def test_sizes_are_those_of_gzip() -> None:
    assert measure().loader == len(gzip.compress(served_files()["loader.js"], 9))


def test_the_digest_names_the_content() -> None:
    assert Assets(served_files()).digest == digest()
    sealed = base64.b64decode(integrity("loader.js").removeprefix("sha384-"))
    assert sealed == hashlib.sha384(served_files()["loader.js"]).digest()


def test_style_sheets_are_compacted_without_change_of_meaning() -> None:
    sheet = (
        "const A = `\n.a :is(b, c) { color: red; /* a: b; */ margin: 1px 2px; }\n"
        "@media (min-width: 1px) { a { b: c } }\n`;\n"
    )
    assert compact(sheet) == (
        "const A=`\n.a :is(b,c){color:red;margin:1px 2px}@media (min-width:1px){a{b:c}}`;\n"
    )
