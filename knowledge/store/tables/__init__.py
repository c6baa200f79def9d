"""The relational records, one module per area. The database is the truth; the index follows it."""

from knowledge.store.tables.assistant import Assistant, Conversation, Feedback, Message
from knowledge.store.tables.base import Base, utc_now
from knowledge.store.tables.content import (
    Chunk,
    Document,
    DocumentState,
    IndexRecord,
    KnowledgeBase,
    Source,
    SourceKind,
    TermStatistic,
)
from knowledge.store.tables.evaluation import EvaluationRun, JudgedQuery, QueryOrigin, QuerySet
from knowledge.store.tables.identity import (
    ApiToken,
    AuditEntry,
    IdempotencyKey,
    Role,
    SignInLink,
    User,
    UserSession,
    Workspace,
)
from knowledge.store.tables.rules import RuleKind, RuleRecord
from knowledge.store.tables.work import Change, ItemState, Run, RunItem, RunState, WorkerRecord

__all__ = [
    "ApiToken",
    "Assistant",
    "AuditEntry",
    "Base",
    "Change",
    "Chunk",
    "Conversation",
    "Document",
    "DocumentState",
    "EvaluationRun",
    "Feedback",
    "IdempotencyKey",
    "IndexRecord",
    "ItemState",
    "JudgedQuery",
    "KnowledgeBase",
    "Message",
    "QueryOrigin",
    "QuerySet",
    "Role",
    "RuleKind",
    "RuleRecord",
    "Run",
    "RunItem",
    "RunState",
    "SignInLink",
    "Source",
    "SourceKind",
    "TermStatistic",
    "User",
    "UserSession",
    "WorkerRecord",
    "Workspace",
    "utc_now",
]
