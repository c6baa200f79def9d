"""What all tests share: a PostgreSQL that the run starts, and databases on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests import postgres as servers


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Makes empty databases on a real PostgreSQL, and returns their addresses."""
    binaries = servers.find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: no initdb in /usr/lib/postgresql or PATH")
    with servers.running(binaries) as server:

        def create() -> str:
            name = f"test_{uuid4().hex}"
            with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            return f"{server}/{name}"

        yield create


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database_address(request: pytest.FixtureRequest) -> str:
    """What ``CANDOR_DATABASE_URL`` would be: empty for SQLite, or an empty PostgreSQL."""
    if request.param == "sqlite":
        return ""
    create: Callable[[], str] = request.getfixturevalue("postgres")
    return create()
