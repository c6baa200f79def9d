"""The commands about how well search serves, and why: explain, eval, freshness, gaps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from backend.cli import errors as told
from backend.cli.calling import call, parts_of
from backend.cli.options import JsonOption, KnowledgeBaseOption
from backend.cli.output import print_json


def explain(
    context: typer.Context,
    query: str,
    kb: KnowledgeBaseOption = "",
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100,
            help="Hits to explain, 3 if left out. With --why-not: the places that count, 10.",
        ),
    ] = None,
    why_not: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Why this page is not among the hits. The id of a passage or document will do.",
        ),
    ] = "",
    change: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHANGE",
            help="What this would change, such as term:refund=2; may be repeated. "
            "docs/command-line.md lists them.",
        ),
    ] = None,
    draft: Annotated[
        Path | None, typer.Option("--try", metavar="FILE", help="Changes to try, as JSON.")
    ] = None,
    words: Annotated[
        str, typer.Option("--for", help="Words that a query must hold for the changes to act.")
    ] = "",
    query_set: Annotated[
        str, typer.Option("--set", help="Measure the changes on this query set, not on each.")
    ] = "",
    sets: Annotated[
        bool, typer.Option(help="Measure the changes on the saved query sets too.")
    ] = True,
    save: Annotated[
        str, typer.Option(metavar="REASON", help="Save the changes as rules of --kb.")
    ] = "",
    until: Annotated[
        str, typer.Option(metavar="DAY", help="The last day of the rules, as 2027-01-31.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Show which words and which arm brought hits up, why a page is not among them, or what a
    change would do.
    """
    from backend.cli import explaining
    from backend.cli.show_explanation import show_explanations, show_miss

    if change or draft or query_set or save or words or until:
        from backend.cli import trying

        explaining.check_choice(why_not)
        trial = trying.Trial(
            query, kb, draft, change or (), words, query_set, sets, save, until, limit
        )
        tried = call(context, lambda api: trying.attempt(api, trial))
        print_json(tried) if as_json else trying.show(tried)
        return
    if why_not:
        missed = call(
            context, lambda api: explaining.explain_miss(api, query, kb, limit, why_not.strip())
        )
        print_json(missed) if as_json else show_miss(why_not.strip(), missed)
        return
    result = call(context, lambda api: explaining.explain(api, query, kb, limit))
    print_json(result) if as_json else show_explanations(result)


def evaluate(
    context: typer.Context,
    what: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER_OR_FILE]",
            help="A folder in the BEIR layout, or a file of judged queries for a stored set.",
        ),
    ] = None,
    arms: Annotated[
        str, typer.Option(help="Some of bm25, sparse, dense, hybrid, hybrid+rerank, by comma.")
    ] = "",
    query_set: Annotated[
        str, typer.Option("--set", help="A stored query set; a file's name if left out.")
    ] = "",
    kb: Annotated[str, typer.Option("--kb", help="The knowledge base that is measured.")] = "",
    name: Annotated[str, typer.Option(help="Name of the run, to find it as a baseline.")] = "",
    baseline: Annotated[
        str,
        typer.Option(metavar="RUN", help="Name or id of a run; a significant loss is exit code 6."),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Measure retrieval: a folder of judged questions beside BM25, or a stored query set."""
    from backend.cli import measuring
    from backend.cli.evaluating import evaluate as measure
    from backend.cli.show import show_evaluation

    stored = measuring.wanted(what, query_set, kb, name, baseline)
    if stored is not None:
        measured = call(context, lambda api: measuring.measure(api, stored))
        print_json(measured) if as_json else measuring.show(measured)
        if measuring.is_worse(measured):
            raise typer.Exit(told.WORSE)
        return
    assert what is not None, "without a stored set there is a folder"
    names = [arm.strip() for arm in arms.split(",") if arm.strip()]
    result = asyncio.run(measure(parts_of(context), what, names))
    print_json(result) if as_json else show_evaluation(result)


def freshness(
    context: typer.Context,
    kb: Annotated[str, typer.Option("--kb", help="The knowledge base that is looked at.")],
    within: Annotated[
        float, typer.Option(min=0.1, max=1_000_000, help="Minutes that a change may take.")
    ] = 60.0,
    days: Annotated[int, typer.Option(min=1, max=90, help="Pages indexed in the last days.")] = 7,
    limit: Annotated[int, typer.Option(min=1, max=50)] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show whether the pages that changed last are found, and after how many minutes."""
    from backend.cli.freshness import read_freshness, show

    found = call(context, lambda api: read_freshness(api, kb, within, days, limit))
    print_json(found) if as_json else show(found)


def gaps(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=366, help="Of the last days, today too.")] = 30,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show what was asked and not answered well, and whether there is content for it."""
    from backend.cli.gaps import read_gaps, show

    found = call(context, lambda api: read_gaps(api, days, limit))
    print_json(found) if as_json else show(found)
