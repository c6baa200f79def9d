"""Opening the parts of a process from the settings, in order, and closing them in reverse."""

from __future__ import annotations

import importlib.metadata
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from anyio import create_task_group, to_thread

from backend import data_folder
from backend.api.day_use import DayLimits
from backend.api.lead_webhooks import LeadWebhooks, Poster
from backend.api.limits import Limits
from backend.api.openid import OpenIdProvider, OpenIdSettings
from backend.api.staff_mail import MailServer, StaffMail
from backend.api.state import AppState, Options, Rebuilt, Worker
from backend.chat.language_models import LanguageModels, ModelAccess, origin_of
from backend.chat.llm import Addresses, LanguageModel, ModelSettings
from backend.chat.settings import ChatSettings
from backend.chat.turn import Chat
from backend.first_start import ensure_workspace, make_sample
from backend.insights.gaps import Gaps
from backend.models import open_reranker
from backend.search.search import Searcher, SearchSettings
from knowledge.crawl_preview import Previewer
from knowledge.encode.encoder import Encoder
from knowledge.errors import EncoderMismatch
from knowledge.index.open import activate_index, active_index_name, begin_index, open_index
from knowledge.index.search_index import SearchIndex
from knowledge.settings import Settings
from knowledge.store.database import Database, database_url

MakeWorker = Callable[[Database, SearchIndex, Encoder, Settings], Worker]
MakeEncoder = Callable[[Settings], Encoder]
MakePreviewer = Callable[[Settings], Previewer]
MakePoster = Callable[[Settings], Poster]
MakeGuard = Callable[[Settings], Addresses]


def version() -> str:
    """The version of this installation."""
    try:
        return importlib.metadata.version("candor")
    except importlib.metadata.PackageNotFoundError:
        return "0"


@dataclass(frozen=True, slots=True)
class Parts:
    """How a process makes what it opens; the composition root fills it in.

    ``work``: whether this process works off ingestion runs. ``sample``: whether a fresh data
    folder gets the sample. ``rebuild``: whether an index of another encoder is replaced by a new
    one, empty at first, instead of refused. ``fresh_index``: whether whatever index the records
    name is left aside for a new, empty one.
    """

    settings: Settings
    make_worker: MakeWorker
    make_encoder: MakeEncoder
    make_previewer: MakePreviewer | None = None
    make_poster: MakePoster | None = None
    make_guard: MakeGuard | None = None
    work: bool = False
    sample: bool = False
    rebuild: bool = False
    fresh_index: bool = False


def is_embedded(settings: Settings) -> bool:
    """Whether the data folder holds the database or the index, and so has one owner."""
    return not settings.database_url.get_secret_value() or not settings.qdrant_url


@asynccontextmanager
async def open_parts(parts: Parts) -> AsyncIterator[AppState]:
    """Open everything that ``parts`` name, and close it at the end.

    Raises :class:`StoreFault`, :class:`IndexFault`, :class:`EncoderError` and
    :class:`InvalidSettings`.
    """
    settings = parts.settings
    async with AsyncExitStack() as stack:
        if is_embedded(settings):
            stack.enter_context(data_folder.owned(settings.data))
        else:
            data_folder.prepare(settings.data)
        database, encoder = await _open_both(stack, parts)
        index, rebuilt = await _open_index(parts, database, encoder)
        stack.push_async_callback(index.close)
        installed = await ensure_workspace(database, settings.owner_email)
        if installed.fresh and parts.sample and settings.sample:
            await make_sample(database, installed.workspace_id, settings.files_folder)
        searcher = Searcher(
            database,
            index,
            encoder,
            SearchSettings.of(settings, encoder.spec),
            open_reranker(settings),
        )
        addresses = parts.make_guard(settings) if parts.make_guard else None
        chat = _chat(settings, searcher, addresses)
        worker = parts.make_worker(database, index, encoder, settings) if parts.work else None
        state = AppState(
            options=_options(settings),
            database=database,
            index=index,
            encoder=encoder,
            searcher=searcher,
            explainer=chat.explainer,
            chat=chat,
            gaps=Gaps(chat),
            workspace_id=installed.workspace_id,
            worker=worker,
            limits=_limits(settings, database),
            rebuilt=rebuilt,
            previewer=parts.make_previewer(settings) if parts.make_previewer else None,
            lead_webhooks=_lead_webhooks(parts, database),
            openid=_openid(settings),
            mail=_mail(settings),
        )
        if worker is not None:
            await worker.start()
            stack.push_async_callback(worker.stop)
        yield state


