"""A small studio behind a real MCP server: a desk, an audit log and tools that end in every way."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx2
from mcp.client import Client
from mcp.client.session import MessageHandlerFnT
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from pydantic import Field

from bookai.decisions import Via
from bookai.errors import NotYet, OperatorNeeded, Refused, TryLater
from bookai.models import Post, PostEdit, Record
from bookai.toolbox import Progress
from mcp_server.auth import Principal, operator_here
from mcp_server.rights.access import DEFAULT_RESOURCE, Access
from mcp_server.rooms import NewsBus, Signer
from mcp_server.server import StudioServer, build_server, serve_http
from tests.mcp_server.library import NOW, FakeLibrary, FakeWire
from tests.mcp_server.library import POST as POST
from tools import decide_approval, get_job, list_approvals, list_jobs, make_video
from tools.base import ApprovalRow, Fetched, JobDetail, JobRow, Tool, ToolContext

SECRET = "hunter2-planted"
ALICE = operator_here("operator:alice", approves=True)
# An agent that may also look: the little tools here are for reading.
WORKER = Principal("agent", frozenset({"read", "agent"}))
PRINCIPALS = {"agent": WORKER, "operator": ALICE}


class Said(Record):
    text: str
    by: str


class Nothing(Record):
    pass


async def echo(
    ctx: ToolContext,
    text: Annotated[str, Field(max_length=200, description="What to say.")],
    times: Annotated[int, Field(ge=1, le=5, description="How often.")] = 1,
) -> Said:
    """Say it again. Not for anything else."""
    sys.stdout.write("a noisy library\n")
    for time in range(times):
        await ctx.progress((time + 1) / times, f"said {time + 1}")
    return Said(text=text, by=ctx.principal)


async def end_badly(
    ctx: ToolContext,
    how: Annotated[
        Literal["refused", "later", "held", "operator", "crash", "wrong"], Field(description="How.")
    ],
) -> Nothing:
    """End in one of the ways a tool can end. Never use it."""
    match how:
        case "refused":
            raise Refused("There are only 3 words in it. Choose a longer article.")
        case "later":
            raise TryLater("The host is busy.", after_s=7.5)
        case "held":
            raise NotYet("The day's posts are out.", after_s=60)
        case "operator":
            raise OperatorNeeded("There is no ffmpeg.", mend="Run: bookai doctor")
        case "crash":
            raise RuntimeError(f"postgres://bookai:{SECRET}@db/studio is not there")
        case "wrong":
            return Said(text="", by="")  # type: ignore[return-value] # what a broken tool does


async def sleep_long(ctx: ToolContext) -> Nothing:
    """Sleep until cancelled. Never use it."""
    await ctx.progress(0.1, "asleep")
    await asyncio.Event().wait()
    return Nothing()


async def nap(ctx: ToolContext) -> Nothing:
    """Sleep longer than allowed. Never use it."""
    await asyncio.Event().wait()
    return Nothing()


async def send_post(
    ctx: ToolContext,
    job_id: Annotated[int, Field(ge=1, description="The job.")],
    post: Annotated[Post, Field(description="What to publish.")],
) -> Said:
    """Publish a post. Only with approval."""
    desk = ctx.desk
    assert isinstance(desk, FakeDesk)
    desk.sent.append(job_id)
    return Said(text=post.title, by=ctx.principal)


@dataclass
class FakeDesk:
    """The part of the studio's memory that these tests use."""

    approved: set[tuple[int, str]] = field(default_factory=set)
    sent: list[int] = field(default_factory=list)
    created: list[tuple[str, str, str]] = field(default_factory=list)
    decided: list[tuple[int, bool, str, str]] = field(default_factory=list)

    async def create_job(self, source: str, channel: str, requested_by: str) -> JobRow:
        self.created.append((source, channel, requested_by))
        return _job(len(self.created), source, channel)

    async def list_jobs(
        self,
        status: str | None,
        limit: int,
        *,
        channel: str | None = None,
        before: int | None = None,
    ) -> tuple[JobRow, ...]:
        return (_job(1, "a.txt", "default"),)[:limit]

    async def get_job(self, job_id: int) -> JobDetail:
        if job_id != 1:
            raise Refused(f"There is no job {job_id}. See them all: bookai jobs")
        return JobDetail(
            job=_job(1, "a.txt", "default"),
            script=("It rained on Mars.",),
            video_path=None,
            thumbnail_path=None,
            findings=(),
            fallbacks=(),
            stage_seconds={"scout": 0.5},
        )

    async def list_approvals(
        self, state: str | None, limit: int, skip: int = 0, after: int | None = None
    ) -> tuple[ApprovalRow, ...]:
        return (_approval(1, state or "pending", None),)[:limit]

    async def decide_approval(
        self,
        approval_id: int,
        approve: bool,
        reason: str,
        by: str,
        *,
        edit: PostEdit | None = None,
        via: Via = "mcp",
    ) -> ApprovalRow:
        self.decided.append((approval_id, approve, reason, by))
        return _approval(approval_id, "approved" if approve else "rejected", by)

    async def get_approval(self, approval_id: int) -> ApprovalRow:
        return _approval(approval_id, "pending", None)

    async def check_approved(self, job_id: int, digest: str) -> None:
        if (job_id, digest) not in self.approved:
            raise Refused(f"Job {job_id} waits for the operator: bookai approve {job_id}")

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"no test uses the desk's {name}")


