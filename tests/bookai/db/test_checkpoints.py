"""Checkpoints: a run goes on in another saver, as the restricted role."""

from typing import TypedDict

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from bookai.db import jobs
from bookai.db.checkpoints import create_tables, new_saver, open_checkpoint_pool
from bookai.db.pool import Pool, open_pool
from bookai.db.runs.fence import Fence, Fenced, take
from bookai.errors import OperatorNeeded

CONFIG: RunnableConfig = {"configurable": {"thread_id": "job-1"}}


class State(TypedDict):
    word: str


def ask(state: State) -> State:
    return {"word": f"{state['word']} {interrupt('go on?')}"}


@pytest.fixture
async def fence(pool: Pool) -> Fence:
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", "default", "operator:test")
    return await take(pool, job_id)


def graph() -> StateGraph[State]:
    built = StateGraph(State)
    built.add_node("ask", ask)
    built.add_edge(START, "ask")
    built.add_edge("ask", END)
    return built


async def test_a_run_that_waits_goes_on_with_another_saver(dsn: str, fence: Fence) -> None:
    async with open_checkpoint_pool(dsn, size=2) as savers:
        first = graph().compile(checkpointer=new_saver(savers, fence))
        await first.ainvoke({"word": "so"}, CONFIG, durability="sync")

    async with open_checkpoint_pool(dsn, size=2) as savers:
        second = graph().compile(checkpointer=new_saver(savers, fence))
        ended = await second.ainvoke(Command(resume="yes"), CONFIG, durability="sync")

    assert ended == {"word": "so yes"}


async def test_a_finished_run_can_be_forgotten(dsn: str, fence: Fence) -> None:
    async with open_checkpoint_pool(dsn, size=2) as savers:
        saver = new_saver(savers, fence)
        await graph().compile(checkpointer=saver).ainvoke({"word": "so"}, CONFIG)

        await saver.adelete_thread("job-1")

        assert await saver.aget_tuple(CONFIG) is None


async def test_a_run_whose_job_was_taken_writes_no_checkpoint(
    pool: Pool, dsn: str, fence: Fence
) -> None:
    async with open_checkpoint_pool(dsn, size=2) as savers:
        late = graph().compile(checkpointer=new_saver(savers, fence))
        newer = await take(pool, fence.job_id)

        with pytest.raises(Fenced, match="another process"):
            await late.ainvoke({"word": "so"}, CONFIG, durability="sync")

        assert await new_saver(savers, newer).aget_tuple(CONFIG) is None
        assert await pool.fetchval("SELECT count(*) FROM checkpoint_writes") == 0


async def test_what_a_node_gave_is_not_kept_when_the_job_was_taken_meanwhile(
    pool: Pool, dsn: str, fence: Fence
) -> None:
    async def work(state: State) -> State:
        await take(pool, fence.job_id)
        return {"word": f"{state['word']} much"}

    built = StateGraph(State)
    built.add_node("work", work)
    built.add_edge(START, "work")
    built.add_edge("work", END)
    async with open_checkpoint_pool(dsn, size=2) as savers:
        late = built.compile(checkpointer=new_saver(savers, fence))

        with pytest.raises(Fenced):
            await late.ainvoke({"word": "so"}, CONFIG, durability="sync")

        kept = await late.aget_state(CONFIG)
        assert (kept.values, kept.next) == ({"word": "so"}, ("work",))


async def test_a_server_that_is_down_is_told_with_its_reason() -> None:
    with pytest.raises(OperatorNeeded, match=r"127\.0\.0\.1:9/x.*refused"):
        async with open_checkpoint_pool("postgresql://u:p@127.0.0.1:9/x"):
            pytest.fail("nobody listens there")


async def test_an_address_that_is_none_is_told_without_any_piece_of_it() -> None:
    with pytest.raises(OperatorNeeded, match="percent-encoded") as caught:
        async with open_checkpoint_pool("hunter2 is not an address"):
            pytest.fail("that is no address")

    assert "hunter2" not in str(caught.value)


async def test_an_index_broken_by_a_killed_starter_is_built_anew(admin_dsn: str) -> None:
    index = "checkpoints_thread_id_idx"
    async with open_pool(admin_dsn, size=1) as owner:
        await owner.execute(
            f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{index}'::regclass"  # noqa: S608
        )
        await owner.execute("DELETE FROM checkpoint_migrations WHERE v >= 6")

        await create_tables(admin_dsn)

        query = "SELECT indisvalid FROM pg_index WHERE indexrelid = $1::text::regclass"
        assert await owner.fetchval(query, index) is True
