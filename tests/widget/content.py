"""What the scripted server knows: a garden shop's answer, its passages and its citations."""

from __future__ import annotations

from typing import Any

ANSWER = (
    "You can return plants within **30 days** 🌱 if they are still in their pot. "
    "Send the receipt with them, or show it in the shop.\n\n"
    "Refunds take three steps:\n\n"
    "1. We look at the plant.\n"
    "2. We confirm by e-mail.\n"
    "3. The money arrives within `5` working days.\n\n"
    "See [the returns page](https://garden.example/returns) for details."
)

RETURNS = (
    "## Returns 🌿\n\nPlants may be returned within **30 days** of purchase, in their original "
    "pot. Cut flowers and seeds cannot be returned.\n\nBring the receipt, or send it along. "
    "Without a receipt we can exchange, but not refund."
)
REFUNDS = (
    "Once we have looked at the plant, we confirm the refund by e-mail. The money arrives within "
    "5 working days.\n\n| paid by | takes |\n|---|---|\n| card | 3 days |\n| transfer | 5 days |"
)
VIDEO = "In this video we show how to pack a plant so that it survives the post."
MANUAL = "Warranty claims for tools need the serial number on the handle."


def _span(text: str, part: str) -> list[int]:
    start = text.index(part)
    return [start, start + len(part)]


def _hit(number: int, text: str, **more: Any) -> dict[str, Any]:
    hit = {
        "chunk_id": f"chunk-{number}", "document_id": f"document-{number}", "score": 0.03 / number,
        "text": text, "page": None, "seconds": None,
        "arms": {
            "sparse": {"rank": number, "score": 9.1 / number, "part": 1 / (60 + number)},
            "dense": {"rank": 2 * number, "score": 0.8, "part": 1 / (60 + 2 * number)},
        },
    }  # fmt: skip
    return {**hit, **more}


HITS = [
    _hit(1, RETURNS, title="Returns and refunds", address="https://garden.example/returns#plants",
         heading=["Help", "Returns"]),
    _hit(2, REFUNDS, title="How refunds work", address="https://garden.example/refunds",
         heading=["Help", "Money"]),
    _hit(3, VIDEO, title="Packing a plant", address="https://www.youtube.com/watch?v=abc",
         heading=[], seconds=95.4),
    _hit(4, MANUAL, title="Tool handbook", address="https://garden.example/tools.pdf",
         heading=["Warranty"], page=12, arms={
             "dense": {"rank": 4, "score": 0.4, "part": 1 / 64}}),
]  # fmt: skip


def _citation(number: int, sentence: str, hit: int, cited: str) -> dict[str, Any]:
    found = HITS[hit]
    return {
        "id": number, "sentence": _span(ANSWER, sentence), "chunk_id": found["chunk_id"],
        "span": _span(found["text"], cited), "address": found["address"], "title": found["title"],
    }  # fmt: skip


CITATIONS = [
    _citation(1, ANSWER.split(" Send")[0], 0,
              "Plants may be returned within **30 days** of purchase, in their original pot."),
    _citation(1, "Send the receipt with them, or show it in the shop.", 0,
              "Bring the receipt, or send it along."),
    _citation(2, "The money arrives within `5` working days.", 1,
              "The money arrives within 5 working days."),
]  # fmt: skip

# A page of the garden's own website, for the application to crawl.
VISITING = """<!doctype html><html lang="en"><head><title>Visiting the garden</title></head><body>
<main><h1>Visiting the garden</h1>
<h2 id="hours">Opening hours</h2>
<p>The garden is open from nine to six. On Sundays it opens at noon. In winter it closes at four
o'clock in the afternoon, because it is dark by then.</p>
<h2 id="dogs">Dogs</h2>
<p>Dogs are welcome on a lead. They may not enter the glass house, where the orchids are.</p>
</main></body></html>"""

WELCOME = "Ask me about orders, returns and plant care. I answer with the sentences I found."

GARDEN: dict[str, Any] = {
    "name": "Garden Centre",
    "welcome": WELCOME,
    "suggestions": [
        "Can I return a plant?",
        "How long does a refund take?",
        "Do you deliver on Saturdays?",
    ],
    "appearance": {},
}

PROFILES: dict[str, dict[str, Any]] = {
    "garden": GARDEN,
    "yellow": {**GARDEN, "appearance": {"accent": "#ffe45c"}},
    "navy": {**GARDEN, "appearance": {"accent": "#101040"}},
    "arabic": {
        "name": "مركز الحدائق",
        "welcome": "اسألني عن الطلبات والإرجاع والعناية بالنباتات.",
        "suggestions": ["هل يمكنني إرجاع نبتة؟"],
        "appearance": {"lang": "ar", "accent": "rebeccapurple"},
    },
    "bare": {"name": "Bare", "welcome": "", "suggestions": [], "appearance": {}},
}
