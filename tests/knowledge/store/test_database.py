"""The records on SQLite and on PostgreSQL: opening, migrating, writing, failing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, inspect, select, text

from knowledge.errors import FolderNotWritable, FolderTooNew, InvalidSettings, StoreFault
from knowledge.store.database import Database, database_url
from knowledge.store.migrate import alembic_config
from knowledge.store.schema_version import is_newest, newest_revision
from knowledge.store.snapshot import snapshot
from knowledge.store.tables import Base, Workspace


@pytest.fixture
async def database(database_address: str, tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(database_url(database_address, tmp_path))
    yield opened
    await opened.close()


async def test_the_migrations_make_what_the_tables_say(database: Database) -> None:
    def differences(connection: object) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})  # type: ignore[arg-type]
        return list(compare_metadata(context, Base.metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_two_processes_may_open_a_fresh_database_at_once(
    database_address: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if database_address:
        database_address = request.getfixturevalue("postgres")()
    url = database_url(database_address, tmp_path)
    opened = await asyncio.gather(*(Database.open(url) for _ in range(4)))
    for one in opened:
        await one.ping()
        await one.close()


async def test_a_write_is_whole_or_not_at_all(database: Database) -> None:
    async def count() -> int:
        async with database.reading() as session:
            return await session.scalar(select(func.count()).select_from(Workspace)) or 0

    before = await count()

    async def fail_on_the_way() -> None:
        async with database.writing() as session:
            session.add(Workspace(name="half"))
            await session.flush()
            raise ValueError("on the way")

    with pytest.raises(ValueError, match="on the way"):
        await fail_on_the_way()
    assert await count() == before
    async with database.writing() as session:
        session.add(Workspace(name="whole"))
    assert await count() == before + 1
    async with database.reading() as session:
        session.add(Workspace(name="by a reader"))
        await session.flush()
    assert await count() == before + 1


async def test_writers_wait_for_each_other(database: Database) -> None:
    async def add(number: int) -> None:
        async with database.writing() as session:
            found = await session.scalar(select(func.count()).select_from(Workspace))
            await asyncio.sleep(0)
            session.add(Workspace(name=f"{found}-{number}"))

    await asyncio.gather(*(add(number) for number in range(20)))


async def test_a_newer_database_is_refused(
    database_address: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if database_address:
        database_address = request.getfixturevalue("postgres")()
    url = database_url(database_address, tmp_path)
    database = await Database.open(url)
    async with database.engine.begin() as connection:
        await connection.execute(text("update alembic_version set version_num = '2999_later'"))
    await database.close()
    with pytest.raises(FolderTooNew, match="2999_later"):
        await Database.open(url)


async def test_what_alembic_would_do_is_known_without_it(database: Database) -> None:
    newest = newest_revision()
    assert newest == ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert await is_newest(database.engine)
    for revision, told in (("20261121_first", False), (newest, True)):
        async with database.engine.begin() as connection:
            update = text("update alembic_version set version_num = :to")
            await connection.execute(update, {"to": revision})
        assert await is_newest(database.engine) is told


async def test_names_of_constraints_fit(database: Database) -> None:
    def names(connection: object) -> set[str]:
        found = inspect(connection)
        return {
            index["name"] for table in found.get_table_names() for index in found.get_indexes(table)
        }  # type: ignore[union-attr]

    async with database.engine.connect() as connection:
        assert all(len(name) <= 63 for name in await connection.run_sync(names))


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(FolderNotWritable, match="nowhere"):
        await Database.open(database_url("", tmp_path / "nowhere"))


async def test_a_server_that_is_down_is_named() -> None:
    with pytest.raises(StoreFault, match=r"127\.0\.0\.1:9"):
        await Database.open(database_url("postgresql://x@127.0.0.1:9/y", Path()))


@pytest.mark.parametrize("address", ["mysql://x/y", "nonsense", "sqlite:///x"])
def test_other_databases_are_refused(address: str) -> None:
    with pytest.raises(InvalidSettings, match="CANDOR_DATABASE_URL"):
        database_url(address, Path())


async def test_a_snapshot_is_whole(tmp_path: Path) -> None:
    database = await Database.open(database_url("", tmp_path))
    async with database.writing() as session:
        session.add(Workspace(name="kept"))
    copy = tmp_path / "copy"
    copy.mkdir()
    await snapshot(database, copy / "candor.sqlite")
    await database.close()
    restored = await Database.open(database_url("", copy))
    async with restored.reading() as session:
        assert await session.scalar(select(Workspace.name)) == "kept"
    await restored.close()


@pytest.mark.parametrize("rows", [0, 1, 999, 1000, 1001, 2500])
async def test_rows_come_whole_and_in_order_however_many(database: Database, rows: int) -> None:
    counted = text(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) "
        "select i from n where i <= :rows order by i"
    )
    async with database.reading() as session:
        found = list(await session.scalars(counted, {"rows": rows}))
        first = await session.scalar(counted, {"rows": rows})
        one_by_one = [row[0] async for row in await session.stream(counted, {"rows": rows})]
    assert found == one_by_one == list(range(1, rows + 1))
    assert first == (1 if rows else None)
