"""``/webhooks``: signed messages that push and delete documents, and the secrets they need."""

from __future__ import annotations

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter, ValidationError

from backend.api.access import Editor
from backend.api.errors import PROBLEMS
from backend.api.idempotency import Once
from backend.api.pushing import delete, delete_points, file_of_text, put, told_wrong
from backend.api.schemas.content import SourceView
from backend.api.schemas.pushing import (
    DeleteEvent,
    EventDone,
    NewWebhook,
    PutEvent,
    WebhookCreated,
    WebhookSecret,
)
from backend.api.state import AppState, State
from backend.api.webhook_signature import new_webhook_secret, verify
from knowledge.errors import Conflict, InvalidInput
from knowledge.store.database import WriteSession
from knowledge.store.queries.idempotency import claim, keep
from knowledge.store.queries.knowledge_bases import find_knowledge_base
from knowledge.store.queries.people import record
from knowledge.store.queries.pushed import Webhook, find_webhook
from knowledge.store.queries.sources import count_by_source, create_source, find_source
from knowledge.store.tables import Source, SourceKind

router = APIRouter(tags=["webhooks"], responses=PROBLEMS)

Event = Annotated[PutEvent | DeleteEvent, Field(discriminator="type")]
_EVENT: TypeAdapter[PutEvent | DeleteEvent] = TypeAdapter(Event)


@router.post(
    "/knowledge-bases/{knowledge_base_id}/webhooks",
    status_code=201,
    response_model=WebhookCreated,
    summary="Make a webhook",
)
async def create_webhook(
    knowledge_base_id: UUID, body: NewWebhook, caller: Editor, state: State, repetition: Once
) -> WebhookCreated | JSONResponse:
    """Make a source that a content management system keeps current by signed messages.

    The secret is shown once.
    """
    async with state.database.writing() as session:
        base = await find_knowledge_base(session, caller.workspace_id, knowledge_base_id)

        async def make() -> WebhookCreated:
            source = await create_source(
                session, base.id, SourceKind.PUSH, body.name, {"webhook": True}
            )
            secret = source.webhook_secret = new_webhook_secret()
            await session.flush()
            record(session, caller.workspace_id, caller.actor, "webhook.create", source.name)
            counts = await count_by_source(session, [source.id])
            view = SourceView.of(source, counts[source.id], None)
            return WebhookCreated(source=view, url=_url(source), secret=secret)

        return await repetition.once(session, caller, body, make, secret="secret")


@router.post(
    "/sources/{source_id}/webhook-secret",
    response_model=WebhookSecret,
    summary="Replace the secret of a webhook",
)
async def replace_secret(
    source_id: UUID, caller: Editor, state: State, repetition: Once
) -> WebhookSecret | JSONResponse:
    """Make a new secret; the old one is worth nothing from now on. It is shown once."""
    async with state.database.writing() as session:

        async def make() -> WebhookSecret:
            source = await _webhook_source(session, caller.workspace_id, source_id)
            secret = source.webhook_secret = new_webhook_secret()
            record(session, caller.workspace_id, caller.actor, "webhook.secret", source.name)
            return WebhookSecret(url=_url(source), secret=secret)

        return await repetition.once(session, caller, "secret", make, secret="secret", status=200)


@router.delete("/sources/{source_id}/webhook-secret", status_code=204, summary="Close a webhook")
async def close_webhook(source_id: UUID, caller: Editor, state: State) -> None:
    """Take the secret away: no message is accepted any more. The documents stay."""
    async with state.database.writing() as session:
        source = await _webhook_source(session, caller.workspace_id, source_id)
        source.webhook_secret = ""
        record(session, caller.workspace_id, caller.actor, "webhook.close", source.name)


@router.post(
    "/webhooks/{source_id}",
    response_model=EventDone,
    summary="Receive a message",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "examples": {
                        "put": {
                            "value": {
                                "type": "document.put",
                                "data": {
                                    "external_id": "shop/returns",
                                    "title": "Returns",
                                    "html": "<h1>Returns</h1><p>Within 30 days.</p>",
                                    "address": "https://www.example.com/returns",
                                },
                            }
                        },
                        "delete": {
                            "value": {
                                "type": "document.delete",
                                "data": {"external_id": "shop/returns"},
                            }
                        },
                    }
                }
            },
        }
    },
)
async def receive(source_id: UUID, request: Request, state: State) -> EventDone | JSONResponse:
    """A message of the webhook of a source, signed after Standard Webhooks: the headers
    ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``. No token is needed.

    A message older than five minutes is refused, and one that comes twice gets the first answer.
    """
    body = await request.body()
    async with state.database.reading() as reading:
        webhook = await find_webhook(reading, source_id)
    message_id = verify(webhook.secret if webhook else "", request.headers, body)
    assert webhook is not None  # nothing verifies without a secret
    try:
        event = _EVENT.validate_json(body)
    except ValidationError as error:
        raise told_wrong(error) from error
    return await _handle(state, webhook, message_id, event, body)


async def _handle(
    state: AppState,
    webhook: Webhook,
    message_id: str,
    event: PutEvent | DeleteEvent,
    body: bytes,
) -> EventDone | JSONResponse:
    external_id = event.data.external_id
    pushed = None
    if isinstance(event, PutEvent):
        pushed = await file_of_text(state, external_id, event.data)
    deleted = None
    async with state.database.writing() as session:
        key = f"webhook:{webhook.source_id}:{message_id}"
        digest = hashlib.sha256(body).hexdigest()
        earlier = await claim(session, webhook.workspace_id, key, digest)
        if earlier is not None:
            return JSONResponse(earlier.response, headers={"Idempotent-Replayed": "true"})
        source = await session.get(Source, webhook.source_id)
        if source is None:
            raise Conflict("The webhook's source has just been removed.")
        if pushed is not None:
            put_done, run = await put(session, source, pushed)
            done = EventDone(
                external_id=external_id,
                document_id=put_done.document.id,
                changed=put_done.changed,
                run_id=run.id if run else None,
            )
            act = "document.push"
        else:
            deleted = await delete(session, source, external_id)
            done = EventDone(
                external_id=external_id,
                document_id=deleted.document_id,
                changed=bool(deleted.documents),
                removed=deleted.documents,
            )
            act = "document.remove"
        if done.changed:
            actor = f"webhook {source.name}"
            record(session, webhook.workspace_id, actor, act, external_id)
        await keep(session, webhook.workspace_id, key, 200, done.model_dump(mode="json"))
    if deleted is not None:
        await delete_points(state, deleted)
    state.wake()
    return done


async def _webhook_source(session: WriteSession, workspace_id: UUID, source_id: UUID) -> Source:
    source = await find_source(session, workspace_id, source_id)
    if source.kind != SourceKind.PUSH:
        raise InvalidInput(
            f"The source {source.name} reads its documents itself ({source.kind}).",
            "Make a webhook for documents that are pushed.",
        )
    return source


def _url(source: Source) -> str:
    return f"/api/v1/webhooks/{source.id}"
