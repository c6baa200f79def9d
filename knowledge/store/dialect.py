"""The one statement that the two databases spell differently: insert, unless it is there."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from knowledge.store.database import WriteSession


def insert_for(session: WriteSession, table: type) -> Any:
    """An INSERT into ``table`` that knows ``on_conflict_do_nothing`` and ``_do_update``."""
    is_postgres = session.get_bind().dialect.name == "postgresql"
    return (postgresql.insert if is_postgres else sqlite.insert)(table)
