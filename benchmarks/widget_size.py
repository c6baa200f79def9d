"""What the widget weighs on the wire, beside the published builds of two other widgets.

``gzip -9`` over every file as it is served. A visit that asks and reads the sources loads the
loader, the one module and one language; what few visits use (a form, a person, a download) comes
in ``rare.js`` when it is used. Browsers that take Brotli, which is most, load less. "All" adds the
nine other languages and the full page.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass

import brotli

from widget.served import digest, integrity, served_files

LOADER_LIMIT = 2_000
EVERYTHING_LIMIT = 20_000

# gzip -9 of the builds that their pages load, measured in August 2026.
ANCHORS = {
    "AnythingLLM embed": 214_125 + 3_173,
    "Flowise chat embed": 283_788,
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Compressed bytes: per file, of the loader, of a visit in the heaviest language, of all."""

    files: dict[str, int]
    loader: int
    visit: int
    everything: int


def measure() -> Sizes:
    """Compress every served file, each by itself, as a server does."""
    files = {name: len(gzip.compress(body, 9)) for name, body in served_files().items()}
    return Sizes(files, files["loader.js"], visit(files), sum(files.values()))


def visit(files: dict[str, int]) -> int:
    """What a visit loads of these sizes, in the heaviest language."""
    language = max(size for name, size in files.items() if re.fullmatch(r"texts/\w+\.json", name))
    return files["loader.js"] + files["define.js"] + language


def main() -> None:
    """Print the sizes, the anchors, and the addresses that pin this build."""
    sizes = measure()
    width = max(map(len, [*sizes.files, *ANCHORS, "the same visit in Brotli"])) + 2
    for name, size in sizes.files.items():
        print(f"{name:<{width}}{size:>9,} B")
    print(f"{'loader':<{width}}{sizes.loader:>9,} B   limit {LOADER_LIMIT:,} B")
    print(f"{'a visit':<{width}}{sizes.visit:>9,} B   limit {EVERYTHING_LIMIT:,} B")
    brotlied = {name: len(brotli.compress(body)) for name, body in served_files().items()}
    print(f"{'the same visit in Brotli':<{width}}{visit(brotlied):>9,} B")
    print(f"{'all files':<{width}}{sizes.everything:>9,} B")
    for name, size in ANCHORS.items():
        print(f"{name:<{width}}{size:>9,} B   {size / sizes.visit:.1f} times a visit")
    print(f"\nPinned: /widget/{digest()}/loader.js")
    print(f'integrity="{integrity("loader.js")}"')


if __name__ == "__main__":
    main()
