"""Commands that only look: jobs, publications, agents, status."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from bookai.settings import read_settings
from studio.commands._door import as_json, print_json, print_rows, run
from studio.desk import StudioDesk
from studio.office import open_office

T = TypeVar("T")
JOB_STATES = ("queued", "running", "waiting", "done", "refused", "failed", "cancelled")

limit_option = click.option(
    "--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="At most so many."
)


async def _look(question: Callable[[StudioDesk], Awaitable[T]]) -> T:
    async with open_office(read_settings()) as office:
        return await question(office.desk)


@click.command(epilog="Example: bookai jobs --status failed")
@click.option("--status", type=click.Choice(JOB_STATES), help="Only these.")
@limit_option
@as_json
def jobs_command(status: str | None, limit: int, json_: bool) -> None:
    """List jobs, newest first."""
    rows = run(_look(lambda desk: desk.list_jobs(status, limit)))
    if json_:
        print_json(rows)
        return
    print_rows(
        rows,
        (
            ("job", lambda r: r.job_id),
            ("status", lambda r: r.status),
            ("stage", lambda r: r.stage),
            ("title or source", lambda r: r.title or r.source),
            ("updated", lambda r: r.updated_at),
            ("reason or URL", lambda r: r.reason or r.url),
        ),
        "no jobs yet: bookai make SOURCE",
    )


@click.command(epilog="Example: bookai publications --json")
@limit_option
@as_json
def publications_command(limit: int, json_: bool) -> None:
    """List posts, newest first."""
    rows = run(_look(lambda desk: desk.list_publications(limit)))
    if json_:
        print_json(rows)
        return
    print_rows(
        rows,
        (
            ("post", lambda r: r.post_id),
            ("job", lambda r: r.job_id),
            ("platform", lambda r: f"{r.platform}/{r.account}"),
            ("state", lambda r: r.state),
            ("title", lambda r: r.title),
            ("published", lambda r: r.published_at),
            ("URL or reason", lambda r: r.url or r.reason),
        ),
        "nothing is published yet",
    )


@click.command(epilog="Example: bookai status")
@as_json
def status_command(json_: bool) -> None:
    """Show the studio at a glance."""
    status = run(_look(lambda desk: desk.status()))
    if json_:
        print_json(status)
        return
    counts = ", ".join(f"{n} {name}" for name, n in sorted(status.jobs.items())) or "none"
    click.echo(f"BookAI Studio {status.version} in {status.home}")
    for one in status.paused:
        what = f"channel {one.channel}" if one.channel else "everything"
        click.echo(f"PAUSED:     {what}, by {one.paused_by}: {one.reason}")
    click.echo(f"jobs:       {counts}")
    click.echo(f"approvals:  {status.approvals_pending} pending")
    click.echo(f"published:  {status.published}")
    click.echo(f"audit:      {status.audit_events} events, {status.audit_unsealed} not sealed yet")
    click.echo(f"writer:     {status.writer}")
