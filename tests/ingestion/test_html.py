from __future__ import annotations

import pytest

from ingestion.parse.reader import read
from ingestion.parse.reading import FileToRead, PageFacts
from knowledge.types import ParsedDocument

WORDS = "Some words that make the content long enough to be the content of a page. " * 4


def page(body: str, head: str = "<title>Title</title>", **told: str) -> ParsedDocument:
    html = f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>"
    return read(FileToRead(html.encode(), "", "text/html", **told)).document_or_raise()


def facts(body: str, head: str = "") -> PageFacts:
    html = f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"
    found = read(FileToRead(html.encode(), address="https://x.org/docs/a")).page
    assert found is not None
    return found


def test_the_main_content_is_kept_and_the_rest_is_not() -> None:
    found = page(
        f"<nav>Menu</nav><header>Top</header><main><h1>Heading</h1><p>{WORDS}</p>"
        "<ul><li><a href='#a'>A</a><li><a href='#b'>B</a><li><a href='#c'>C</a></ul>"
        "<script>alert(1)</script></main><footer>Bottom</footer>"
    )
    assert found.title == "Heading"
    assert found.text == f"# Heading\n\n{WORDS.strip()}"


def test_a_page_that_does_not_mark_its_content_is_read_all_the_same() -> None:
    found = page(f"<div><h2>Heading</h2><p>{WORDS}</p></div>")
    assert found.title == "Title"
    assert WORDS.strip() in found.text


MENU = "".join(f"<li><a href='/{n}'>Menu item {n}</a>" for n in range(8))
SOUP = f"""
<div class=top><div class=logo><a href=/>Acme</a></div><ul>{MENU}</ul></div>
<table><tr><td><b>More</b><br><a href=/a>Products</a><br><a href=/b>Prices and plans</a></td><td>
<div class=col><div class=t id=returns><h2>Returns</h2></div>
<div class=para>When this option is on, the daily script runs <code>send-back</code>
(from the <span>post</span> package), which takes parcels until <code>22:00</code> each day.</div>
<div class=para>Write to <a href=mailto:a@b.c>the desk</a> within thirty days of the purchase.
<div class=para>Inner words that stand in a block inside a block, beside words of its own.</div>
Words after the inner block, which belong to the outer one.</div>
<dl><dt>Fee</dt><dd><div class=para>Nothing, where the parcel is <code>whole</code>.</div></dd></dl>
<div class=para>{WORDS}</div></div></td></tr></table>
<div class=bottom>Copyright Acme, all rights reserved <a href=/terms>Terms</a></div>"""


def test_nothing_is_lost_from_a_page_without_marks_but_its_menus_and_its_frame() -> None:
    found = page(SOUP)
    for words in (
        "When this option is on, the daily script runs `send-back`",
        "(from the post package), which takes parcels until `22:00` each day.",
        "Write to the desk within thirty days of the purchase.",
        "Inner words that stand in a block inside a block, beside words of its own.",
        "Words after the inner block, which belong to the outer one.",
        "Fee",
        "Nothing, where the parcel is `whole`.",
        WORDS.strip(),
    ):
        assert words in " ".join(found.text.split())
    for words in ("Menu item", "Acme", "Prices and plans", "Copyright", "Terms"):
        assert words not in found.text
    assert [mark.value for mark in found.marks] == ["returns"]


def test_menus_that_a_main_part_begins_with_are_left_out_and_a_list_of_links_is_not() -> None:
    top = (
        f"<div><h1><a href=/>The site</a></h1><div>{MENU}</div></div><p><a href=/>Home</a> &gt;</p>"
    )
    links = "<ul><li><a href=https://a.org>One there</a><li><a href=https://b.org>Two</a></ul>"
    found = page(f"<div id=content>{top}<div><h1>Heading</h1>{links}<p>{WORDS}</p></div></div>")
    assert found.text.startswith("# Heading\n\n- One there\n- Two\n\nSome words")
    assert "Menu item" not in found.text
    assert "One there" in page(f"<main>{links}</main>").text


def test_a_page_of_blocks_in_blocks_in_blocks_is_read() -> None:
    found = page("<div>" * 300 + f"<p>{WORDS}</p>" + "</div>" * 300)
    assert WORDS.strip() in found.text


