"""The relational records, one module per area. The database is the truth; the index follows it."""

from knowledge.store.tables.assistant import Assistant, Conversation, Feedback, Message
from knowledge.store.tables.base import Base, utc_now
from knowledge.store.tables.content import (
    Chunk,
    Document,
    DocumentState,
    IndexRecord,
    KnowledgeBase,
    PassageEdit,
    Source,
    SourceKind,
    TermStatistic,
)
from knowledge.store.tables.evaluation import EvaluationRun, JudgedQuery, QueryOrigin, QuerySet
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
    "ExternalIdentity",
    "Feedback",
    "IdempotencyKey",
    "IndexRecord",
    "ItemState",
    "JudgedQuery",
    "KnowledgeBase",
    "Message",
    "PassageEdit",
    "QueryOrigin",
    "QuerySet",
    "Role",
    "RuleKind",
    "RuleRecord",
    "Run",
    "RunItem",
    "RunState",
    "SignInAttempts",
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
