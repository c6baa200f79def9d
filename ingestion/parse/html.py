"""HTML to Markdown: the main content of a page, with the ids that a link can end in."""

from __future__ import annotations

import re

import html_to_markdown
from selectolax.lexbor import LexborHTMLParser, LexborNode

from ingestion.parse.draft import Draft, anchor_sign, without_signs
from ingestion.parse.formats import decode_html
from ingestion.parse.main_part import main_part, mostly_links, take_out_leading_menus
from ingestion.parse.page import (
    page_facts,
    page_language,
    page_modified_at,
    page_title,
)
from ingestion.parse.reading import FileToRead, PageFacts
from knowledge.errors import ParseError

_MAIN = (
    "#mw-content-text",
    "main",
    "[role=main]",
    "article",
    "#page-content",
    "#main-content",
    "#content",
    "#main",
    ".markdown-body",
    ".entry-content",
    ".post-content",
    "div.body",
    "div.document",
)
_SHORTEST_MAIN = 200
_NOT_CONTENT = ", ".join(
    (
        "script, style, noscript, template, iframe, object, svg, canvas, form, button, select",
        "nav, [role=navigation], [role=banner], [role=contentinfo], [role=search]",
        "[hidden], [aria-hidden=true], [class~=breadcrumb], [class~=breadcrumbs]",
        "[class~=toplang], [class~=bottomlang], [class~=mw-editsection], [id=quickview]",
        "[class~=skip-link], [class~=sr-only], [class~=visually-hidden], [class~=noprint]",
        "[class*=cookie-banner], [id*=cookie-banner]",
    )
)
_MENUS = ", ".join(
    (
        "[class~=sidebar], [class~=toc], [id=toc], [class~=toctree-wrapper], [class~=navbox]",
        "[class~=share], [class~=social]",
    )
)
"""What most sites call their menus and others their boxed remarks, or a whole book on one page: it
goes where it is links for the most part."""
_PERMALINK = ".headerlink, .permalink, .anchor-link, .hash-link, a.anchor"
_UNWRAPPED = ("a", "strong", "b", "em", "i", "u", "span", "font", "var", "cite", "dfn", "small")
_HEADINGS = "h1, h2, h3, h4, h5, h6"
_OPTIONS = html_to_markdown.ConversionOptions(
    extract_metadata=False,
    compact_tables=True,
    skip_images=True,
    autolinks=False,
    expand_abbreviations=False,
    include_blockquote_citations=False,
)


def parse_html(file: FileToRead) -> tuple[Draft, PageFacts]:
    """The page's main content and what it tells a crawler."""
    html = without_signs(decode_html(file.data, file.content_type))
    tree = LexborHTMLParser(html)
    facts = page_facts(tree, file.address)
    draft = Draft(
        media_type="text/html",
        language=page_language(tree),
        modified_at=page_modified_at(tree),
    )
    marked = _main_content(tree)
    if marked is not None:
        take_out_leading_menus(marked)
    draft.title = page_title(tree, marked or tree.body)
    draft.has_scripts = tree.css_first("script[src]") is not None
    main = marked or (main_part(tree.body, html) if tree.body else None) or tree.body
    if main is not None:
        _prune(main)
        draft.add(_markdown(main), signed=True)
    return draft, facts


def add_html_fragment(draft: Draft, html: str) -> None:
    """Add a piece of HTML without a page around it, such as the body of an e-mail."""
    draft.add(_whole_body(LexborHTMLParser(without_signs(html))), signed=True)


def _main_content(tree: LexborHTMLParser) -> LexborNode | None:
    body = tree.body
    if body is None:
        return None
    least = min(_SHORTEST_MAIN, len(body.text(separator=" ")) // 4)
    for selector in _MAIN:
        nodes = tree.css(selector)
        # Several articles are the teasers of an overview page: none of them is the content.
        if len(nodes) == 1 and len(nodes[0].text(separator=" ").strip()) >= max(least, 1):
            return nodes[0]
    return None


def _prune(root: LexborNode) -> None:
    """Take away what is not content, and simplify what stands in the way of plain sentences."""
    for node in root.css(_NOT_CONTENT):
        if node.mem_id != root.mem_id:
            node.decompose()
    for node in root.css(_MENUS):
        if node.mem_id != root.mem_id and mostly_links(node):
            node.decompose()
    for node in root.css("header, footer"):
        if not node.css(_HEADINGS):
            node.decompose()
    for node in root.css("ul, ol"):
        if _is_navigation(node):
            node.decompose()
    _write_anchors(root)
    for image in root.css("img[alt]"):
        alt = image.attributes.get("alt") or ""
        if len(alt) > 15:
            image.insert_before(f" {alt} ")
    root.unwrap_tags(list(_UNWRAPPED))


def _is_navigation(node: LexborNode) -> bool:
    """Whether a list is nothing but links into its own page, or to its translations."""
    links = node.css("a[href]")
    if len(links) < 3:
        return False
    inside = all((link.attributes.get("href") or "").startswith("#") for link in links)
    translations = all(link.attributes.get("hreflang") for link in links)
    linked = sum(len(link.text(strip=True)) for link in links)
    return (inside or translations) and linked >= 0.9 * len(node.text(strip=True))


def _write_anchors(root: LexborNode) -> None:
    """Put the id that links to a heading or a defined term in front of its words, as a sign."""
    for node in root.css(f"{_HEADINGS}, dt[id]"):
        anchor = _anchor_of(node)
        for link in node.css(_PERMALINK):
            link.decompose()
        if node.first_child is not None and anchor and not re.search(r"\s", anchor):
            node.first_child.insert_before(anchor_sign(anchor))


def _anchor_of(node: LexborNode) -> str:
    for link in node.css(_PERMALINK):
        href = link.attributes.get("href") or ""
        if href.startswith("#") and len(href) > 1:
            return href[1:]
    if node.attributes.get("id"):
        return node.attributes["id"] or ""
    inner = node.css_first("[id], a[name]")
    if inner is not None and inner.mem_id != node.mem_id:
        return inner.attributes.get("id") or inner.attributes.get("name") or ""
    # Sphinx and others put the id on the section that the heading opens.
    parent = node.parent
    if parent is not None and parent.tag in ("section", "div", "article"):
        first = next((child for child in parent.iter(include_text=False)), None)
        if first is not None and first.mem_id == node.mem_id:
            return parent.attributes.get("id") or ""
    return ""


def _markdown(root: LexborNode) -> str:
    try:
        return html_to_markdown.convert(root.html or "", _OPTIONS).content or ""
    except (RuntimeError, ValueError) as error:
        raise ParseError(f"The page's HTML could not be converted: {error}.") from error


def _whole_body(tree: LexborHTMLParser) -> str:
    if tree.body is None:
        return ""
    _prune(tree.body)
    return _markdown(tree.body)
