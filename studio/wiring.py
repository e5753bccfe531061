"""The ONLY place where real things are built and handed to one another."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

import agents
from agents.base import Agent, Channel, Context
from bookai.db import audit, checkpoints, jobs, tokens
from bookai.db.approvals.links import open_key
from bookai.db.mcp.replies import Replies
from bookai.db.mcp.tasks import Tasks
from bookai.errors import OperatorNeeded
from bookai.llm.pool import ModelPool
from bookai.models import VideoJob
from bookai.plugins import load_plugins
from bookai.settings import Settings
from bookai.toolbox import Toolbox, open_toolbox
from graphs.members import Members
from graphs.production import Production
from graphs.steps import Crew, IsOurs, Progress
from mcp_server.guard import AGENTS, Principal
from mcp_server.limits import Limits, Rate
from mcp_server.rights.access import Access
from mcp_server.rights.state_keys import open_keys, read_keys
from mcp_server.rooms import NewsBus
from mcp_server.server import StudioServer, build_server, load_tools
from studio.autonomy import ladder_of
from studio.channels.standing import accounts_of, check_standing
from studio.crew.duty import open_members
from studio.hosts.reach import HostAddress, reach_hosts
from studio.models.billing import billed_to
from studio.models.opening import build_pool
from studio.office import Office, c2pa_table, now, open_office, rules_by
from studio.planning.looking import Looker
from studio.rooms import StudioLibrary, look
from studio.steer.checks import Examiner
from studio.web.app import FrontDoor
from studio.web.deck import cards_of
from studio.web.lent import Lent
from studio.web.signed import Signing
from tools.base import Tool, ToolContext
from tools.net.gate import Gate
from tools.platforms.base import ACCOUNTS

NOTHING: Mapping[str, Tool] = {}


@dataclass(frozen=True, slots=True)
class Studio:
    """The whole studio: what the office has, and those who do the work."""

    office: Office
    production: Production
    models: ModelPool
    members: Members


@asynccontextmanager
async def open_studio(
    settings: Settings,
    clock: Callable[[], datetime] = now,
    *,
    ticks: Callable[[], float] = time.monotonic,
    stand_ins: Mapping[str, Tool] = NOTHING,
) -> AsyncIterator[Studio]:
    """Open everything: tools behind MCP, agents, models, the graph and its checkpoints.

    `ticks` are the seconds in which agents pause; `stand_ins` are what the agents get instead of
    the tools of these names.
    """
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(open_office(settings, clock))
        pool = office.database.pool
        saver_pool = await stack.enter_async_context(
            checkpoints.open_checkpoint_pool(office.database.dsn)
        )
        toolbox = await stack.enter_async_context(open_hand(office, stand_ins))
        models = await stack.enter_async_context(build_pool(settings, pool, office.traces))
        crew_agents = load_plugins(agents, "AGENT", Agent)
        members = await stack.enter_async_context(
            open_members(
                office.database.dsn, pool, crew_agents.values(), clock, Random(), ticks=ticks
            )
        )

        await stack.enter_async_context(reach_hosts(members, _hosts(settings), settings.work_dir))

        def make_context(
            agent: str, job: VideoJob, progress: Progress, is_ours: IsOurs, until: float
        ) -> Context:
            return Context(
                ask=billed_to(job.job_id, partial(models.ask, until=until)),
                tools=toolbox.acting(agent, job.job_id, progress, is_ours, until),
                channel=_channel(office.channels.kept(), job.channel),
                now=office.clock(),
                progress=progress,
            )

        production = Production(
            crew=Crew(members, pool, make_context),
            pool=pool,
            new_saver=lambda fence: checkpoints.new_saver(saver_pool, fence),
            approval_ttl=timedelta(hours=settings.approval_hours),
            now=office.clock,
            # Asking goes on while the file is broken; deciding does not.
            rules_of=rules_by(lambda name: office.channels.kept().channel(name)),
        )
        yield Studio(office, production, models, members)


def access_of(settings: Settings) -> Access:
    """Return how the MCP server is reached, by whom, and how far."""
    keys = read_keys(settings.mcp_state_keys) if settings.mcp_state_keys else ()
    return Access(
        resource=settings.mcp_resource,
        hosts=settings.mcp.allowed_hosts,
        origins=settings.mcp.allowed_origins,
        state_keys=keys or open_keys(settings.state_keys_path),
        read_only=settings.mcp.read_only,
        must_confirm=settings.mcp.confirm == "always",
    )


def tool_server(
    office: Office, principal: Principal | None = None, stand_ins: Mapping[str, Tool] = NOTHING
) -> StudioServer:
    """Build the MCP server for one principal, or, without one, for whoever brings a token."""
    settings, pool = office.settings, office.database.pool
    gate = Gate(allow_private=settings.allow_private)
    config = {
        **settings.plugins,
        "sources": [source.url for source in settings.sources],
        "allow_private": settings.allow_private,
    }

    desk = replace(office.desk, look=Examiner(settings).look)

    def make_context(
        caller: Principal, progress: Callable[[float, str], Awaitable[None]]
    ) -> ToolContext:
        return ToolContext(
            desk=desk,
            fetch=gate,
            work_dir=settings.work_dir,
            gallery_dir=settings.gallery_dir,
            principal=caller.name,
            progress=progress,
            config={
                **config,
                "c2pa": c2pa_table(settings),
                ACCOUNTS: accounts_of(office.channels.kept()),
                "kits": {"files": _kit_files(office.channels.kept())},
            },
        )

    async def record(kind: str, actor: str, body: Mapping[str, object]) -> None:
        await office.traces.append(kind, actor, body)

    async def lookup(token: str) -> tokens.TokenRow | None:
        return await tokens.lookup(pool, token, office.clock())

    cards = cards_of(
        office.desk, settings.work_dir, signing_of(settings), by_token=principal is None
    )
    return build_server(
        {**load_tools(), **stand_ins}.values(),
        make_context=make_context,
        audit=record,
        principal=principal,
        lookup=None if principal else lookup,
        # Our own agents wait for their calls: a line and a lock less for every worker.
        tasks=None if principal == AGENTS else Tasks(pool, office.database.dsn),
        library=StudioLibrary(
            desk=office.desk,
            work_dir=settings.work_dir,
            look=lambda: look(office.channels.kept()),
            ladder=partial(ladder_of, office),
            looker=lambda: Looker(desk, office.channels.kept()),
        ),
        replies=Replies(pool),
        limits=None if principal == AGENTS else _limits(settings),
        # Our own agents watch nothing.
        bus=None if principal == AGENTS else NewsBus(office.news),
        signer=cards.signer,
        # They look at no films either.
        cards=None if principal == AGENTS else cards,
        # Nor are they asked anything, and they have to work in a read-only studio as well.
        access=Access() if principal == AGENTS else access_of(settings),
    )


def front_door(office: Office) -> FrontDoor:
    """Build what is offered over HTTP: MCP for whoever brings a token, and the approval pages."""
    settings, pool = office.settings, office.database.pool
    access = access_of(settings)

    async def load_job(job_id: int) -> VideoJob:
        return await jobs.load(pool, job_id)

    async def lookup(token_sha256: bytes) -> tokens.TokenRow | None:
        row = await tokens.lookup_hash(pool, token_sha256, office.clock())
        return row if row and access.audience_of(row.resource) == access.resource else None

    async def has_live_token(name: str) -> bool:
        return await tokens.is_live(pool, name, office.clock())

    async def record(kind: str, actor: str, body: Mapping[str, object]) -> object:
        return await audit.append(pool, kind, actor, body)

    lent = Lent(
        desk=office.desk,
        load_job=load_job,
        lookup=lookup,
        has_live_token=has_live_token,
        record=record,
        work_dir=settings.work_dir,
        public_url=settings.public_url,
        now=office.clock,
    )
    return FrontDoor(tool_server(office), lent, signing_of(settings))


@asynccontextmanager
async def open_hand(
    office: Office, stand_ins: Mapping[str, Tool] = NOTHING
) -> AsyncIterator[Toolbox]:
    """Join the agents to the tools: over HTTP where a URL is set, else inside this process."""
    if office.settings.mcp_url:
        async with open_far_hand(office.settings) as toolbox:
            yield toolbox
        return
    async with open_toolbox(tool_server(office, AGENTS, stand_ins)) as toolbox:
        yield toolbox


@asynccontextmanager
async def open_far_hand(settings: Settings) -> AsyncIterator[Toolbox]:
    """Join the agents to the tools of the studio at BOOKAI_MCP_URL."""
    if not settings.mcp_token or not settings.mcp_url:
        raise OperatorNeeded(
            "BOOKAI_MCP_URL is set, but no token.",
            mend="Set BOOKAI_MCP_TOKEN to what `bookai token create agents --scope agent` "
            "printed on the studio's machine.",
        )
    async with open_toolbox(settings.mcp_url, settings.mcp_token) as toolbox:
        yield toolbox


def signing_of(settings: Settings) -> Signing:
    """Return what makes and reads links to files; the key is made when the first link is."""
    return Signing(partial(open_key, settings.media_key_path), settings.web_url, now)


def _limits(settings: Settings) -> Limits:
    said = settings.mcp.limits
    return Limits(
        whole=Rate(said.whole.per_minute, said.whole.burst),
        reading=Rate(said.reading.per_minute, said.reading.burst),
        changing=Rate(said.changing.per_minute, said.changing.burst),
    )


def _hosts(settings: Settings) -> list[HostAddress]:
    return [
        HostAddress(one.name, one.url, one.token(), frozenset(one.capabilities))
        for one in settings.agent_hosts
    ]


def _kit_files(settings: Settings) -> tuple[str, ...]:
    """Return the font and logo files that channels name: no caller may have others opened."""
    kits = [channel.kit for channel in settings.channels.values()]
    return tuple(sorted({name for kit in kits for name in (kit.font, kit.logo) if name}))


AGENTS_KEYS = set(Channel.model_fields) - {"name"}
"""What a channel's passport says to the agents; the rest is the desk's and the loop's."""


def _channel(settings: Settings, name: str) -> Channel:
    found = settings.channel(name)
    check_standing(name, found)
    return Channel(name=name, **found.model_dump(include=AGENTS_KEYS))
