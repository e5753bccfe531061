"""`bookai agents`: everybody on duty, with track record, breaker, load and last beat."""

import click

from bookai.duty import AgentRow
from studio.commands._door import as_json, print_json, print_rows, run
from studio.commands.approvals.listing import at_desk


@click.group(
    invoke_without_command=True,
    epilog="Examples: bookai agents · bookai agents why 7 · bookai agents why 7 --step write",
)
@as_json
@click.pass_context
def agents_command(ctx: click.Context, json_: bool) -> None:
    """List the agents with their track record, as the router sees it, and who is on duty."""
    if ctx.invoked_subcommand is not None:
        return
    rows = run(at_desk(lambda desk: desk.list_agents()))
    if json_:
        print_json(rows)
        return
    print_rows(
        rows,
        (
            ("agent", lambda r: r.name),
            ("can", lambda r: ", ".join(r.capabilities)),
            ("on duty", _duty),
            ("at work", lambda r: f"{r.in_flight} of {r.capacity}" if r.is_alive else None),
            ("breaker", lambda r: r.breaker if r.is_alive else None),
            ("tries", lambda r: r.tries),
            ("success", lambda r: f"{r.success_rate:.0%}" if r.tries else None),
            ("median s", lambda r: f"{r.median_seconds:.1f}" if r.median_seconds else None),
            ("last beat", lambda r: f"{r.last_beat_at:%Y-%m-%d %H:%M:%S}"),
            ("last error", lambda r: r.last_error),
        ),
        "no agent has registered yet: they do when the studio first works",
    )


def _duty(row: AgentRow) -> str:
    if not row.is_alive:
        return "no"
    return row.kind if len(row.places) == 1 else f"{row.kind} in {len(row.places)}"
