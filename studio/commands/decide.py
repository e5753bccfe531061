"""`bookai approve` and `bookai reject`: the operator's word."""

import click

from bookai.db import jobs
from bookai.errors import BookAIError
from bookai.settings import read_settings
from studio.commands._door import as_json, operator, print_json, run
from studio.commands.make import display
from studio.database import seal_audit
from studio.foreground import carry
from studio.wiring import open_studio
from tools.base import JobRow

ENDED = frozenset(jobs.ENDED)


@click.command(epilog='Example: bookai approve 1 --note "good hook"')
@click.argument("approval_id", type=click.IntRange(min=1))
@click.option("--note", default="", help="Kept in the audit log.")
@as_json
def approve_command(approval_id: int, note: str, json_: bool) -> None:
    """Approve what APPROVAL_ID shows, exactly these bytes, and publish it."""
    job = run(_decide(approval_id, approve=True, reason=note, quiet=json_))
    if json_:
        print_json(job)
    if job.status != "done" and not job.url:
        raise BookAIError(f"approved, but not published: {job.reason or job.status}")
    if not json_:
        click.echo(f"approved by {operator()} and published:\n{job.url}")


@click.command(epilog='Example: bookai reject 2 --reason "the number is last year\'s"')
@click.argument("approval_id", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why not; the audit log keeps it.")
@as_json
def reject_command(approval_id: int, reason: str, json_: bool) -> None:
    """Reject what APPROVAL_ID shows; nothing is published."""
    job = run(_decide(approval_id, approve=False, reason=reason, quiet=json_))
    if json_:
        print_json(job)
    else:
        click.echo(f"rejected by {operator()}; job {job.job_id} is {job.status}")


async def _decide(approval_id: int, *, approve: bool, reason: str, quiet: bool) -> JobRow:
    settings = read_settings()
    async with open_studio(settings) as house:
        office = house.office
        decided = await office.desk.decide_approval(approval_id, approve, reason, operator())
        with display(quiet) as watch:
            await carry(
                office.engine,
                house.production.advance,
                office.database.pool,
                decided.job_id,
                ENDED,
                watch,
            )
        await seal_audit(office.database, settings)
        return (await office.desk.get_job(decided.job_id)).job
