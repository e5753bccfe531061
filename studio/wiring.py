"""The ONLY place where real things are built and handed to one another."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import agents
import bookai.llm
import tools.affiliates
from agents.base import Agent, Channel, Context
from bookai.db import audit, checkpoints, executions, offers, tokens
from bookai.db.approvals import Rules
from bookai.db.approvals.links import open_key
from bookai.errors import OperatorNeeded
from bookai.llm.base import Provider
from bookai.llm.ollama import OllamaProvider
from bookai.llm.pool import ModelPool
from bookai.models import VideoJob
from bookai.plugins import load_plugins
from bookai.settings import Settings
from bookai.toolbox import Toolbox, open_toolbox
from graphs.production import Production
from graphs.steps import Crew, IsOurs, Progress
from mcp_server.guard import AGENTS, Principal
from mcp_server.server import StudioServer, build_server, load_tools
from studio.database import Database, open_database
from studio.desk import StudioDesk
from studio.engine import Procrastinate
from tools.affiliates.base import Network
from tools.base import ToolContext
from tools.net.gate import Gate

WRITERS = ("ollama", "extractive")
APPROVAL_KEYS = {"approvals_needed", "approvers", "own_jobs"}
"""What a channel's settings say to the desk, not to the agents."""

CATALOGUE = Path(__file__).parent / "catalogue" / "offers.csv"


def now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Office:
    """The database and the desk: enough for looking, deciding and queueing."""

    settings: Settings
    database: Database
    engine: Procrastinate
    desk: StudioDesk
    traces: audit.Appender


@dataclass(frozen=True, slots=True)
class Studio:
    """The whole studio: what the office has, and those who do the work."""

    office: Office
    production: Production
    models: ModelPool


@asynccontextmanager
async def open_office(settings: Settings) -> AsyncIterator[Office]:
    """Open the database and the desk."""
    async with open_database(settings) as database:
        await offers.seed(database.pool, CATALOGUE)
        engine = Procrastinate(database.dsn, database.pool)
        desk = StudioDesk(
            pool=database.pool,
            engine=engine,
            networks=load_plugins(tools.affiliates, "NETWORK", Network),
            channels=frozenset(settings.channels),
            now=now,
            writer=lambda: f"{settings.ollama.model} at {settings.ollama.host}, else extractive",
            home=str(settings.home),
            rules_of=lambda channel: _rules(settings, channel),
            approval_ttl=timedelta(hours=settings.approval_hours),
            link_key=lambda: open_key(settings.link_key_path),
        )
        async with audit.open_appender(database.pool) as traces:
            yield Office(settings, database, engine, desk, traces)


@asynccontextmanager
async def open_studio(settings: Settings) -> AsyncIterator[Studio]:
    """Open everything: tools behind MCP, agents, models, the graph and its checkpoints."""
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(open_office(settings))
        pool = office.database.pool
        saver_pool = await stack.enter_async_context(
            checkpoints.open_checkpoint_pool(office.database.dsn)
        )
        toolbox = await stack.enter_async_context(_open_hand(office))
        models = ModelPool(_providers(settings), WRITERS)
        crew_agents = load_plugins(agents, "AGENT", Agent)
        await executions.register(
            pool, {agent.name: agent.capabilities for agent in crew_agents.values()}
        )

        def make_context(agent: str, job: VideoJob, progress: Progress, is_ours: IsOurs) -> Context:
            return Context(
                ask=models.ask,
                tools=toolbox.acting(agent, job.job_id, progress, is_ours),
                channel=_channel(settings, job.channel),
                now=now(),
                progress=progress,
            )

        production = Production(
            crew=Crew(crew_agents, pool, make_context, now),
            pool=pool,
            new_saver=lambda fence: checkpoints.new_saver(saver_pool, fence),
            approval_ttl=timedelta(hours=settings.approval_hours),
            now=now,
            rules_of=office.desk.rules_of,
        )
        yield Studio(office, production, models)


def tool_server(office: Office, principal: Principal | None = None) -> StudioServer:
    """Build the MCP server for one principal, or, without one, for whoever brings a token."""
    settings, pool = office.settings, office.database.pool
    gate = Gate(allow_private=settings.allow_private)
    config = {**plugin_tables(settings), "allow_private": settings.allow_private}

    def make_context(
        caller: Principal, progress: Callable[[float, str], Awaitable[None]]
    ) -> ToolContext:
        return ToolContext(
            desk=office.desk,
            fetch=gate,
            work_dir=settings.work_dir,
            gallery_dir=settings.gallery_dir,
            principal=caller.name,
            progress=progress,
            config=config,
        )

    async def record(kind: str, actor: str, body: Mapping[str, object]) -> None:
        await office.traces.append(kind, actor, body)

    async def lookup(token: str) -> tokens.TokenRow | None:
        return await tokens.lookup(pool, token, now())

    return build_server(
        load_tools().values(),
        make_context=make_context,
        audit=record,
        principal=principal,
        lookup=None if principal else lookup,
    )


def plugin_tables(settings: Settings) -> dict[str, Any]:
    """Return the plug-ins' tables as tools get them: with the places that only settings know."""
    return {
        **settings.plugins,
        "sources": [source.url for source in settings.sources],
        "c2pa": {"folder": str(settings.c2pa_dir), **settings.plugins.get("c2pa", {})},
    }


@asynccontextmanager
async def _open_hand(office: Office) -> AsyncIterator[Toolbox]:
    """Join the agents to the tools: over HTTP where a URL is set, else inside this process."""
    settings = office.settings
    if settings.mcp_url:
        if not settings.mcp_token:
            raise OperatorNeeded(
                "BOOKAI_MCP_URL is set, but no token.",
                mend="Set BOOKAI_MCP_TOKEN to what `bookai token create agents --scope agent` "
                "printed on the studio's machine.",
            )
        async with open_toolbox(settings.mcp_url, settings.mcp_token) as toolbox:
            yield toolbox
        return
    async with open_toolbox(tool_server(office, AGENTS)) as toolbox:
        yield toolbox


def _providers(settings: Settings) -> dict[str, Provider]:
    found = load_plugins(bookai.llm, "PROVIDER", Provider, besides=("base", "pool"))
    ollama = settings.ollama
    found["ollama"] = OllamaProvider(ollama.host, ollama.model, timeout_s=ollama.timeout_s)
    return found


def _channel(settings: Settings, name: str) -> Channel:
    values = settings.channel(name).model_dump(exclude=APPROVAL_KEYS)
    return Channel(name=name, **values)


def _rules(settings: Settings, channel: str) -> Rules:
    found = settings.channel(channel)
    return Rules(needed=found.approvals_needed, approvers=found.approvers, own_jobs=found.own_jobs)
