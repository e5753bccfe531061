"""What the loop does: every schedule, from the settings of this moment."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

from bookai.db import outbox
from bookai.settings import Settings, SourceSettings
from studio.autonomy import ladder_tick
from studio.keeping.disk import guard_disk
from studio.keeping.prune import prune
from studio.loop.schedule import Schedule
from studio.market.watch import reading_s, watch_source
from studio.office import Office
from studio.planning.tick import plan_channel
from studio.results.forecasts import recompute
from studio.results.links import refresh_links
from studio.results.stats import read_stats
from tools.net.gate import Gate


def lineup_of(
    office: Office, settings_now: Callable[[], Settings] | None = None
) -> tuple[Schedule, ...]:
    """Return what is wanted now, by the settings of this moment."""
    settings = (settings_now or office.channels.kept)()
    office = replace(office, settings=settings)
    wanted = (
        *_watching(office, settings),
        *_by_channel(office, settings),
        *_keeping(office, settings),
    )
    speed = settings.loop.speed
    if speed == 1:
        return wanted
    return tuple(replace(one, every_s=one.every_s / speed) for one in wanted)


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


def _by_channel(office: Office, settings: Settings) -> Iterator[Schedule]:
    often = settings.loop
    for channel in sorted(settings.channels):
        for name, every_s, run in (
            ("plan", often.plan_every_s, partial(plan_channel, office, channel, settings=settings)),
            ("stats", often.stats_every_s, partial(read_stats, office, channel)),
            ("ladder", often.ladder_every_s, partial(ladder_tick, office, channel)),
        ):
            yield Schedule(name, channel, every_s, run)


def _keeping(office: Office, settings: Settings) -> Iterator[Schedule]:
    often, pool = settings.loop, office.database.pool

    async def drain(_at: datetime) -> str:
        return f"{await outbox.note_silent(pool)} posts fell silent"

    yield Schedule("outbox", "", often.outbox_every_s, drain)
    yield Schedule("links", "", often.links_every_s, partial(refresh_links, office))
    yield Schedule("forecasts", "", often.forecasts_every_s, partial(recompute, office))
    yield Schedule("prune", "", often.prune_every_s, partial(prune, office))
    yield Schedule("disk", "", often.disk_every_s, partial(guard_disk, office))
