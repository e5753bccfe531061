"""`bookai results`: what became of posts, of product pages, and of forecasts."""

from datetime import datetime

import click

from bookai.db.results import forecasts, pages, posts
from bookai.db.results.forecasts import Skill
from bookai.db.results.pages import DeadPage
from bookai.db.results.posts import PostResult
from bookai.settings import read_settings
from studio.commands._door import as_json, print_json, print_rows, run
from studio.office import open_office

Found = tuple[tuple[PostResult, ...], tuple[DeadPage, ...], Skill, datetime]


@click.command(epilog="Examples: bookai results · bookai results --channel news --json")
@click.option("--channel", help="Only this channel's posts.")
@click.option(
    "--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="At most so many."
)
@as_json
def results_command(channel: str | None, limit: int, json_: bool) -> None:
    """Show what became of posts, which product pages are gone, and how good forecasts were."""
    results, dead, skill, at = run(_ask(channel, limit))
    if json_:
        print_json(
            {
                "posts": [_plain(one, at) for one in results],
                "dead_pages": [
                    {"name": one.name, "network": one.network, "sku": one.sku, "since": one.since}
                    for one in dead
                ],
                "forecasts": {"scored": skill.scored, "says": str(skill)},
            }
        )
        return
    print_rows(
        results,
        (
            ("job", lambda r: r.job_id),
            ("channel", lambda r: r.channel),
            ("title", lambda r: r.title),
            ("it is", lambda r: r.state),
            ("views", lambda r: r.views),
            ("heard", lambda r: _heard(r, at)),
            ("platform says", lambda r: r.error or r.note),
        ),
        "nothing was published yet",
    )
    for page in dead:
        click.echo(
            f"not offered since {page.since:%Y-%m-%d}: {page.name} ({page.network} {page.sku}), "
            f"its page is gone: {page.error}"
        )
    click.echo(f"forecasts: {skill}")


async def _ask(channel: str | None, limit: int) -> Found:
    async with open_office(read_settings()) as office:
        pool = office.database.pool
        return (
            await posts.list_(pool, channel, limit),
            await pages.dead(pool),
            await forecasts.skill(pool),
            office.clock(),
        )


def _heard(result: PostResult, at: datetime) -> str:
    heard = f"{result.read_at:%Y-%m-%d %H:%M}" if result.read_at else "never"
    return f"{heard}, stale" if result.is_stale(at) else heard


def _plain(result: PostResult, at: datetime) -> dict[str, object]:
    names = (
        *("post_id", "job_id", "channel", "platform", "title", "url", "published_at"),
        *("state", "views", "note", "error", "read_at", "next_at"),
    )
    return {name: getattr(result, name) for name in names} | {"stale": result.is_stale(at)}
