"""``/assistants/{id}``: what writes its answers, tried before it is saved."""

from __future__ import annotations

from contextlib import aclosing
from time import perf_counter
from uuid import UUID

from fastapi import APIRouter

from backend.api.access import Admin, Editor, Viewer
from backend.api.errors import PROBLEMS
from backend.api.schemas.answers import (
    ModelState,
    ModelTried,
    ThresholdEffect,
    ThresholdQuestion,
    ThresholdTrial,
)
from backend.api.schemas.behaviour import Behaviour, ModelRules
from backend.api.state import AppState, State
from backend.chat.answer_effect import try_questions
from backend.chat.language_models import origin_of
from knowledge.errors import Conflict, InvalidInput
from knowledge.store.queries.assistants import find_assistant
from knowledge.store.query_sets import find_set_of_workspace, read_queries

router = APIRouter(
    prefix="/assistants/{assistant_id:uuid}", tags=["assistants"], responses=PROBLEMS
)

_TEST = (
    ("system", "You answer in one short sentence."),
    ("user", "Say that you can be reached."),
)


@router.get("/language-model", summary="Read what writes an assistant's answers")
async def read_model(assistant_id: UUID, caller: Viewer, state: State) -> ModelState:
    """The language model as it is in use, without its key."""
    async with state.database.reading() as session:
        found = await find_assistant(session, caller.workspace_id, assistant_id)
    return model_state(state, Behaviour.of(found.behaviour))


@router.post("/language-model/try", summary="Try a language model")
async def try_model(
    assistant_id: UUID, body: ModelRules, caller: Admin, state: State
) -> ModelTried:
    """Have a language model say a sentence, before the assistant gets it. Nothing is saved."""
    async with state.database.reading() as session:
        await find_assistant(session, caller.workspace_id, assistant_id)
    choice = body.choice()
    if choice is not None:
        await state.chat.models.check(choice)
    model = state.chat.model_of(Behaviour(model=body).answering())
    if model is None:
        raise Conflict(
            "There is no language model to try: answers are quoted.",
            "Name a model, or set CANDOR_LLM_PROVIDER and CANDOR_LLM_MODEL on the server.",
        )
    await model.warm()  # what takes time once is not the model's
    started = perf_counter()
    said = []
    async with aclosing(model.stream(_TEST)) as deltas:
        async for words in deltas:
            if isinstance(words, str):
                said.append(words)
    took = (perf_counter() - started) * 1000
    return ModelTried(model=model.name, said="".join(said).strip()[:300], took_ms=took)


@router.post("/answer-threshold/try", summary="Try a threshold of answers on a query set")
async def try_threshold(
    assistant_id: UUID, body: ThresholdTrial, caller: Editor, state: State
) -> ThresholdEffect:
    """How many questions of a set (its first 200) would be answered with another threshold, and
    which ones change. It is about quoted answers; nothing is saved.
    """
    async with state.database.reading() as session:
        found = await find_assistant(session, caller.workspace_id, assistant_id)
        chosen = await find_set_of_workspace(session, caller.workspace_id, body.query_set)
        rows = await read_queries(session, chosen.id)
    if str(chosen.knowledge_base_id) not in found.knowledge_base_ids:
        raise InvalidInput(
            "The query set is about a knowledge base that the assistant does not read.",
            "Choose a set of one that it reads.",
        )
    own = Behaviour.of(found.behaviour).answers.confidence
    now = state.chat.settings.confidence if own is None else own
    bases = tuple(UUID(base) for base in found.knowledge_base_ids)
    tried = await try_questions(state.chat, bases, [row.query for row in rows])
    changed = [
        ThresholdQuestion(
            question=one.question,
            confidence=one.confidence,
            answered=one.confidence >= body.confidence,
        )
        for one in tried
        if (one.confidence >= now) != (one.confidence >= body.confidence)
    ]
    return ThresholdEffect(
        questions=len(tried),
        confidence_now=now,
        answered_now=sum(one.confidence >= now for one in tried),
        answered_then=sum(one.confidence >= body.confidence for one in tried),
        changed=sorted(changed, key=lambda one: one.confidence),
    )


def model_state(state: AppState, behaviour: Behaviour) -> ModelState:
    """What writes the answers of an assistant that behaves so."""
    choice = behaviour.model.choice()
    if choice is not None:
        key = state.chat.models.has_key(choice)
        return ModelState(model=choice.model, endpoint=choice.base_url or choice.origin, key=key)
    model = state.chat.model_of(behaviour.answering())
    if model is None:
        return ModelState(model="", endpoint="", key=False)
    settings = model.settings
    endpoint = origin_of(settings.base_url) or settings.provider
    return ModelState(model=model.name, endpoint=endpoint, key=bool(settings.api_key))
