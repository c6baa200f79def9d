"""The console's icons: strokes on a 24 by 24 field, drawn in the colour of the text."""

from __future__ import annotations

from markupsafe import Markup

_PATHS = {
    "content": "M4 5.5h6l2 2.5h8v10.5H4z",
    "documents": "M7 3.5h7l4 4v13H7zM14 3.5v4h4M10 12h5M10 16h5",
    "explain": "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.2 15.2 20 20M8 9.5h5M8 12h3",
    "rules": "M5 6h9M5 12h14M5 18h6M17 4v4M14 16v4M14 18h5",
    "evaluation": "M4.5 4v16h15M8.5 16v-4M12.5 16V7.5M16.5 16v-6",
    "leads": "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4.5 20c.6-4 3.6-6 7.5-6s6.9 2 7.5 6",
    "insights": "M4 18.5l5-6 4 3.5 7-9M15.5 7H20v4.5",
    "conversations": "M4 5h16v11H10l-4 3.5V16H4z",
    "assistants": "M12 3.5v3M6 6.5h12v10H6zM9.5 11v1.5M14.5 11v1.5M9 20h6M12 16.5V20",
    "system": "M4 6h10M18 6h2M4 12h2M10 12h10M4 18h8M16 18h4M16 4v4M8 10v4M14 16v4",
    "menu": "M4 7h16M4 12h16M4 17h16",
    "close": "M6 6l12 12M18 6 6 18",
    "globe": (
        "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z"
        "M3.5 12h17M12 3.5c3 3 3 14 0 17M12 3.5c-3 3-3 14 0 17"
    ),
    "upload": "M12 16V5M7.5 9 12 4.5 16.5 9M4.5 15.5v4h15v-4",
    "text": "M5 6h14M5 10.5h14M5 15h9M5 19.5h6",
}


def icon(name: str) -> Markup:
    """An icon, hidden from screen readers: words stand beside it."""
    return Markup(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>'
    ).format(_PATHS[name])
