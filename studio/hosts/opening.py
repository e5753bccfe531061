"""Open what a host of agents needs: agents, tools and models, with or without a studio here."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import agents
from agents.base import Agent, Channel, Context
from bookai.errors import OperatorNeeded
from bookai.llm.pool import ModelPool
from bookai.models import VideoJob
from bookai.plugins import load_plugins
from bookai.settings import Settings
from bookai.toolbox import Toolbox
from studio.hosts.desk import Desk, Progress
from studio.models.opening import build_far_pool, build_pool
from studio.office import now, open_office
from studio.wiring import open_far_hand, open_hand


@asynccontextmanager
async def open_agent_host(settings: Settings, only: Sequence[str] = ()) -> AsyncIterator[Desk]:
    """Open the agents named in `only`, or all, for studios that call.

    With BOOKAI_MCP_URL and no database of its own, the host uses the calling studio's tools, keeps
    nothing, and asks no model that bills: there is no budget to take from. Else it is a studio.

    Raises:
        OperatorNeeded: there is no such agent, or the tools cannot be reached.
    """
    chosen = _chosen(only)
    async with AsyncExitStack() as stack:
        hand, models = await _means(settings, stack)

        def make_context(
            agent: str, job: VideoJob, channel: Channel, progress: Progress, until: float
        ) -> Context:
            return Context(
                ask=partial(models.ask, until=until),
                tools=hand.acting(agent, job.job_id, progress, until=until),
                channel=channel,
                now=now(),
                progress=progress,
            )

        yield Desk(chosen, make_context)


async def _means(settings: Settings, stack: AsyncExitStack) -> tuple[Toolbox, ModelPool]:
    if settings.mcp_url and not settings.dsn:
        hand = await stack.enter_async_context(open_far_hand(settings))
        return hand, await stack.enter_async_context(build_far_pool(settings))
    office = await stack.enter_async_context(open_office(settings))
    hand = await stack.enter_async_context(open_hand(office))
    pool = build_pool(settings, office.database.pool, office.traces)
    return hand, await stack.enter_async_context(pool)


def _chosen(only: Sequence[str]) -> tuple[Agent, ...]:
    found = load_plugins(agents, "AGENT", Agent)
    missing = sorted(set(only) - set(found))
    if missing:
        raise OperatorNeeded(
            f"there is no agent {missing[0]!r}.", mend=f"There are: {', '.join(sorted(found))}."
        )
    return tuple(agent for name, agent in sorted(found.items()) if not only or name in only)
