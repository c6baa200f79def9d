"""How good leads are, for the Insights page."""

from __future__ import annotations

from markupsafe import Markup

from backend.console.charts import share
from backend.console.parts import table, tiles
from backend.insights.lead_quality import LeadQuality, LeadsOfPeriod
from knowledge.store.tables import LeadTrigger

TRIGGERS = {
    LeadTrigger.BEFORE_CHAT: "before the first question",
    LeadTrigger.MESSAGES: "after some answers",
    LeadTrigger.ABSTAINED: "when there was no answer",
    LeadTrigger.HANDOFF: "when nobody was there",
    LeadTrigger.ASKED: "by their own wish",
}


def lead_figures(found: LeadsOfPeriod) -> Markup:
    """All leads of a time in figures, and each way in which they came about."""
    total = found.total
    figures = tiles(
        [
            ("Leads", f"{total.leads:,}", False),
            (
                "Conversations that left one",
                share(found.from_conversations, found.conversations),
                False,
            ),
            ("Can be reached", share(total.reachable, total.leads), False),
            ("Taken up", share(total.contacted, total.leads), False),
            ("Median time until then", hours(total.hours), False),
            ("Good, of those judged", share(total.good, total.good + total.poor), False),
        ]
    )
    heads = (
        ("Asked for", "fill"),
        ("Leads", "num"),
        ("With a note", "num"),
        ("Still new", "num"),
        ("Taken up after", "num"),
        ("Good", "num"),
        ("Poor", "num"),
    )
    rows = (_row(one) for one in found.by_trigger)
    return Markup('<div class="stack tight">{}<div class="card">{}</div></div>').format(
        figures, table(heads, rows, "Leads by what they were asked for")
    )


def _row(one: LeadQuality) -> list[Markup | str]:
    assert one.trigger is not None
    return [
        TRIGGERS[one.trigger].capitalize(),
        f"{one.leads:,}",
        f"{one.asked:,}",
        f"{one.open:,}",
        hours(one.hours),
        f"{one.good:,}",
        f"{one.poor:,}",
    ]


def hours(value: float | None) -> str:
    """A time in the unit that people would say."""
    if value is None:
        return "–"
    if value < 1:
        return f"{value * 60:.0f} min"
    return f"{value:.1f} h" if value < 48 else f"{value / 24:.0f} days"
