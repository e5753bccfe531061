"""How a call under a key can end other than well, and what its repetition is told then."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated
from uuid import uuid4

import pytest
from mcp.client import Client
from mcp.types import CallToolResult
from pydantic import Field

from bookai.db.embedded import EmbeddedPostgres
from bookai.db.mcp.replies import Replies
from bookai.db.mcp.tasks import Tasks
from bookai.db.pool import Pool, open_pool
from bookai.errors import OperatorNeeded, ToolFailed, TryLater
from bookai.mcp_tasks.client import Patient
from mcp_server.once import KEY, MOST_KEPT, REPLAYED_META
from mcp_server.server import build_server
from tests.conftest import TEMPLATE, execute, on_database
from tests.mcp_server.doubles import ALICE, Said, Studio
from tests.mcp_server.rights.asking import YES, Person
from tools.base import Tool, ToolContext

KEYED = {KEY: "a-key-of-mine"}


@pytest.fixture(scope="module")
def one_database(server: EmbeddedPostgres) -> Iterator[str]:
    """One database for all of these: half of the time is cloning it."""
    name = f"t_{uuid4().hex[:12]}"
    execute(server.dsn(), f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    yield name
    execute(server.dsn(), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(server: EmbeddedPostgres, one_database: str) -> str:
    """Override: the module's database, without answers."""
    execute(on_database(server.dsn(), one_database), "TRUNCATE mcp_replies")
    return one_database


@dataclass
class Work:
    """A tool with an effect, counted in `done`, that ends as `ends` says."""

    ends: str = "well"
    done: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def tool(self) -> Tool:
        async def change_much(
            ctx: ToolContext,
            why: Annotated[str, Field(max_length=200, description="Why.")] = "",
        ) -> Said:
            """Change something. Never use it."""
            await self._come_to_an_end()
            text = {"long": "x" * MOST_KEPT, "half": "\ud800"}.get(self.ends, why)
            return Said(text=text, by=ctx.principal)

        return Tool(
            run=change_much,
            title="Change",
            scope="operate",
            timeout_s=0.05 if self.ends == "late" else 20,
            private=frozenset({"why"}),
        )

    async def _come_to_an_end(self) -> None:
        match self.ends:
            case "later":
                raise TryLater("The machine is busy.", after_s=1)
            case "operator":
                raise OperatorNeeded("There is no such channel.", mend="Add it.")
        self.done += 1
        self.begun.set()
        match self.ends:
            case "broken":
                raise ToolFailed("The disk was full half-way.")
            case "crashed":
                raise RuntimeError("a fault of ours")
            case "late" | "cancelled":
                await asyncio.Event().wait()


@asynccontextmanager
async def client_of(studio: Studio, tool: Tool, pool: Pool | None) -> AsyncIterator[Client]:
    server = build_server(
        [tool],
        make_context=studio.context,
        audit=studio.audit,
        principal=ALICE,
        replies=Replies(pool) if pool else None,
    )
    async with Client(server) as client:
        yield client


def text_of(answer: CallToolResult) -> str:
    return " ".join(getattr(part, "text", "") for part in answer.content)


@pytest.mark.parametrize("ends", ["broken", "crashed", "late"])
async def test_what_may_have_been_done_half_is_never_begun_anew(
    studio: Studio, pool: Pool, ends: str
) -> None:
    work = Work(ends)
    async with client_of(studio, work.tool(), pool) as client:
        first = await client.call_tool("change_much", KEYED)
        again = await client.call_tool("change_much", KEYED)

    assert first.is_error
    assert "is still being done" in text_of(again)
    assert work.done == 1


@pytest.mark.parametrize("ends", ["later", "operator"])
async def test_what_was_not_begun_may_be_tried_again_under_its_key(
    studio: Studio, pool: Pool, ends: str
) -> None:
    work = Work(ends)
    async with client_of(studio, work.tool(), pool) as client:
        first = await client.call_tool("change_much", KEYED)
        work.ends = "well"
        again = await client.call_tool("change_much", KEYED)

    assert first.is_error
    assert not again.is_error
    assert work.done == 1


async def test_a_cancelled_call_is_not_done_again(studio: Studio, pool: Pool) -> None:
    work = Work("cancelled")
    async with client_of(studio, work.tool(), pool) as client:
        call = asyncio.ensure_future(client.call_tool("change_much", KEYED))
        await work.begun.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        again = await client.call_tool("change_much", KEYED)

    assert "is still being done" in text_of(again)
    assert work.done == 1


