"""Checkpoints: a run goes on in another saver, as the restricted role."""

from typing import TypedDict

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from bookai.db.checkpoints import create_tables, new_saver, open_checkpoint_pool
from bookai.db.pool import open_pool
from bookai.errors import OperatorNeeded

CONFIG: RunnableConfig = {"configurable": {"thread_id": "job-1"}}


class State(TypedDict):
    word: str


def ask(state: State) -> State:
    return {"word": f"{state['word']} {interrupt('go on?')}"}


def graph() -> StateGraph[State]:
    built = StateGraph(State)
    built.add_node("ask", ask)
    built.add_edge(START, "ask")
    built.add_edge("ask", END)
    return built


async def test_a_run_that_waits_goes_on_with_another_saver(dsn: str) -> None:
    async with open_checkpoint_pool(dsn, size=2) as pool:
        first = graph().compile(checkpointer=new_saver(pool))
        await first.ainvoke({"word": "so"}, CONFIG, durability="sync")

    async with open_checkpoint_pool(dsn, size=2) as pool:
        second = graph().compile(checkpointer=new_saver(pool))
        ended = await second.ainvoke(Command(resume="yes"), CONFIG, durability="sync")

    assert ended == {"word": "so yes"}


async def test_a_finished_run_can_be_forgotten(dsn: str) -> None:
    async with open_checkpoint_pool(dsn, size=2) as pool:
        saver = new_saver(pool)
        await graph().compile(checkpointer=saver).ainvoke({"word": "so"}, CONFIG)

        await saver.adelete_thread("job-1")

        assert await saver.aget_tuple(CONFIG) is None


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
