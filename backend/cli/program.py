"""The commands and their options. What they do is in the modules beside this one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.cli import errors as told
from backend.cli.calling import call, make_parts_of, parts_of
from backend.cli.loading import loading
from backend.cli.options import JsonOption, KnowledgeBaseOption
from backend.cli.output import out, print_json
from backend.cli.quality import evaluate, explain, freshness, gaps
from knowledge.crawl_limits import (
    DEFAULT_BYTES,
    DEFAULT_PAGES,
    LEAST_BYTES,
    MOST_BYTES,
    MOST_PAGES,
)

if TYPE_CHECKING:
    from backend.cli.connection import Api

IncludeOption = Annotated[
    list[str] | None, typer.Option(help="Pattern of a website's paths to read; may be repeated.")
]
ExcludeOption = Annotated[
    list[str] | None, typer.Option(help="Pattern of paths to leave out; may be repeated.")
]

AlsoOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="URL",
        help="One more address that the website begins at, on another host too; may be repeated.",
    ),
]
SitemapOption = Annotated[
    list[str] | None,
    typer.Option(metavar="URL", help="A sitemap that the website does not name; may be repeated."),
]

program = typer.Typer(
    name="candor",
    help="The knowledge base behind a website's chat assistant, which shows why it said what it "
    "said. Exit codes: 0 done, 1 failed, 2 wrong use or setting, 3 done in part, 4 data folder, "
    "5 another encoder, 6 worse than the baseline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
tokens = typer.Typer(help="API tokens.", no_args_is_help=True)
users = typer.Typer(help="Users.", no_args_is_help=True)
program.add_typer(tokens, name="token")
program.add_typer(users, name="user")


@program.command()
def add(
    context: typer.Context,
    what: Annotated[list[str], typer.Argument(metavar="PATH_OR_URL...")],
    kb: Annotated[str, typer.Option("--kb", help="Made if it does not exist.")] = "default",
    wait: Annotated[
        bool, typer.Option("--wait", help="Return when everything is indexed.")
    ] = False,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    also: AlsoOption = None,
    sitemap: SitemapOption = None,
    max_pages: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_PAGES, help=f"Of a website. {DEFAULT_PAGES:,} at first."),
    ] = None,
    max_bytes: Annotated[
        int | None,
        typer.Option(
            min=LEAST_BYTES,
            max=MOST_BYTES,
            help=f"Received by one crawl, unpacked. {DEFAULT_BYTES:,} at first.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add files, folders or websites to a knowledge base."""
    from backend.cli import add as adding
    from backend.cli.show import show_added

    rules = {
        "include": include,
        "exclude": exclude,
        "more_starts": also,
        "sitemaps": sitemap,
        "max_pages": max_pages,
        "max_bytes": max_bytes,
    }
    wanted = adding.expand(what, {name: rule for name, rule in rules.items() if rule})
    result = call(context, lambda api: adding.add(api, wanted, kb, wait), work=True)
    print_json(result) if as_json else show_added(result)
    if adding.is_partial(result):
        raise typer.Exit(told.PARTLY)


@program.command()
def preview(
    context: typer.Context,
    url: str,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    also: AlsoOption = None,
    sitemap: SitemapOption = None,
    max_pages: Annotated[int, typer.Option(min=1, max=MOST_PAGES)] = DEFAULT_PAGES,
    as_json: JsonOption = False,
) -> None:
    """Show what a crawl of a website would read, and by which rule, without reading it."""
    from backend.cli.previewing import show_preview

    body = {
        "start": url,
        "more_starts": also or [],
        "include": include or [],
        "exclude": exclude or [],
        "sitemaps": sitemap or [],
        "max_pages": max_pages,
    }
    result = call(context, lambda api: api.post("/sources/preview", body))
    print_json(result) if as_json else show_preview(result)


