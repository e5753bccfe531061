"""`bookai pause`, `resume`, `cancel`, `postpone`: what an operator holds back or ends."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import click

from bookai.settings import read_settings
from studio.commands._door import operator, run
from studio.desk import StudioDesk
from studio.office import open_office
from tools.base import PauseRow

T = TypeVar("T")

_channel = click.option("--channel", help="Only this channel; without it, the whole studio.")


async def _ask(question: Callable[[StudioDesk], Awaitable[T]]) -> T:
    async with open_office(read_settings()) as office:
        return await question(office.desk)


@click.command(epilog='Example: bookai pause --channel news --reason "the account is checked"')
@_channel
@click.option("--reason", required=True, help="Why; kept in the audit log.")
def pause_command(channel: str | None, reason: str) -> None:
    """Hold back new work, publishing and polling until `bookai resume`, over restarts too."""
    _tell(run(_ask(lambda desk: desk.set_pause(True, channel, reason, operator()))))


@click.command(epilog="Example: bookai resume --channel news")
@_channel
@click.option("--reason", default="", help="Kept in the audit log.")
def resume_command(channel: str | None, reason: str) -> None:
    """Let what was held back go on; a pause of the studio and of a channel end separately."""
    _tell(run(_ask(lambda desk: desk.set_pause(False, channel, reason, operator()))))


@click.command(epilog='Example: bookai cancel 7 --reason "made twice"')
@click.argument("job_id", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why; kept in the audit log.")
def cancel_command(job_id: int, reason: str) -> None:
    """End a job; whoever runs it stops within two seconds, and its approval is void."""
    run(_ask(lambda desk: desk.cancel_job(job_id, reason, operator())))
    click.echo(f"job {job_id} is cancelled")


@click.command(epilog="Example: bookai postpone 7 --until 2026-12-24T18:00+01:00")
@click.argument("job_id", type=click.IntRange(min=1))
@click.option("--until", help="A time with its zone; without it, the job goes on now.")
def postpone_command(job_id: int, until: str | None) -> None:
    """Let a job go on, and so be published, no sooner than a time."""
    at = _moment(until) if until else None
    run(_ask(lambda desk: desk.put_off_job(job_id, at, operator())))
    click.echo(f"job {job_id} goes on {f'at {at:%Y-%m-%d %H:%M %Z}' if at else 'now'}")


def _tell(pauses: tuple[PauseRow, ...]) -> None:
    for one in pauses:
        what = f"channel {one.channel}" if one.channel else "the studio"
        click.echo(f"{what} is paused since {one.paused_at:%Y-%m-%d %H:%M %Z} by {one.paused_by}")
        click.echo(f"  {one.reason}")
    if not pauses:
        click.echo("nothing is paused")


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise click.BadParameter(
            f"{text!r} is no time with a zone, such as 2026-12-24T18:00+01:00.",
            param_hint="--until",
        )
    return at
