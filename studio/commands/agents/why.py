"""`bookai agents why`: who did a job's steps, among whom, by which score, and who stood in."""

from typing import get_args

import click

from bookai.models import Capability
from studio.commands._door import as_json, print_json, run
from studio.commands.approvals.listing import at_desk


@click.command(epilog="Examples: bookai agents why 7 · bookai agents why 7 --step write")
@click.argument("job_id", type=int, metavar="JOB")
@click.option("--step", type=click.Choice(get_args(Capability)), help="Only this step.")
@as_json
def why(job_id: int, step: str | None, json_: bool) -> None:
    """Tell why each step of JOB was given to the agent that did it."""
    rows = run(at_desk(lambda desk: desk.explain_choice(job_id, step)))
    if json_:
        print_json(rows)
        return
    if not rows:
        click.echo(f"no agent was asked for {step or 'any step'} of job {job_id} yet")
    for row in rows:
        again = f" (round {row.round + 1})" if row.round else ""
        text = f"{row.started_at:%Y-%m-%d %H:%M:%S}  {row.capability}{again}: {row.words}"
        click.echo("".join(c if c.isprintable() else " " for c in text))
