"""What an HTML page says about itself: its links, its robots rules, its title and dates."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ingestion.parse.reading import PageFacts

MAX_LINKS = 20_000
_REFRESH = re.compile(r"url\s*=\s*['\"]?([^'\">\s]+)", re.IGNORECASE)
_MODIFIED = (
    'meta[property="article:modified_time"]',
    'meta[property="og:updated_time"]',
    'meta[name="dcterms.modified"]',
    'meta[name="last-modified"]',
    'meta[property="article:published_time"]',
)


def page_facts(tree: LexborHTMLParser, address: str) -> PageFacts:
    """The page's links and rules, with addresses made absolute from ``address``."""
    base = address
    element = tree.css_first("base[href]")
    if element is not None:
        base = _join(address, element.attributes.get("href") or "") or address
    rules = _robots_rules(tree)
    canonical = tree.css_first('link[rel="canonical"][href]')
    return PageFacts(
        links=() if "nofollow" in rules else tuple(_links(tree, base)),
        canonical=_join(base, canonical.attributes.get("href") or "") if canonical else "",
        noindex="noindex" in rules,
        nofollow="nofollow" in rules,
    )


def _robots_rules(tree: LexborHTMLParser) -> set[str]:
    rules: set[str] = set()
    for meta in tree.css("meta[name][content]"):
        if (meta.attributes.get("name") or "").lower() in ("robots", "candorbot"):
            words = (meta.attributes.get("content") or "").lower().replace(",", " ").split()
            rules.update(words)
    return rules | {"noindex", "nofollow"} if "none" in rules else rules


def _links(tree: LexborHTMLParser, base: str) -> list[str]:
    found: dict[str, None] = {}
    for node in tree.css("a[href], area[href], link[rel=next][href], link[rel=prev][href]"):
        if "nofollow" in (node.attributes.get("rel") or "").lower().split():
            continue
        link = _join(base, node.attributes.get("href") or "")
        if link:
            found[link] = None
        if len(found) >= MAX_LINKS:
            break
    for meta in tree.css("meta[http-equiv][content]"):
        if (meta.attributes.get("http-equiv") or "").lower() == "refresh":
            match = _REFRESH.search(meta.attributes.get("content") or "")
            if match and (link := _join(base, match.group(1))):
                found[link] = None
    return list(found)


def _join(base: str, href: str) -> str:
    """``href`` as an absolute http(s) address without its fragment, or ``""``."""
    try:
        joined = urljoin(base, href.strip())
        parts = urlsplit(joined)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.netloc or len(joined) > 2000:
        return ""
    return joined.split("#", 1)[0]


def page_title(tree: LexborHTMLParser, main: LexborNode | None) -> str:
    """The one main heading of the content; else the page's title, else the first heading."""
    headings = main.css("h1") if main is not None else []
    texts = [text for node in headings if (text := heading_text(node))]
    if len(texts) == 1:
        return texts[0]
    social = tree.css_first('meta[property="og:title"][content]')
    if social is not None and (social.attributes.get("content") or "").strip():
        return (social.attributes.get("content") or "").strip()
    title = tree.css_first("title")
    if title is not None and title.text(strip=True):
        return title.text(strip=True)
    return texts[0] if texts else ""


def heading_text(node: LexborNode) -> str:
    """A heading's words without the sign that links to itself."""
    return " ".join(node.text(separator=" ").split()).strip(" ¶#§🔗")


def page_modified_at(tree: LexborHTMLParser) -> datetime | None:
    """When the page says it was last changed."""
    for selector in _MODIFIED:
        node = tree.css_first(selector)
        if node is None:
            continue
        try:
            told = datetime.fromisoformat((node.attributes.get("content") or "").strip())
        except ValueError:
            continue
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    return None


def page_language(tree: LexborHTMLParser) -> str:
    """The language that the page declares, as an ISO 639-1 code, or ``""``."""
    root = tree.css_first("html")
    told = (root.attributes.get("lang") or root.attributes.get("xml:lang") or "") if root else ""
    code = told.strip().lower().replace("_", "-").split("-")[0]
    return code if len(code) == 2 and code.isalpha() else ""
