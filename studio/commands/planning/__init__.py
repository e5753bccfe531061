"""`bookai plan`: a channel's calendar, what limits it, and what would start now."""

import click

from bookai.running.plans import PlanView
from bookai.settings import read_settings
from studio.commands._door import as_json, print_json, print_rows, run
from studio.office import open_office
from studio.planning.looking import Looker

MOST_CHANNELS = 500


async def _look(channel: str | None, days: int) -> tuple[PlanView, ...]:
    settings = read_settings()
    if channel is not None:
        settings.channel(channel)  # says which there are, before a database is opened
    async with open_office(settings) as office:
        looker, at = Looker(office.desk, settings), office.clock()
        if channel is not None:
            return (await looker.see(channel, at, days),)
        return await looker.see_all(at, days, MOST_CHANNELS)


@click.command(epilog="Example: bookai plan news --days 7")
@click.argument("channel", required=False)
@click.option(
    "--days",
    type=click.IntRange(1, 31),
    default=2,
    show_default=True,
    help="So many days, today the first, in the channel's time zone.",
)
@as_json
def plan_command(channel: str | None, days: int, json_: bool) -> None:
    """Show when CHANNEL, or every channel, publishes what, and why it makes no more.

    Nothing is changed: the loop starts videos, `bookai loop`.
    """
    found = run(_look(channel, days))
    if json_:
        print_json(found)
        return
    for one in found:
        _print(one)
    if not found:
        click.echo("no channel has slots: set cadence.times in its [channels.NAME]")


def _print(one: PlanView) -> None:
    click.echo(f"{one.channel} ({one.time_zone}): {one.told}")
    if one.limits:
        print_rows(
            one.limits,
            (
                ("", lambda r: "→" if r.name == one.bound else ""),
                ("limit", lambda r: r.name),
                ("left", lambda r: r.left),
                ("", lambda r: r.told),
            ),
            "",
        )
        click.echo()
    print_rows(
        one.slots,
        (
            ("slot", lambda r: r.local),
            ("state", lambda r: r.state),
            ("job", lambda r: r.job_id),
            ("approval", lambda r: r.approval_id),
            ("story", lambda r: r.url or r.title),
        ),
        "no slots in these days",
    )
    click.echo()
