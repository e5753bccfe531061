"""Who may say yes: over MCP, against the real desk and the database's own rules."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import httpx2
import pytest
from mcp.client import Client, ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, InputRequiredResult

from bookai.db import approvals, jobs, tokens
from bookai.errors import OperatorNeeded, Refused
from bookai.settings import Settings
from bookai.toolbox import Toolbox, open_toolbox
from mcp_server.server import serve_http
from studio.office import Office, open_office
from studio.wiring import access_of, tool_server
from tests.bookai.db.approvals.asked import POST
from tools.base import Decision, JobTicket

DAY = timedelta(days=1)
RIGHTS = ("read", "operate", "approve")
INSERT_VOTE = """
INSERT INTO approval_votes (approval_id, voter, right_of, hand, approve, reason, via, voted_at)
VALUES ($1, $2, $2, $2, true, '', 'mcp', now())
"""


@pytest.fixture
def strict(settings: Settings) -> Settings:
    """A studio with several operators, which is what a studio has unless its settings say else."""
    return Settings.model_validate(settings.model_dump() | {"approvals": {}})


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[Office, str]]:
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with open_office(settings) as office, asyncio.TaskGroup() as group:
        server = tool_server(office)
        task = group.create_task(serve_http(server, port=0, on_ready=ready.set_result))
        try:
            yield office, await ready
        finally:
            task.cancel()


async def token(office: Office, name: str, *scopes: str) -> str:
    made_for = access_of(office.settings).resource
    pool = office.database.pool
    return await tokens.create(
        pool, name, scopes or RIGHTS, DAY, "operator:test", resource=made_for
    )


async def ask(office: Office, job_id: int) -> int:
    desk = office.desk
    async with desk.pool.acquire() as con, con.transaction():
        number = await approvals.request(
            con, job_id, POST, "/v.mp4", desk.now(), DAY, desk.rules_of("default")
        )
        await jobs.set_status(con, job_id, "waiting", stage="approval")
    return number


async def say_yes(toolbox: Toolbox, number: int) -> Decision:
    return await toolbox.call("decide_approval", Decision, approval_id=number, decision="approve")


async def test_nobody_approves_what_his_own_principal_asked_for(strict: Settings) -> None:
    """Point 13: no agent approves, no operator his own request, also not past the program."""
    async with serving(strict) as (office, url):
        async with open_toolbox(url, await token(office, "ann")) as ann:
            made = await ann.call("make_video", JobTicket, source="a topic of ours")
            number = await ask(office, made.job_id)
            with pytest.raises(Refused, match="asked for by operator:ann"):
                await say_yes(ann, number)
        with pytest.raises(asyncpg.PostgresError, match="may not vote"):
            await office.database.pool.execute(INSERT_VOTE, number, "operator:ann")
        async with open_toolbox(url, await token(office, "crew", "read", "agent")) as crew:
            with pytest.raises(Refused, match="needs the right 'approve'"):
                await say_yes(crew, number)
        waiting = await office.desk.get_approval(number)

        async with open_toolbox(url, await token(office, "bob")) as bob:
            decided = await say_yes(bob, number)

    assert waiting.state == "pending"
    assert (decided.state, decided.decided_by) == ("approved", "operator:bob")


async def test_a_single_operator_approves_his_own(settings: Settings) -> None:
    async with (
        serving(settings) as (office, url),
        open_toolbox(url, await token(office, "ann")) as ann,
    ):
        made = await ann.call("make_video", JobTicket, source="a topic of ours")
        decided = await say_yes(ann, await ask(office, made.job_id))

    assert decided.state == "approved"


async def test_an_answer_that_is_sent_twice_decides_once(settings: Settings) -> None:
    """Point 14: a replayed sealed state finds the approval used."""
    yes = ElicitResult(action="accept", content={"confirm": True})

    async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        raise AssertionError("the rounds are made by hand")

    async with serving(settings) as (office, url):
        headers = {"Authorization": f"Bearer {await token(office, 'ann')}"}
        made = await office.desk.create_job("a topic", "default", "operator:bob")
        number = await ask(office, made.job_id)
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(
                streamable_http_client(url, http_client=http), elicitation_callback=never
            ) as client,
        ):
            asked = await _round(client, number)
            assert isinstance(asked, InputRequiredResult)
            answers = dict.fromkeys(asked.input_requests or {}, yes)
            ends = [await _round(client, number, answers, asked.request_state) for _ in range(2)]
        row = await office.desk.get_approval(number)

    assert [isinstance(end, CallToolResult) and end.is_error for end in ends] == [False, True]
    assert f"approval {number} of job {row.job_id} was approved by operator:ann" in str(ends[1])
    assert [vote.by for vote in row.votes] == ["operator:ann"]


async def test_a_studio_keeps_one_key_for_all_its_processes(settings: Settings) -> None:
    one, two = access_of(settings), access_of(settings)

    assert one.state_keys == two.state_keys
    assert settings.state_keys_path.stat().st_mode & 0o777 == 0o600
    given = settings.model_copy(update={"mcp_state_keys": "zz"})
    with pytest.raises(OperatorNeeded, match="Key 1"):
        access_of(given)


async def _round(
    client: Client, number: int, answers: Any = None, state: str | None = None
) -> CallToolResult | InputRequiredResult:
    return await client.session.call_tool(
        "decide_approval",
        {"approval_id": number, "decision": "approve"},
        input_responses=answers,
        request_state=state,
        allow_input_required=True,
    )
