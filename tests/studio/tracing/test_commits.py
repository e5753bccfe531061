"""A span of a job is told once its transaction is committed, and never when it is not."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress

import pytest

from bookai import tracing
from bookai.db import jobs
from bookai.db.pg.commits import after_commit
from bookai.db.pool import Pool
from bookai.tracing import Name, Past, Value

ANN = "operator:ann"


class Kept:
    """Keeps what has ended, by name and job."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def span(
        self, name: Name, job_id: int | None, told: Mapping[str, Value]
    ) -> AbstractContextManager[None]:
        return nullcontext()

    def past(self, past: Past, told: Mapping[str, Value]) -> None:
        self.told.append((past.name, past.job_id))


@pytest.fixture
def kept() -> Iterator[Kept]:
    kept = Kept()
    with tracing.tracing(kept), tracing.tick("plan"):
        yield kept


class Broken(Exception):
    """What goes wrong in a transaction."""


async def test_a_job_is_told_of_after_its_transaction_and_so_is_its_end(
    pool: Pool, kept: Kept
) -> None:
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", "default", ANN)
        await jobs.set_status(con, job_id, "done")
        before = list(kept.told)

    assert before == []
    assert sorted(kept.told) == [("job", job_id), ("tick", job_id)]

    async with pool.acquire() as con, con.transaction():
        await jobs.set_status(con, job_id, "queued")
    assert len(kept.told) == 2  # nothing of the first transaction is told again


async def test_what_is_rolled_back_is_not_told(pool: Pool, kept: Kept) -> None:
    with suppress(Broken):
        async with pool.acquire() as con, con.transaction():
            await jobs.create(con, "a.md", "default", ANN)
            raise Broken
    async with pool.acquire() as con, con.transaction():
        pass

    assert kept.told == []


async def test_of_a_savepoint_that_is_taken_back_only_its_own_goes(pool: Pool, kept: Kept) -> None:
    async with pool.acquire() as con, con.transaction():
        first = await jobs.create(con, "a.md", "default", ANN)
        with suppress(Broken):
            async with con.transaction():
                await jobs.create(con, "b.md", "default", ANN)
                raise Broken
        async with con.transaction():
            last = await jobs.create(con, "c.md", "default", ANN)

    assert sorted(kept.told) == [("tick", first), ("tick", last)]


async def test_outside_of_a_transaction_it_is_at_once(pool: Pool) -> None:
    done: list[int] = []
    async with pool.acquire() as con:
        after_commit(con, lambda: done.append(1))

        assert done == [1]
