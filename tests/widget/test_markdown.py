"""Markdown becomes elements by construction; nothing that a text says can become more."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

from tests.widget.content import ANSWER, CITATIONS, HITS
from tests.widget.scripted_server import ScriptedServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

RENDER = """async ([origin, text, places]) => {
  const { render } = await import(`${origin}/source/render.js`);
  const { annotate } = await import(`${origin}/source/annotate.js`);
  const out = document.createElement('div');
  const cite = (id) => Object.assign(document.createElement('b'), { textContent: id });
  render(out, annotate(text, places), { cite });
  return out.innerHTML;
}"""


async def html(
    lab: Page, scripted: ScriptedServer, text: str, places: dict[str, Any] | None = None
) -> str:
    result: str = await lab.evaluate(RENDER, [scripted.origin, text, places or {}])
    return result


LINK = 'target="_blank" rel="noopener noreferrer nofollow"'

BLOCKS = {
    "One.\nStill one.\n\nTwo.": "<p>One.\nStill one.</p><p>Two.</p>",
    "# Big\n\n### Small ###": "<h3>Big</h3><h3>Small</h3>",
    "- a\n- b\n  - c\n- d": "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>",
    "3. c\n4. d": '<ol start="3"><li>c</li><li>d</li></ol>',
    "1. a\n\n   more\n\n2. b": "<ol><li><p>a</p><p>more</p></li><li><p>b</p></li></ol>",
    "Text:\n- a\n- b": "<p>Text:</p><ul><li>a</li><li>b</li></ul>",
    "> quoted\n> **well**": "<blockquote><p>quoted\n<strong>well</strong></p></blockquote>",
    "```py\na < b\n\nc\n```\nend": '<pre tabindex="0"><code>a &lt; b\n\nc</code></pre><p>end</p>',
    "```\nnot closed": '<pre tabindex="0"><code>not closed</code></pre>',
    "---": "<hr>",
    "| a | b |\n|---|:-:|\n| 1 | `x` |\n\nend": (
        '<div class="wide" tabindex="0"><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>'
        "<tr><td>1</td><td><code>x</code></td></tr></tbody></table></div><p>end</p>"
    ),
    "| 1 | 2 |\n| 3 | 4 |": (
        '<div class="wide" tabindex="0"><table><tbody><tr><td>1</td><td>2</td></tr>'
        "<tr><td>3</td><td>4</td></tr></tbody></table></div>"
    ),
    "In 2024. It rained.": "<p>In 2024. It rained.</p>",
    "": "",
}

INLINE = {
    "**bold** and *thin* and ~~gone~~": (
        "<strong>bold</strong> and <em>thin</em> and <del>gone</del>"
    ),
    "**a *b* c**": "<strong>a <em>b</em> c</strong>",
    "_thin_ but not snake_case_name": "<em>thin</em> but not snake_case_name",
    "2 * 3 * 4 ** 5": "2 * 3 * 4 ** 5",
    "`a **b** <i>`": "<code>a **b** &lt;i&gt;</code>",
    "``a ` b``": "<code>a ` b</code>",
    r"\*not\* \[this\]": "*not* [this]",
    "AT&amp;T &lt;3 &#233; &unknown;": "AT&amp;T &lt;3 é &amp;unknown;",
    "[name](https://a.example/x_(y))": f'<a href="https://a.example/x_(y)" {LINK}>name</a>',
    "see https://a.example/b.": (
        f'see <a href="https://a.example/b" {LINK}>https://a.example/b</a>.'
    ),
    "<mailto:a@b.example>": f'<a href="mailto:a@b.example" {LINK}>mailto:a@b.example</a>',
    "line  \nbreak": "line<br>break",
}

# Each with the only elements that may come of it.
HOSTILE = {
    "<script>alert(1)</script>": {"P"},
    "<img src=x onerror=alert(1)>": {"P"},
    "[x](javascript:alert(1))": {"P"},
    "[x](JaVaScRiPt:alert(1))": {"P"},
    "[x](data:text/html,<script>alert(1)</script>)": {"P"},
    "[x](vbscript:x) [y](file:///etc/passwd)": {"P"},
    "[x](//evil.example)": {"P"},
    "[x](\x01javascript:alert(1))": {"P"},
    "![track](https://evil.example/pixel.gif)": {"P", "A"},
    '[x](https://a.example" onclick="alert(1))': {"P", "A"},
    "&lt;script&gt;alert(1)&lt;/script&gt;": {"P"},
    "| <b>x</b> |\n|---|\n| <i onclick=y> |": {
        "DIV", "TABLE", "THEAD", "TBODY", "TR", "TH", "TD",
    },
    "\ue0000\ue001 \ue002 \ue003": {"P"},
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BLOCKS.items())
async def test_blocks(lab: Page, scripted: ScriptedServer, text: str, expected: str) -> None:
    assert await html(lab, scripted, text) == expected


@pytest.mark.parametrize(("text", "expected"), INLINE.items())
async def test_inline(lab: Page, scripted: ScriptedServer, text: str, expected: str) -> None:
    assert await html(lab, scripted, text) == f"<p>{expected}</p>"


async def test_hostile_text_stays_text(lab: Page, scripted: ScriptedServer) -> None:
    requests: list[str] = []
    lab.on("request", lambda request: requests.append(request.url))
    lab.on("dialog", lambda dialog: pytest.fail("a script ran"))
    elements = """(html) => {
      const body = new DOMParser().parseFromString(html, 'text/html').body;
      document.body.appendChild(body.cloneNode(true));
      const all = [...body.querySelectorAll('*')];
      return [all.map((e) => e.tagName), all.flatMap((e) => e.getAttributeNames())];
    }"""
    for text, allowed in HOSTILE.items():
        rendered = await html(lab, scripted, text)
        tags, attributes = await lab.evaluate(elements, rendered)
        assert set(tags) <= allowed, text
        assert set(attributes) <= {"href", "target", "rel", "class", "tabindex"}, text
    await lab.wait_for_timeout(100)
    assert not [address for address in requests if "evil" in address]


async def test_citations_stand_after_their_sentences(lab: Page, scripted: ScriptedServer) -> None:
    """Offsets count code points: the answer has an emoji before all of them."""
    cites = [{"at": c["sentence"][1], "id": c["id"]} for c in CITATIONS]
    rendered = await html(lab, scripted, ANSWER, {"cites": cites})
    assert "still in their pot.<b>1</b> Send" in rendered
    assert "show it in the shop.<b>1</b></p>" in rendered
    assert "<code>5</code> working days.<b>2</b></li>" in rendered


async def test_the_cited_words_are_marked(lab: Page, scripted: ScriptedServer) -> None:
    rendered = await html(
        lab, scripted, HITS[0]["text"], {"lit": [c["span"] for c in CITATIONS[:2]]}
    )
    assert (
        "<p><mark>Plants may be returned within </mark><strong><mark>30 days</mark></strong>"
        in rendered
    )
    assert "<mark>Bring the receipt, or send it along.</mark> Without" in rendered
    assert rendered.count("<mark>") == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# Title here\n\nBody.", "# Title here"),
        ("- first item\n- second item", "- second item"),
        ("> a quote", "> a quote"),
        ("| a | b |\n|---|---|\n| one | two |", "one | two"),
        ("| one | two |\n| three | four |", "| one | two |"),
        ("|one|two|\n|three|four|", "|three|four|"),
        ("one\n\ntwo\n\n- three", "one\n\ntwo\n\n- three"),
    ],
)
async def test_a_mark_never_breaks_a_block(
    lab: Page, scripted: ScriptedServer, text: str, words: str
) -> None:
    start = text.index(words)
    marked = await html(lab, scripted, text, {"lit": [[start, start + len(words)]]})
    assert "<mark>" in marked
    assert marked.replace("<mark>", "").replace("</mark>", "") == await html(lab, scripted, text)


async def test_streaming_ends_like_rendering_at_once(lab: Page, scripted: ScriptedServer) -> None:
    text = "\n\n".join([*BLOCKS, *INLINE, *HOSTILE, ANSWER])
    same = await lab.evaluate(
        """async ([origin, text]) => {
          const { render } = await import(`${origin}/source/render.js`);
          const cite = () => null;
          const grown = document.createElement('div');
          for (let end = 0; end < text.length; end += 3) {
            render(grown, text.slice(0, end), { cite });
          }
          render(grown, text, { cite });
          const whole = document.createElement('div');
          render(whole, text, { cite });
          return grown.innerHTML === whole.innerHTML;
        }""",
        [scripted.origin, text],
    )
    assert same


async def test_a_finished_block_is_not_built_again(lab: Page, scripted: ScriptedServer) -> None:
    """So that a selection in it survives, and a long answer streams in linear time."""
    kept = await lab.evaluate(
        """async (origin) => {
          const { render } = await import(`${origin}/source/render.js`);
          const out = document.createElement('div');
          render(out, 'One.\\n\\nTw', { cite: () => null });
          const [one, two] = out.children;
          render(out, 'One.\\n\\nTwo.', { cite: () => null });
          return [one === out.children[0], two === out.children[1]];
        }""",
        scripted.origin,
    )
    assert kept == [True, False]


@pytest.mark.parametrize("text", ["*" * 5000, "[" * 5000, "`" * 5000, "_a" * 3000, "> " * 3000])
async def test_pathological_text_is_shown(lab: Page, scripted: ScriptedServer, text: str) -> None:
    assert await html(lab, scripted, text)
