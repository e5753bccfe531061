"""`bookai audit tail` and `search`: read the log."""

import asyncio
from datetime import datetime

import click

from bookai.db import audit
from bookai.settings import read_settings
from studio.commands._door import as_json, run
from studio.commands.trail.options import between, echo_event, narrowing
from studio.office import open_office

FOLLOW_S = 0.5

limited = click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)


@click.command(epilog="Example: bookai audit tail --job 3 --follow")
@narrowing
@limited
@click.option("--follow", is_flag=True, help="Keep printing new events; stop with Ctrl-C.")
@as_json
def tail(
    kind: str | None,
    actor: str | None,
    job_id: int | None,
    limit: int,
    follow: bool,
    json_: bool,
) -> None:
    """Print the latest events, oldest of them first.

    --follow prints each new event once and misses none: an event comes when no transaction that
    began before it is open any more, since a long one may commit an earlier id late.
    """
    run(_tail(audit.Wanted(kind, actor, job_id), limit, follow=follow, json_=json_))


async def _tail(wanted: audit.Wanted, limit: int, *, follow: bool, json_: bool) -> None:
    async with open_office(read_settings()) as office:
        async for events in audit.follow(office.database.pool, wanted, limit):
            for event in events:
                echo_event(event, json_=json_)
            if not follow:
                return
            if len(events) == 0:
                await asyncio.sleep(FOLLOW_S)


@click.command(epilog="Example: bookai audit search --actor operator:anna --since 2026-11-01")
@narrowing
@between
@limited
@as_json
def search(  # noqa: PLR0913  # a command's options are its parameters
    kind: str | None,
    actor: str | None,
    job_id: int | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    json_: bool,
) -> None:
    """Find events by kind, actor, job and time; newest first."""
    for event in run(_search(audit.Wanted(kind, actor, job_id), since, until, limit)):
        echo_event(event, json_=json_)


async def _search(
    wanted: audit.Wanted, since: datetime | None, until: datetime | None, limit: int
) -> tuple[audit.Event, ...]:
    async with open_office(read_settings()) as office:
        return await audit.search(
            office.database.pool,
            kind=wanted.kind,
            actor=wanted.actor,
            job_id=wanted.job_id,
            since=since,
            until=until,
            limit=limit,
        )