def _job(job_id: int, source: str, channel: str) -> JobRow:
    return JobRow(
        job_id=job_id,
        source=source,
        channel=channel,
        status="queued",
        stage="scout",
        percent=0,
        title=None,
        reason=None,
        approval_id=None,
        url=None,
        created_at=NOW,
        updated_at=NOW,
    )


def _approval(approval_id: int, state: str, by: str | None) -> ApprovalRow:
    return ApprovalRow(
        approval_id=approval_id,
        job_id=1,
        title=POST.title,
        state=state,
        digest=POST.digest(),
        requested_at=NOW,
        expires_at=NOW,
        decided_by=by,
        decided_at=None,
        note=None,
        post=POST,
        video_path="/tmp/video.mp4",
    )


async def no_network(url: str, *, accept: str = "*/*") -> Fetched:
    raise AssertionError(f"no test fetches {url}")


@dataclass(frozen=True)
class Token:
    name: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    resource: str | None = DEFAULT_RESOURCE


@dataclass
class Studio:
    """The doubles and the server around them; `audit_fails` (after some rows) breaks the log."""

    desk: FakeDesk = field(default_factory=FakeDesk)
    rows: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    tokens: dict[str, Token] = field(default_factory=dict)
    library: FakeLibrary = field(default_factory=FakeLibrary)
    wire: FakeWire = field(default_factory=FakeWire)
    signer: Signer | None = None
    access: Access = field(default_factory=Access)
    audit_fails: bool = False
    audit_fails_after: int | None = None
    noted: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.tokens = {
            "of-agent": Token("worker-1", WORKER.scopes),
            "of-operator": Token("alice", ALICE.scopes),
            "of-reader": Token("screen", frozenset({"read"})),
        }

    @property
    def tools(self) -> dict[str, Tool]:
        real = (make_video, list_jobs, get_job, list_approvals, decide_approval)
        ours = (
            Tool(run=echo, title="Echo", scope="read", timeout_s=5, read_only=True),
            Tool(run=end_badly, title="End badly", scope="read", timeout_s=5),
            Tool(run=sleep_long, title="Sleep", scope="read", timeout_s=50),
            Tool(run=nap, title="Nap", scope="read", timeout_s=0.05),
            Tool(run=send_post, title="Send", scope="agent", timeout_s=5, needs_approval=True),
        )
        return {tool.name: tool for tool in (*(module.TOOL for module in real), *ours)}

    async def audit(self, kind: str, actor: str, body: Mapping[str, object]) -> int:
        if self.audit_fails or len(self.rows) == self.audit_fails_after:
            raise OSError(f"no connection to postgres://bookai:{SECRET}@db")
        self.rows.append((kind, actor, dict(body)))
        self.noted.set()
        return len(self.rows)

    def context(self, principal: Principal, progress: Progress) -> ToolContext:
        here = Path("/nonexistent")
        return ToolContext(self.desk, no_network, here, here, principal.name, progress)

    def server(self, principal: Principal | None) -> StudioServer:
        """Return a server for one principal, or for tokens."""
        return build_server(
            self.tools.values(),
            make_context=self.context,
            audit=self.audit,
            principal=principal,
            lookup=None if principal else self.lookup,
            library=self.library,
            signer=self.signer,
            access=self.access,
            bus=NewsBus(self.wire),
        )

    async def lookup(self, token: str) -> Token | None:
        return self.tokens.get(token)

    @asynccontextmanager
    async def served(self, port: int = 0) -> AsyncIterator[str]:
        """Serve over HTTP on a loopback port, a free one by default; yield the URL."""
        url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(
                serve_http(self.server(None), port=port, on_ready=url.set_result)
            )
            try:
                yield await url
            finally:
                serving.cancel()

    @asynccontextmanager
    async def connected(self, way: str, mode: str, who: str) -> AsyncIterator[Client]:
        """Yield a client of this studio; over stdio it is another studio of the same kind."""
        async with AsyncExitStack() as stack:
            match way:
                case "memory":
                    client = Client(self.server(PRINCIPALS[who]), mode=mode)
                case "stdio":
                    program = Path(__file__).with_name("stdio_studio.py")
                    root = str(program.parents[2])
                    client = Client(
                        StdioServerParameters(
                            command=sys.executable,
                            args=["-P", str(program), who],
                            cwd=root,
                            env={"PYTHONPATH": root},
                        ),
                        mode=mode,
                    )
                case _:
                    url = await stack.enter_async_context(self.served())
                    client = await self.over_http(stack, url, f"of-{who}", mode)
            yield await stack.enter_async_context(client)

    async def over_http(
        self,
        stack: AsyncExitStack,
        url: str,
        token: str,
        mode: str,
        hear: MessageHandlerFnT | None = None,
    ) -> Client:
        headers = {"Authorization": f"Bearer {token}"}
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers))
        return Client(
            streamable_http_client(url, http_client=http), mode=mode, message_handler=hear
        )