@pytest.mark.parametrize("ends", ["long", "half"])
async def test_what_was_done_is_told_even_where_its_answer_cannot_be_kept(
    studio: Studio, pool: Pool, ends: str
) -> None:
    work = Work(ends)
    tool = work.tool()
    async with client_of(studio, tool, pool) as client:
        await client.call_tool(tool.name, KEYED)
        again = await client.call_tool(tool.name, KEYED)

    assert "did its work, but its answer could not be kept" in text_of(again)
    assert (again.meta or {})[REPLAYED_META] is True
    assert work.done == 1


async def test_neither_the_key_nor_a_persons_words_are_kept_with_the_arguments(
    studio: Studio, pool: Pool
) -> None:
    """Point 16: what is kept tells arguments from others, and can be guessed by nobody."""
    tool = Work().tool()
    async with client_of(studio, tool, pool) as client:
        await client.call_tool(tool.name, {**KEYED, "why": "he is my brother"})
        await client.call_tool(tool.name, {KEY: "another-key", "why": "he is my brother"})
    rows = await pool.fetch("SELECT key, digest FROM mcp_replies")

    assert "a-key-of-mine" not in str(rows)
    assert rows[0]["digest"] != rows[1]["digest"]


async def test_defaults_written_out_are_no_other_arguments(studio: Studio, pool: Pool) -> None:
    work = Work()
    tool = work.tool()
    async with client_of(studio, tool, pool) as client:
        first = await client.call_tool(tool.name, KEYED)
        again = await client.call_tool(tool.name, {**KEYED, "why": ""})

    assert again.structured_content == first.structured_content
    assert work.done == 1


async def test_without_the_database_nothing_is_done_under_a_key(studio: Studio, dsn: str) -> None:
    work = Work()
    tool = work.tool()
    async with open_pool(dsn) as pool:
        pass
    async with client_of(studio, tool, pool) as client:
        answer = await client.call_tool(tool.name, KEYED)

    assert "The database does not answer for the key" in text_of(answer)
    assert work.done == 0


async def test_a_server_that_keeps_no_answers_takes_no_key(studio: Studio) -> None:
    work = Work()
    tool = work.tool()
    async with client_of(studio, tool, None) as client:
        answer = await client.call_tool(tool.name, KEYED)

    assert "This server keeps no answers" in text_of(answer)
    assert work.done == 0


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_repeated_confirmed_call_asks_nobody_and_decides_once(
    studio: Studio, pool: Pool, mode: str
) -> None:
    """Point 14: the question of a round in between is never kept as the answer."""
    person = Person()
    server = build_server(
        studio.tools.values(),
        make_context=studio.context,
        audit=studio.audit,
        principal=ALICE,
        replies=Replies(pool),
    )
    async with person.at(server, mode) as client:
        first = await client.call_tool("decide_approval", {**YES, **KEYED})
        again = await client.call_tool("decide_approval", {**YES, **KEYED})

    assert len(person.heard) == len(studio.desk.decided) == 1
    assert again.structured_content == first.structured_content
    assert (again.meta or {})[REPLAYED_META] is True


async def test_a_question_nobody_answers_leaves_the_key_free(studio: Studio, pool: Pool) -> None:
    no, yes = Person(says="decline"), Person()
    server = build_server(
        studio.tools.values(),
        make_context=studio.context,
        audit=studio.audit,
        principal=ALICE,
        replies=Replies(pool),
    )
    async with no.at(server) as client:
        declined = await client.call_tool("decide_approval", {**YES, **KEYED})
    async with yes.at(server) as client:
        decided = await client.call_tool("decide_approval", {**YES, **KEYED})

    assert declined.is_error
    assert not decided.is_error
    assert len(studio.desk.decided) == 1


async def test_a_call_that_became_a_task_is_answered_again_and_not_done_again(
    studio: Studio, pool: Pool, dsn: str
) -> None:
    """Point 12: the answer is kept, not the task that it came by."""
    work = Work()
    tool = work.tool()
    server = build_server(
        [tool],
        make_context=studio.context,
        audit=studio.audit,
        principal=ALICE,
        replies=Replies(pool),
        tasks=Tasks(pool, dsn),
        always_tasks={tool.name},
    )
    async with Client(server, extensions=[Patient()]) as client:
        first = await client.call_tool(tool.name, KEYED)
        again = await client.call_tool(tool.name, KEYED)
    tasks = await pool.fetchval("SELECT count(*) FROM mcp_tasks")

    assert tasks == 2
    assert again.structured_content == first.structured_content
    assert (again.meta or {})[REPLAYED_META] is True
    assert work.done == 1