def test_code_and_tables_are_verbatim() -> None:
    code = 'def f(x):\n    return x * 2  # "two"'
    table = "<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>x | y</td></tr></table>"
    found = page(
        f"<main><p>{WORDS}</p><pre><code class=language-python>{code}</code></pre>{table}</main>"
    )
    assert f"```python\n{code}\n```" in found.text
    assert "| A | B |\n| --- | --- |\n| 1 | x \\| y |" in found.text


def test_the_ids_of_headings_become_anchors() -> None:
    found = page(
        f"<main><h1 id=top>A<a class=headerlink href=#top>¶</a></h1><p>{WORDS}</p>"
        f"<section id=part><h2>B</h2><p>{WORDS}</p></section>"
        f"<h2><a name=old></a>C</h2><p>{WORDS}</p>"
        f"<dl><dt id=term>D</dt><dd>{WORDS}</dd></dl></main>"
    )
    places = {mark.value: found.text[mark.offset :].split("\n")[0] for mark in found.marks}
    assert places == {"top": "# A", "part": "## B", "old": "## C", "term": "D"}


def test_a_page_cannot_forge_an_anchor() -> None:
    found = page(f"<main><h1 id=real>A</h1><p>\ue000forged\ue001{WORDS}</p></main>")
    assert [mark.value for mark in found.marks] == ["real"]
    assert "\ue000" not in found.text


def test_charsets_are_found_as_browsers_do() -> None:
    html = "<html><head><meta charset=windows-1251></head><body><main>Привет, мир</main></body>"
    found = read(FileToRead(html.encode("cp1251"), "", "text/html")).document_or_raise()
    assert found.text == "Привет, мир"
    told = read(FileToRead("<html><p>Grüße</p>".encode("latin-1"), "", "text/html; charset=latin1"))
    assert told.document_or_raise().text == "Grüße"


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1252", "Größe, Maße und Äpfel: wir liefern schöne Bücher über die Straße."),
        ("cp1251", "Это страница о доставке и возврате товаров."),
        ("shift_jis", "返品は三十日以内に受け付けます。送料は無料です。"),
    ],
)
@pytest.mark.parametrize("told", ["text/html", "text/html; charset=utf-8"])
def test_a_page_in_another_encoding_than_it_says_loses_nothing(
    told: str, encoding: str, words: str
) -> None:
    html = f"<html><head><title>A page</title></head><body><p>{words}</p></body></html>"
    found = read(FileToRead(html.encode(encoding), "", told)).document_or_raise()
    assert found.text == words


def test_links_are_absolute_and_followed_only_where_they_may_be() -> None:
    found = facts(
        "<a href=b>1</a><a href='/c#x'>2</a><a rel=nofollow href=/no>3</a>"
        "<a href='mailto:a@b.c'>4</a><a href='javascript:x()'>5</a><a href='http://[bad'>6</a>"
        "<a href=b>7</a><a href='https://y.org/d'>8</a>",
        "<base href='/base/'><meta http-equiv=refresh content='0; url=/next'>",
    )
    assert found.links == (
        "https://x.org/base/b",
        "https://x.org/c",
        "https://y.org/d",
        "https://x.org/next",
    )


def test_robots_rules_and_the_canonical_address_are_read() -> None:
    found = facts(
        "<a href=b>1</a>", "<link rel=canonical href=/c><meta name=Robots content='None'>"
    )
    assert found == PageFacts(links=(), canonical="https://x.org/c", noindex=True, nofollow=True)


def test_the_date_a_page_gives_itself_is_kept() -> None:
    head = '<meta property="article:modified_time" content="2026-07-01T10:00:00+02:00">'
    found = page(f"<main>{WORDS}</main>", head)
    assert found.modified_at is not None
    assert found.modified_at.isoformat() == "2026-07-01T08:00:00+00:00"


def test_a_page_that_needs_javascript_is_named_so_and_its_links_are_kept() -> None:
    html = (
        b"<html><body><nav><a href=/b>B</a></nav><div id=root></div><script src=/app.js></script>"
    )
    reading = read(FileToRead(html, "", "text/html", "https://x.org/"))
    assert reading.failure is not None
    assert "JavaScript" in reading.failure.detail
    assert reading.page is not None
    assert reading.page.links == ("https://x.org/b",)