@program.command()
def retry(
    context: typer.Context,
    document: Annotated[str, typer.Argument(help="Address of a page, name of a file, or the id.")],
    kb: KnowledgeBaseOption = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Return when the document has been read.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read one document again, such as one that failed."""
    from backend.cli import retrying

    result = call(context, lambda api: retrying.retry(api, document.strip(), kb, wait), work=True)
    print_json(result) if as_json else retrying.show(result)
    if retrying.is_partial(result):
        raise typer.Exit(told.PARTLY)


@program.command()
def status(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show knowledge bases, documents and runs."""
    from backend.cli.show import show_status

    result = call(context, lambda api: api.get("/status"))
    print_json(result) if as_json else show_status(result)


@program.command()
def search(
    context: typer.Context,
    query: str,
    kb: KnowledgeBaseOption = "",
    limit: Annotated[int, typer.Option(min=1, max=100)] = 10,
    arms: Annotated[str, typer.Option(help="sparse, dense, or both by comma.")] = "sparse,dense",
    as_json: JsonOption = False,
) -> None:
    """Show the passages found, with their place in each arm."""
    from backend.cli.show import show_hits

    body = {
        "query": query,
        "knowledge_bases": [kb] if kb else [],
        "limit": limit,
        "arms": [arm.strip() for arm in arms.split(",") if arm.strip()],
    }
    result = call(context, lambda api: api.post("/search", body))
    print_json(result) if as_json else show_hits(result)


program.command()(explain)


@program.command()
def ask(
    context: typer.Context, question: str, kb: KnowledgeBaseOption = "", as_json: JsonOption = False
) -> None:
    """Answer a question with citations."""
    from backend.cli.show import show_answer, show_sources

    if out.is_terminal and not as_json:
        with loading():
            from backend.cli import asking

        show_sources(call(context, lambda api: asking.ask(api, question, kb)))
        return
    body = {"question": question, "knowledge_base": kb, "stream": False}
    result = call(context, lambda api: api.post("/chat", body))
    print_json(result) if as_json else show_answer(result)


@program.command()
def serve(context: typer.Context) -> None:
    """Serve the API, the pages and, unless CANDOR_WORKER is false, ingestion."""
    with loading():
        from backend.cli.serving import serve as run_server

        parts = parts_of(context)
    asyncio.run(run_server(parts))


@program.command()
def worker(context: typer.Context) -> None:
    """Work off ingestion runs in a process of its own."""
    from backend.cli.working import work

    asyncio.run(work(parts_of(context)))


program.command(name="eval")(evaluate)
program.command()(freshness)
program.command()(gaps)


@program.command()
def train(
    context: typer.Context,
    model: Annotated[Path, typer.Option(help="Folder for the new model.")],
    pairs: Annotated[Path | None, typer.Argument(help="JSON lines with query and passage.")] = None,
    kb: Annotated[str, typer.Option("--kb", help="Learn from this knowledge base.")] = "",
    steps: Annotated[int, typer.Option(min=1)] = 300,
    device: Annotated[str, typer.Option(help="cpu, or cuda for a GPU.")] = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Fine-tune the bundled encoder on content of your own; kept only if it is better."""
    from backend.cli import training
    from backend.cli.show import show_training

    training.check_choice(pairs, kb)
    file = pairs or training.work_folder(model) / "pairs.jsonl"
    # what an interrupted run has begun with is what it goes on with
    if pairs is None and not file.exists():
        call(context, lambda api: training.download_pairs(api, kb, file))
    result = training.fine_tune(parts_of(context).settings, file, model, steps, device)
    print_json(result) if as_json else show_training(result)


@program.command()
def reindex(context: typer.Context, as_json: JsonOption = False) -> None:
    """Encode and index everything again from the database. Nothing is fetched or parsed."""
    from backend.cli.reindexing import reindex as rebuild
    from backend.cli.show import show_runs

    settings = parts_of(context).settings
    result = call(context, lambda api: rebuild(api, settings), work=True, rebuild=True)
    print_json(result) if as_json else show_runs(result)
    if any(run["state"] != "succeeded" for run in result["runs"]):
        raise typer.Exit(told.PARTLY)


@program.command()
def backup(context: typer.Context, file: Path, as_json: JsonOption = False) -> None:
    """Write the data folder into one file, also while a server runs."""
    from backend.cli.archiving import backup as write

    result = call(context, lambda api: write(api, file))
    print_json(result) if as_json else typer.echo(f"{result['file']}: {result['bytes']:,} bytes")


@program.command()
def restore(context: typer.Context, file: Path, as_json: JsonOption = False) -> None:
    """Restore a backup into an empty data folder."""
    from backend.cli.archiving import restore as unpack

    result = asyncio.run(unpack(parts_of(context), file))
    print_json(result) if as_json else typer.echo(f"Restored into {result['data']}.")


@program.command()
def doctor(context: typer.Context, as_json: JsonOption = False) -> None:
    """Check the installation and say what is wrong."""
    from backend.cli.doctor import examine
    from backend.cli.show import show_checks

    result = asyncio.run(examine(make_parts_of(context)))
    print_json(result) if as_json else show_checks(result)
    if not result["ok"]:
        raise typer.Exit(1)


@tokens.command("create")
def create_token(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    role: Annotated[str, typer.Option(help="viewer, editor, admin or owner.")] = "editor",
    as_json: JsonOption = False,
) -> None:
    """Make an API token. It is shown once."""
    result = call(context, lambda api: api.post("/tokens", {"name": name, "role": role}))
    print_json(result) if as_json else typer.echo(result["token"])


@users.command("link")
def create_link(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="The owner if left out.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a new one-time sign-in link."""
    parts = parts_of(context)

    async def make(api: Api) -> dict[str, Any]:
        from backend.cli.connection import running_server

        link: dict[str, Any] = await api.post("/sign-in-links", {"email": email})
        server = await running_server(parts.settings)
        settings = parts.settings
        base = settings.public_url.rstrip("/") or (
            server.url if server else f"http://{settings.host}:{settings.port}"
        )
        return link | {"link": base + link["path"]}

    result = call(context, make)
    print_json(result) if as_json else typer.echo(result["link"])
