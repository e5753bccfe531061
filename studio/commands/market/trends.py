"""`bookai trends`: what rises in the feeds."""

from functools import partial

import click

from bookai.market import TrendList
from bookai.settings import read_settings
from studio.commands._door import as_json, print_json, print_rows, run
from studio.market.watch import ask_trends
from studio.office import open_office
from tools.market.reading import FRESH_S, read_due
from tools.net.gate import Gate
from tools.sources.intake.feeds import load_feed_at


async def _ask(topic: str | None, hours: int, limit: int, refresh: bool) -> TrendList:
    settings = read_settings()
    feeds = tuple(dict.fromkeys(source.url for source in settings.sources))
    async with open_office(settings) as office:
        if refresh:
            gate = Gate(allow_private=settings.allow_private)
            load = partial(load_feed_at, fetch=gate, home=settings.home)
            await read_due(office.desk, dict.fromkeys(feeds, FRESH_S), load)
        return await ask_trends(office.desk, feeds, topic, hours, limit)


@click.command(epilog="Example: bookai trends 'personal finance' --hours 48 --refresh")
@click.argument("topic", required=False)
@click.option(
    "--hours", type=click.IntRange(1, 720), default=72, show_default=True, help="Not older."
)
@click.option(
    "--limit", type=click.IntRange(1, 50), default=10, show_default=True, help="At most so many."
)
@click.option("--refresh", is_flag=True, help="Read the feeds now; else answer from memory.")
@as_json
def trends_command(topic: str | None, hours: int, limit: int, refresh: bool, json_: bool) -> None:
    """List which stories rise in your feeds, and why; a score forecasts nothing."""
    found = run(_ask(topic, hours, limit, refresh))
    if json_:
        print_json(found)
        return
    print_rows(
        found.trends,
        (
            ("score", lambda r: f"{r.score:.2f}"),
            ("story", lambda r: r.title),
            ("why", lambda r: "; ".join(r.reasons)),
            ("first source", lambda r: r.sources[0].url),
        ),
        "nothing to show",
    )
    click.echo(f"pace: {found.pace}")
    click.echo(f"note: {found.note}")
