"""``/assistants``: what staff set up. The public side is in ``public_assistants.py``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from backend.api.access import Admin, Viewer
from backend.api.errors import PROBLEMS
from backend.api.idempotency import Once
from backend.api.identity_keys import algorithm_of, fingerprint, loaded
from backend.api.schemas.assistants import (
    AssistantChange,
    AssistantView,
    DeliveryView,
    IdentityKeyBody,
    IdentityKeyView,
    LeadWebhookBody,
    NewAssistant,
    SecretView,
)
from backend.api.schemas.base import PageView, Paging
from backend.api.schemas.behaviour import Behaviour
from backend.api.state import AppState, State
from backend.api.webhook_signature import new_webhook_secret
from knowledge.errors import Conflict
from knowledge.store.paging import read_page
from knowledge.store.queries import assistants as queries
from knowledge.store.queries.credentials import new_secret
from knowledge.store.queries.lead_deliveries import deliveries
from knowledge.store.queries.people import record
from knowledge.store.tables import Assistant, LeadDelivery

router = APIRouter(prefix="/assistants", tags=["assistants"], responses=PROBLEMS)


@router.get("", summary="List assistants")
async def list_assistants(caller: Viewer, state: State, paging: Paging) -> PageView[AssistantView]:
    """All assistants of the workspace."""
    async with state.database.reading() as session:
        page = await read_page(session, queries.assistants(caller.workspace_id), Assistant, paging)
    return PageView.of(page.map(AssistantView.of))


@router.post("", status_code=201, response_model=AssistantView, summary="Make an assistant")
async def create_assistant(
    body: NewAssistant, caller: Admin, state: State, repetition: Once
) -> AssistantView | JSONResponse:
    """Make an assistant over some knowledge bases. Its public key goes into the page."""
    await _check_model(state, body.behaviour)
    async with state.database.writing() as session:

        async def make() -> AssistantView:
            made = Assistant(
                workspace_id=caller.workspace_id,
                public_key=queries.new_public_key(),
                knowledge_base_ids=await queries.known_knowledge_bases(
                    session, caller.workspace_id, body.knowledge_base_ids
                ),
                **body.model_dump(exclude={"knowledge_base_ids"}),
            )
            session.add(made)
            await session.flush()
            record(session, caller.workspace_id, caller.actor, "assistant.create", body.name)
            return AssistantView.of(made)

        return await repetition.once(session, caller, body, make)


@router.get("/{assistant_id:uuid}", summary="Read an assistant")
async def read_assistant(assistant_id: UUID, caller: Viewer, state: State) -> AssistantView:
    """One assistant."""
    async with state.database.reading() as session:
        return AssistantView.of(
            await queries.find_assistant(session, caller.workspace_id, assistant_id)
        )


@router.patch("/{assistant_id:uuid}", summary="Change an assistant")
async def change_assistant(
    assistant_id: UUID, body: AssistantChange, caller: Admin, state: State
) -> AssistantView:
    """Change what is given; the rest stays."""
    if body.behaviour is not None:
        async with state.database.reading() as session:
            now = await queries.find_assistant(session, caller.workspace_id, assistant_id)
        if body.behaviour.get("model") != now.behaviour.get("model"):
            await _check_model(state, body.behaviour)
    async with state.database.writing() as session:
        found = await queries.find_assistant(session, caller.workspace_id, assistant_id)
        change = body.model_dump(exclude_none=True)
        if body.knowledge_base_ids is not None:
            change["knowledge_base_ids"] = await queries.known_knowledge_bases(
                session, caller.workspace_id, body.knowledge_base_ids
            )
        for name, value in change.items():
            setattr(found, name, value)
        record(
            session,
            caller.workspace_id,
            caller.actor,
            "assistant.change",
            found.name,
            {"fields": sorted(change)},
        )
        return AssistantView.of(found)


@router.delete("/{assistant_id:uuid}", status_code=204, summary="Remove an assistant")
async def remove_assistant(assistant_id: UUID, caller: Admin, state: State) -> None:
    """Remove an assistant. Its conversations stay."""
    async with state.database.writing() as session:
        found = await queries.find_assistant(session, caller.workspace_id, assistant_id)
        await session.delete(found)
        record(session, caller.workspace_id, caller.actor, "assistant.remove", found.name)


@router.post(
    "/{assistant_id:uuid}/identity-secret",
    status_code=201,
    response_model=SecretView,
    summary="Make the secret that identity tokens are signed with",
)
async def make_identity_secret(
    assistant_id: UUID, caller: Admin, state: State, repetition: Once
) -> SecretView | JSONResponse:
    """A new secret, shown once. Tokens and sessions that were signed with an earlier one end."""
    async with state.database.writing() as session:

        async def make() -> SecretView:
            found = await queries.find_assistant(session, caller.workspace_id, assistant_id)
            found.identity_secret = new_secret("candor_id")
            record(session, caller.workspace_id, caller.actor, "assistant.secret", found.name)
            return SecretView(secret=found.identity_secret)

        return await repetition.once(session, caller, "identity-secret", make, secret="secret")


@router.delete(
    "/{assistant_id:uuid}/identity-secret", status_code=204, summary="Accept no identity tokens"
)
async def remove_identity_secret(assistant_id: UUID, caller: Admin, state: State) -> None:
    """Forget the secret: no identity token and no session is accepted any more."""
    async with state.database.writing() as session:
        found = await queries.find_assistant(session, caller.workspace_id, assistant_id)
        found.identity_secret = ""
        record(session, caller.workspace_id, caller.actor, "assistant.secret", found.name)


@router.put("/{assistant_id:uuid}/identity-key", summary="Set the public key of identity tokens")
async def set_identity_key(
    assistant_id: UUID, body: IdentityKeyBody, caller: Admin, state: State
) -> IdentityKeyView:
    """Tokens that the website signs with the private key are accepted from now on, beside those of
    the secret. Sessions of visitors who were named so far end.
    """
    algorithm = algorithm_of(loaded(body.public_key))
    async with state.database.writing() as session:
        found = await queries.find_assistant(session, caller.workspace_id, assistant_id)
        found.identity_public_key = body.public_key.strip()
        record(session, caller.workspace_id, caller.actor, "assistant.identity_key", found.name)
    return IdentityKeyView(algorithm=algorithm, fingerprint=fingerprint(body.public_key))


@router.delete(
    "/{assistant_id:uuid}/identity-key",
    status_code=204,
    summary="Accept no identity tokens of the public key",
)
async def remove_identity_key(assistant_id: UUID, caller: Admin, state: State) -> None:
    """Forget the public key: tokens that are checked by it are not accepted any more."""
    async with state.database.writing() as session:
        found = await queries.find_assistant(session, caller.workspace_id, assistant_id)
        found.identity_public_key = ""
        record(session, caller.workspace_id, caller.actor, "assistant.identity_key", found.name)


@router.put("/{assistant_id:uuid}/lead-webhook", summary="Send new leads to an address")
async def set_lead_webhook(
    assistant_id: UUID, body: LeadWebhookBody, caller: Admin, state: State
) -> SecretView:
    """Every new lead is posted there as ``lead.created``, signed after Standard Webhooks with the
    secret that is shown now. A private address is refused.
    """
    if state.lead_webhooks is None:
        raise Conflict("This process sends no webhooks.", "Set it where `candor serve` runs.")
    await state.lead_webhooks.poster.check(body.address)
    async with state.database.writing() as session:
        found = await queries.find_assistant(session, caller.workspace_id, assistant_id)
        found.lead_webhook, found.lead_webhook_secret = body.address, new_webhook_secret()
        record(session, caller.workspace_id, caller.actor, "assistant.webhook", found.name)
        return SecretView(secret=found.lead_webhook_secret)


@router.delete(
    "/{assistant_id:uuid}/lead-webhook", status_code=204, summary="Send new leads nowhere"
)
async def remove_lead_webhook(assistant_id: UUID, caller: Admin, state: State) -> None:
    """Forget the address and its secret."""
    async with state.database.writing() as session:
        found = await queries.find_assistant(session, caller.workspace_id, assistant_id)
        found.lead_webhook = found.lead_webhook_secret = ""
        record(session, caller.workspace_id, caller.actor, "assistant.webhook", found.name)


@router.post("/{assistant_id:uuid}/lead-webhook/test", summary="Try the address for new leads")
async def test_lead_webhook(assistant_id: UUID, caller: Admin, state: State) -> DeliveryView:
    """Send a signed ``lead.test`` there once, and say whether it was taken."""
    async with state.database.reading() as session:
        found = await queries.find_assistant(session, caller.workspace_id, assistant_id)
    if state.lead_webhooks is None:
        raise Conflict("This process sends no webhooks.", "Try it where `candor serve` runs.")
    return DeliveryView.of(await state.lead_webhooks.test(found))


@router.get("/{assistant_id:uuid}/lead-webhook/deliveries", summary="List messages about leads")
async def list_deliveries(
    assistant_id: UUID, caller: Admin, state: State, paging: Paging
) -> PageView[DeliveryView]:
    """The last hundred messages to the address, newest first, and what became of each."""
    async with state.database.reading() as session:
        found = await queries.find_assistant(session, caller.workspace_id, assistant_id)
        page = await read_page(
            session, deliveries(found.id), LeadDelivery, paging, newest_first=True
        )
    return PageView.of(page.map(DeliveryView.of))


async def _check_model(state: AppState, behaviour: dict[str, Any]) -> None:
    """Raise what is wrong with the language model that an assistant names."""
    choice = Behaviour.of(behaviour).model.choice()
    if choice is not None:
        await state.chat.models.check(choice)
