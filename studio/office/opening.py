"""Open the database and the desk."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import tools.affiliates
from bookai.db import audit, offers
from bookai.db.approvals import Rules, RulesOf
from bookai.db.approvals.links import open_key
from bookai.db.rooms import News, open_news
from bookai.plugins import load_plugins
from bookai.settings import ChannelSettings, Settings
from studio.channels.now import ChannelsNow
from studio.database import Database, open_database
from studio.desk import StudioDesk
from studio.engine import Procrastinate
from studio.models.lineup import writers
from studio.tracing.opening import open_traces
from tools.affiliates.base import Network

CATALOGUE = Path(__file__).parents[1] / "catalogue" / "offers.csv"


def now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


def c2pa_table(settings: Settings) -> dict[str, Any]:
    """Return [plugins.c2pa] with the place of the studio's own certificate."""
    return {"folder": str(settings.c2pa_dir), **settings.plugins.get("c2pa", {})}


@dataclass(frozen=True, slots=True)
class Office:
    """The database and the desk: enough for looking, deciding and queueing.

    `settings` are those of the start; `channels` are as the file has them now.
    """

    settings: Settings
    database: Database
    engine: Procrastinate
    desk: StudioDesk
    traces: audit.Appender
    news: News
    channels: ChannelsNow
    clock: Callable[[], datetime] = now


@asynccontextmanager
async def open_office(
    settings: Settings, clock: Callable[[], datetime] = now
) -> AsyncIterator[Office]:
    """Open the database and the desk; `clock` tells the time, aware UTC."""
    async with open_database(settings) as database:
        await offers.seed(database.pool, CATALOGUE)
        channels = ChannelsNow(settings)
        engine = Procrastinate(database.dsn, database.pool, now=clock)
        desk = StudioDesk(
            pool=database.pool,
            engine=engine,
            networks=load_plugins(tools.affiliates, "NETWORK", Network),
            channels=channels,
            now=clock,
            writer=lambda: writers(settings),
            home=str(settings.home),
            rules_of=rules_by(channels.channel),
            approval_ttl=timedelta(hours=settings.approval_hours),
            link_key=lambda: open_key(settings.link_key_path),
        )
        async with (
            open_traces(settings.traces, database.pool),
            audit.open_appender(database.pool) as traces,
            open_news(database.dsn) as news,
        ):
            yield Office(settings, database, engine, desk, traces, news, channels, clock)


def rules_by(channel_of: Callable[[str], ChannelSettings]) -> RulesOf:
    """Return what tells a channel's rules: whoever is struck off the file decides no more."""

    def rules(channel: str) -> Rules:
        found = channel_of(channel)
        return Rules(
            needed=found.approvals_needed, approvers=found.approvers, own_jobs=bool(found.own_jobs)
        )

    return rules