async def _open_both(stack: AsyncExitStack, parts: Parts) -> tuple[Database, Encoder]:
    """Database and encoder, at the same time: each takes a good part of a second."""
    url = database_url(parts.settings.database_url.get_secret_value(), parts.settings.data)
    encoders: list[Encoder] = []

    async def load() -> None:
        encoders.append(await to_thread.run_sync(parts.make_encoder, parts.settings))

    try:
        async with create_task_group() as tasks:
            tasks.start_soon(load)
            database = await Database.open(url)
            stack.push_async_callback(database.close)
    except* Exception as group:  # noqa: BLE001 - whatever it is, it goes on, out of its group
        raise _first(group) from None
    return database, encoders[0]


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


async def _open_index(
    parts: Parts, database: Database, encoder: Encoder
) -> tuple[SearchIndex, Rebuilt | None]:
    if parts.fresh_index:
        fresh = await begin_index(parts.settings, database, encoder.spec)
        await activate_index(database, fresh.name)
        return fresh.index, None
    try:
        return await open_index(parts.settings, database, encoder.spec), None
    except EncoderMismatch:
        if not parts.rebuild:
            raise
    old = await active_index_name(database)
    begun = await begin_index(parts.settings, database, encoder.spec)
    return begun.index, Rebuilt(begun.name, old or "")


def _lead_webhooks(parts: Parts, database: Database) -> LeadWebhooks | None:
    if parts.make_poster is None:
        return None
    return LeadWebhooks(database, parts.make_poster(parts.settings))


def _mail(settings: Settings) -> StaffMail | None:
    url = settings.smtp_url.get_secret_value()
    return StaffMail(MailServer.of(url, settings.mail_from)) if url else None


def _limits(settings: Settings, database: Database) -> Limits:
    day = DayLimits(
        questions=settings.public_chat_per_day,
        visitor_questions=settings.public_chat_per_visitor_day,
        tokens=settings.public_tokens_per_day,
    )
    # The embedded database belongs to one process; where there may be more, they count together.
    shared = None if database.is_sqlite else database
    return Limits(settings.public_chat_per_minute, day, shared)


def _options(settings: Settings) -> Options:
    return Options(
        version=version(),
        data=settings.data,
        files_folder=settings.files_folder,
        upload_max_bytes=settings.upload_max_bytes,
        public_url=settings.public_url.rstrip("/"),
        embedded=is_embedded(settings),
    )


def _openid(settings: Settings) -> OpenIdProvider | None:
    if not settings.oidc_issuer:
        return None
    return OpenIdProvider(
        OpenIdSettings(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret.get_secret_value(),
            domains=settings.oidc_domains,
        )
    )


def _chat(settings: Settings, searcher: Searcher, addresses: Addresses | None) -> Chat:
    standard = _standard_model(settings)
    access = ModelAccess(
        keys={
            origin_of(origin): key.get_secret_value() for origin, key in settings.llm_keys.items()
        },
        addresses=addresses,
        timeout_s=settings.llm_timeout_s,
        answer_tokens=settings.llm_max_tokens,
        context_tokens=settings.llm_context_window,
    )
    return Chat(
        searcher.database,
        searcher,
        searcher.encoder,
        _chat_settings(settings),
        LanguageModel(standard) if standard else None,
        LanguageModels(standard, access),
    )


def _standard_model(settings: Settings) -> ModelSettings | None:
    if not settings.llm_provider:
        return None
    return ModelSettings(
        provider=settings.llm_provider,
        model=settings.llm_model,
        base_url=settings.llm_base_url,
        api_key=settings.llm_api_key.get_secret_value(),
        timeout_s=settings.llm_timeout_s,
        answer_tokens=settings.llm_max_tokens,
        context_tokens=settings.llm_context_window,
    )


def _chat_settings(settings: Settings) -> ChatSettings:
    return ChatSettings(
        confidence=settings.answer_confidence,
        context_tokens=settings.llm_context_window,
        answer_tokens=settings.llm_max_tokens,
        quote_on_failure=settings.llm_quote_on_failure,
    )
