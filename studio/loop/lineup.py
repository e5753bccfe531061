"""What the loop does: every schedule, from the settings of this moment."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from bookai.db import outbox
from bookai.settings import Settings, SourceSettings
from studio.loop.schedule import Schedule
from studio.market.watch import reading_s, watch_source
from studio.office import Office
from tools.net.gate import Gate


def lineup_of(office: Office, settings_now: Callable[[], Settings]) -> tuple[Schedule, ...]:
    """Return what is wanted now."""
    settings = settings_now()
    wanted = (
        *_watching(office, settings),
        *_planning(office, settings),
        *_keeping(office, settings),
    )
    speed = settings.loop.speed
    if speed == 1:
        return wanted
    return tuple(
        Schedule(one.name, one.scope, one.every_s / speed, one.run, one.timeout_s) for one in wanted
    )


def _watching(office: Office, settings: Settings) -> list[Schedule]:
    gate = Gate(allow_private=settings.allow_private)
    feeds: dict[str, list[SourceSettings]] = {}
    for source in settings.sources:
        feeds.setdefault(source.url, []).append(source)

    def watching(url: str, users: list[SourceSettings]) -> Schedule:
        every_s = min(reading_s(one) for one in users)
        channels = {one.channel for one in users}

        async def run(_at: datetime) -> str:
            often_s = every_s / settings.loop.speed
            return await watch_source(office.desk, url, channels, often_s, gate, settings.home)

        return Schedule("watch", url, every_s, run)

    return [watching(url, users) for url, users in feeds.items()]


def _planning(office: Office, settings: Settings) -> list[Schedule]:
    def planning(channel: str) -> Schedule:
        return Schedule(
            "plan", channel, settings.loop.plan_every_s, partial(_plan, office, settings, channel)
        )

    return [planning(channel) for channel in sorted(settings.channels)]


async def _plan(office: Office, settings: Settings, channel: str, _at: datetime) -> str:
    made = 0
    for source in settings.sources:
        if source.channel == channel:
            job = await office.desk.create_due_job(source.url, channel, source.every_s)
            made += job is not None
    return f"started {made} jobs"


def _keeping(office: Office, settings: Settings) -> list[Schedule]:
    pool = office.database.pool

    async def drain(_at: datetime) -> str:
        return f"{await outbox.note_silent(pool)} posts fell silent"

    return [Schedule("outbox", "", settings.loop.outbox_every_s, drain)]
