"""Evaluation runs as a reader sees them: their figures, and two of them side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from backend.console.parts import NOTHING, badge, join, note, table, when
from backend.console.what_if_view import comparison
from backend.console.words import exact
from backend.explain.query_runs import ComparedQuery, RunComparison
from knowledge.store.tables import EvaluationRun

_VERDICTS = {
    "better": ("Better", "good"),
    "worse": ("Worse", "bad"),
    "same": ("No difference beyond chance", "quiet"),
}
_LISTED = 500


def run_name(run: EvaluationRun) -> str:
    """What a run is called in a choice."""
    figure = run.figures.get("ndcg@10")
    words = f"{run.name}, {exact(run.created_at)}" if run.name else exact(run.created_at)
    return f"{words}: nDCG@10 {figure:.3f}" if figure is not None else words


def runs_table(runs: Sequence[EvaluationRun], compare: Callable[[str, str], str]) -> Markup:
    """Runs over one set, newest first, each with a link that compares it with the one before."""
    heads = (
        ("Run", "fill"),
        ("nDCG@10", "num"),
        ("MRR@10", "num"),
        ("Queries", "num"),
        ("", ""),
    )
    rows = []
    for at, run in enumerate(runs):
        earlier = runs[at + 1] if at + 1 < len(runs) else None
        rows.append(
            [
                Markup('<b>{}</b> <span class="sub">{}, {}</span>').format(
                    run.name or "Run", when(run.created_at), run.encoder
                ),
                _figure(run, "ndcg@10"),
                _figure(run, "mrr@10"),
                f"{max((len(of) for of in run.by_query.values()), default=0):,}",
                Markup('<a href="{}">Compare with the one before</a>').format(
                    compare(str(earlier.id), str(run.id))
                )
                if earlier is not None
                else NOTHING,
            ]
        )
    return table(heads, rows, "Runs")


def _figure(run: EvaluationRun, metric: str) -> str:
    value = run.figures.get(metric)
    return f"{value:.3f}" if value is not None else "–"


def compared(told: RunComparison, link: Callable[[str], str]) -> Markup:
    """Two runs query by query. ``link`` gives the address that explains a query."""
    words, kind = _VERDICTS[told.verdict]
    differences = (
        note("", "What was not the same", *told.differences) if told.differences else NOTHING
    )
    return Markup(
        '<div class="stack tight"><div>{}</div>{}{}<h2>Query by query</h2>{}</div>'
    ).format(
        badge(words, kind),
        comparison(told.figures, link, "Before", "After"),
        differences,
        _queries(told.queries, link),
    )


def _queries(queries: Sequence[ComparedQuery], link: Callable[[str], str]) -> Markup:
    heads = (
        ("Query", "fill"),
        ("nDCG@10 before", "num"),
        ("after", "num"),
        ("First right page", "num"),
        ("", ""),
    )
    rows = (
        [
            Markup('<a href="{}">{}</a>').format(link(one.query), one.query),
            f"{one.before:.3f}",
            f"{one.after:.3f}",
            _places(one),
            _went(one),
        ]
        for one in queries[:_LISTED]
    )
    more = (
        Markup('<p class="soft small">and {} more</p>').format(len(queries) - _LISTED)
        if len(queries) > _LISTED
        else NOTHING
    )
    return join(
        [Markup('<div class="card">'), table(heads, rows, "Queries"), Markup("</div>"), more]
    )


def _places(one: ComparedQuery) -> str:
    before, after = (str(place or "not found") for place in (one.place_before, one.place_after))
    return before if before == after else f"{before} → {after}"


def _went(one: ComparedQuery) -> Markup:
    if one.after > one.before:
        return badge("helped", "good")
    return badge("hurt", "bad") if one.after < one.before else badge("same", "quiet")
