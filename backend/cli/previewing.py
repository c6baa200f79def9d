"""``candor preview``: what a website source would read, in words."""

from __future__ import annotations

from typing import Any

from backend.cli.output import out, plain

_WORDS = {
    "start": "the start",
    "include": "included by {pattern}",
    "folder": "in the folder of the start, {pattern}",
    "not-included": "no pattern includes it",
    "exclude": "excluded by {pattern}",
    "other-host": "on another host",
    "file-type": "not a page ({pattern})",
    "too-long": "the address is too long",
    "too-deep": "too many links from the start",
    "robots": "forbidden by robots.txt",
    "trap": "one of too many addresses of its shape",
    "no-address": "not a web address",
}
_SHOWN = 8


def show_preview(preview: dict[str, Any]) -> None:
    """The verdicts by rule, each with some of its addresses."""
    start = preview["start"]
    out.print(f"{plain(start['address'])} {plain(start['title'])}".rstrip(), markup=False)
    if start["fault"]:
        out.print(f"The start cannot be read: {plain(start['fault'])}", markup=False)
    told = f"{preview['included']} addresses would be read, {preview['excluded']} would not."
    if preview["over_limit"]:
        told += " That is more than --max-pages lets in."
    if preview["stopped"]:
        told += " There are more: not all could be looked at."
    out.print(told, markup=False)
    kinds: dict[tuple[str, str], list[str]] = {}
    for one in preview["addresses"]:
        kinds.setdefault((one["rule"], one["pattern"]), []).append(plain(one["address"]))
    for (rule, pattern), addresses in kinds.items():
        out.print(f"\n{_WORDS.get(rule, rule).format(pattern=pattern)}:", markup=False)
        for address in addresses[:_SHOWN]:
            out.print(f"  {address}", markup=False, soft_wrap=True)
        if len(addresses) > _SHOWN:
            out.print("  ...")
