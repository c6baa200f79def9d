"""Whatever brand colour is set, text on it and in it can be read."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.widget.scripted_server import ScriptedServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

COLOURS = [
    "#000", "#fff", "#767676", "#777", "#ffe45c", "#101040", "#e4002b", "#0b6e5f", "#ff7a00",
    "#00ff00", "#00ffff", "rebeccapurple", "hsl(200 90% 60%)", "oklch(0.7 0.2 150)",
    "rgb(12 200 30 / 1)",
]  # fmt: skip

MEASURE = """async ([origin, colours, surface]) => {
  const { contrast, palette, parseColour } = await import(`${origin}/source/colour.js`);
  return colours.map((colour) => {
    const of = palette(parseColour(colour), surface);
    const accent = parseColour(of['--accent']);
    const text = parseColour(of['--accent-text']);
    return [contrast(parseColour(of['--on-accent']), accent), contrast(text, surface),
            contrast(text, parseColour(of['--tint']))];
  });
}"""


def luminance(colour: tuple[int, int, int]) -> float:
    """WCAG 2.2, relative luminance."""
    shares = [v / 255 for v in colour]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("surface", [[255, 255, 255], [27, 26, 24]], ids=["light", "dark"])
async def test_any_brand_colour_can_be_read(
    lab: Page, scripted: ScriptedServer, surface: list[int]
) -> None:
    ratios = await lab.evaluate(MEASURE, [scripted.origin, COLOURS, surface])
    worst = {colour: min(found) for colour, found in zip(COLOURS, ratios, strict=True)}
    assert min(worst.values()) >= 4.5, worst


async def test_contrast_is_that_of_the_standard(lab: Page, scripted: ScriptedServer) -> None:
    one, other = (11, 110, 95), (250, 249, 246)
    found = await lab.evaluate(
        """async ([origin, one, other]) =>
          (await import(`${origin}/source/colour.js`)).contrast(one, other)""",
        [scripted.origin, one, other],
    )
    assert found == pytest.approx((luminance(other) + 0.05) / (luminance(one) + 0.05))


async def test_what_is_no_colour(lab: Page, scripted: ScriptedServer) -> None:
    parsed = await lab.evaluate(
        """async (origin) => {
          const { parseColour } = await import(`${origin}/source/colour.js`);
          return ['', 'no', 'url(x)', 'red'].map(parseColour);
        }""",
        scripted.origin,
    )
    assert parsed == [None, None, None, [255, 0, 0]]
