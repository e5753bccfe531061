"""`bookai outbox`: what is on its way, and what only an operator can settle."""

from collections.abc import Awaitable, Callable
from typing import TypeVar, get_args

import click

from bookai.db import outbox
from bookai.settings import read_settings
from studio.commands._door import as_json, operator, print_json, print_rows, run
from studio.desk import StudioDesk
from studio.office import open_office

T = TypeVar("T")

post_argument = click.argument("post_id", type=click.IntRange(min=1))


async def _at_desk(question: Callable[[StudioDesk], Awaitable[T]]) -> T:
    async with open_office(read_settings()) as office:
        return await question(office.desk)


@click.group(name="outbox", epilog="Example: bookai outbox list --state unknown")
def outbox_command() -> None:
    """See every post on its way; settle what nobody else can know."""


@outbox_command.command("list", epilog="Example: bookai outbox list --state unknown")
@click.option("--state", type=click.Choice(get_args(outbox.State)), help="Only these.")
@click.option(
    "--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="At most so many."
)
@as_json
def list_command(state: outbox.State | None, limit: int, json_: bool) -> None:
    """List posts, newest first, with what is wrong and when they are tried again."""

    async def look(
        desk: StudioDesk,
    ) -> tuple[tuple[outbox.OutboxRow, ...], tuple[outbox.Rest, ...]]:
        return await outbox.list_(desk.pool, state, limit), await outbox.list_rests(desk.pool)

    rows, rests = run(_at_desk(look))
    if json_:
        print_json(rows)
        return
    for one in rests:
        click.echo(
            f"{one.platform}/{one.account} rests until {one.until:%Y-%m-%d %H:%M} UTC: {one.why}"
        )
    print_rows(
        rows,
        (
            ("post", lambda r: r.post_id),
            ("job", lambda r: r.job_id),
            ("platform", lambda r: f"{r.platform}/{r.account}"),
            ("state", lambda r: r.state),
            ("tries", lambda r: r.tries),
            ("next try", lambda r: r.not_before if r.state == "failed" else None),
            ("reason or URL", lambda r: r.reason or r.url),
        ),
        "nothing is on its way",
    )


@outbox_command.command("show", epilog="Example: bookai outbox show 3")
@post_argument
@as_json
def show_command(post_id: int, json_: bool) -> None:
    """Show everything about one post."""
    row = run(_at_desk(lambda desk: outbox.get(desk.pool, post_id)))
    if json_:
        print_json(row)
        return
    for name, value in row.model_dump(mode="json").items():
        if value is not None:
            click.echo(f"{name.replace('_', ' '):<16} {value}")


@outbox_command.command("replay", epilog="Example: bookai outbox replay 3")
@post_argument
@as_json
def replay_command(post_id: int, json_: bool) -> None:
    """Send a dead letter again, once what it died of is mended; its approval must still hold."""
    row = run(_at_desk(lambda desk: desk.replay_post(post_id, operator())))
    _tell(row, f"post {post_id} is armed again, and job {row.job_id} is queued", json_)


@outbox_command.command(
    "resolve", epilog='Example: bookai outbox resolve 3 --not-posted --reason "I looked: nothing"'
)
@post_argument
@click.option("--posted/--not-posted", "is_posted", default=None, help="What you found there.")
@click.option("--id", "external_id", default="", help="With --posted: the platform's own id.")
@click.option("--url", default="", help="With --posted: its address.")
@click.option("--reason", default="", help="With --not-posted: how you know; it is audited.")
@as_json
def resolve_command(  # one option each
    post_id: int, is_posted: bool | None, external_id: str, url: str, reason: str, json_: bool
) -> None:
    """Settle a post of which nobody knows whether it is out: look there first."""
    if is_posted is None:
        raise click.UsageError("say --posted or --not-posted, after you have looked")
    by = operator()
    if is_posted:
        if not external_id or not url or reason:
            raise click.UsageError("--posted needs --id and --url, and no --reason")
        receipt = run(
            _at_desk(lambda d: d.resolve_posted(post_id, by, external_id=external_id, url=url))
        )
        _tell(receipt, f"post {post_id} is out: {url}", json_)
        return
    if not reason or external_id or url:
        raise click.UsageError("--not-posted needs --reason, and neither --id nor --url")
    row = run(_at_desk(lambda desk: desk.resolve_not_posted(post_id, by, reason)))
    _tell(row, f"post {post_id} is not out; job {row.job_id} sends it again", json_)


def _tell(record: object, text: str, json_: bool) -> None:
    if json_:
        print_json(record)
    else:
        click.echo(text)
