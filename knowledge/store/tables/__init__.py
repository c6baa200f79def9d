"""The relational records, one module per area. The database is the truth; the index follows it."""

from knowledge.store.tables.assistant import Assistant, Conversation, Feedback, Message
from knowledge.store.tables.base import Base, utc_now
from knowledge.store.tables.content import (
    Chunk,
    Document,
    DocumentBand,
    DocumentState,
    IndexRecord,
    KnowledgeBase,
    PassageEdit,
    Source,
    SourceKind,
    TermStatistic,
)
from knowledge.store.tables.evaluation import EvaluationRun, JudgedQuery, QueryOrigin, QuerySet
from knowledge.store.tables.handoffs import (
    Handoff,
    HandoffMessage,
    HandoffState,
    Sender,
    StaffPresence,
)
from knowledge.store.tables.identity import (
    ApiToken,
    AuditEntry,
    ExternalIdentity,
    IdempotencyKey,
    Role,
    SignInAttempts,
    SignInLink,
    User,
    UserSession,
    Workspace,
)
from knowledge.store.tables.insights import AskedQuestion, DocumentUse, Outcome, QuestionVector
from knowledge.store.tables.leads import Lead, LeadState, LeadTrigger
from knowledge.store.tables.rules import RuleKind, RuleRecord
from knowledge.store.tables.visits import (
    AssistantUse,
    SearchEvent,
    SearchEventKind,
    UsedIdentityToken,
)
from knowledge.store.tables.work import Change, ItemState, Run, RunItem, RunState, WorkerRecord

__all__ = [
    "ApiToken",
    "AskedQuestion",
    "Assistant",
    "AssistantUse",
    "AuditEntry",
    "Base",
    "Change",
    "Chunk",
    "Conversation",
    "Document",
    "DocumentBand",
    "DocumentState",
    "DocumentUse",
    "EvaluationRun",
    "ExternalIdentity",
    "Feedback",
    "Handoff",
    "HandoffMessage",
    "HandoffState",
    "IdempotencyKey",
    "IndexRecord",
    "ItemState",
    "JudgedQuery",
    "KnowledgeBase",
    "Lead",
    "LeadState",
    "LeadTrigger",
    "Message",
    "Outcome",
    "PassageEdit",
    "QueryOrigin",
    "QuerySet",
    "QuestionVector",
    "Role",
    "RuleKind",
    "RuleRecord",
    "Run",
    "RunItem",
    "RunState",
    "SearchEvent",
    "SearchEventKind",
    "Sender",
    "SignInAttempts",
    "SignInLink",
    "Source",
    "SourceKind",
    "StaffPresence",
    "TermStatistic",
    "UsedIdentityToken",
    "User",
    "UserSession",
    "WorkerRecord",
    "Workspace",
    "utc_now",
]
