"""`bookai approvals`: what waits, one in full, and asking anew for what expired."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from bookai.decisions import RULE
from bookai.settings import read_settings
from studio.commands._door import as_json, operator, print_json, print_rows, run
from studio.desk import StudioDesk
from studio.office import open_office
from tools.base import ApprovalRow

T = TypeVar("T")
STATES = ("pending", "approved", "rejected", "expired", "void")


async def at_desk(question: Callable[[StudioDesk], Awaitable[T]]) -> T:
    """Ask the desk one thing."""
    async with open_office(read_settings()) as office:
        return await question(office.desk)


@click.group(
    invoke_without_command=True,
    epilog="Examples: bookai approvals --state all · bookai approvals show 1",
)
@click.option(
    "--state",
    type=click.Choice((*STATES, "all")),
    default="pending",
    show_default=True,
    help="Only these.",
)
@click.option(
    "--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="At most so many."
)
@as_json
@click.pass_context
def approvals_command(ctx: click.Context, state: str, limit: int, json_: bool) -> None:
    """List what waits for an operator, with where to look at it."""
    if ctx.invoked_subcommand is not None:
        return
    rows = run(at_desk(lambda d: d.list_approvals(None if state == "all" else state, limit)))
    if json_:
        print_json(rows)
        return
    print_rows(
        rows,
        (
            ("approval", lambda r: r.approval_id),
            ("job", lambda r: r.job_id),
            ("channel", lambda r: r.channel),
            ("state", lambda r: r.state),
            ("yes", lambda r: f"{sum(v.approve for v in r.votes)} of {r.needed}"),
            ("title", lambda r: r.title),
            ("expires", lambda r: r.expires_at),
            ("decided by", lambda r: r.decided_by),
            ("video", lambda r: r.video_path),
        ),
        "nothing waits for you",
    )


@approvals_command.command(epilog="Example: bookai approvals show 1")
@click.argument("approval_id", type=click.IntRange(min=1))
@as_json
def show(approval_id: int, json_: bool) -> None:
    """Show one approval in full: the post, who said what, what was edited."""

    async def look(desk: StudioDesk) -> tuple[ApprovalRow, str]:
        row = await desk.get_approval(approval_id)
        return row, await desk.brand_voice_of(row.job_id)

    row, voice = run(at_desk(look))
    if json_:
        print_json({**row.model_dump(mode="json"), "brand_voice": voice})
        return
    for line in _told(row, voice):
        # A title from a feed must not move the cursor or colour the terminal.
        click.echo("".join(c if c.isprintable() else " " for c in line))


@approvals_command.command(epilog="Example: bookai approvals renew 1")
@click.argument("approval_id", type=click.IntRange(min=1))
@as_json
def renew(approval_id: int, json_: bool) -> None:
    """Ask anew for the same post after the time ran out; its video is not made again."""
    row = run(at_desk(lambda desk: desk.renew_approval(approval_id, operator())))
    if json_:
        print_json(row)
        return
    click.echo(f"asked anew as approval {row.approval_id}, until {row.expires_at:%Y-%m-%d %H:%M}")


_KIDS = {None: "not said", True: "yes", False: "no"}


def _told(row: ApprovalRow, voice: str) -> list[str]:
    post = row.post
    flags = ", ".join(name for name, on in post.flags.model_dump().items() if on) or "none"
    lines = [
        f"approval {row.approval_id} of job {row.job_id}, channel {row.channel}: {row.state}",
        f"title:      {post.title}",
        *(f"caption:    {line}" for line in post.caption.split("\n") if line),
        f"hashtags:   {' '.join(post.hashtags) or 'none'}",
        f"target:     {post.platform}/{post.account}",
        f"flags:      {flags}",
        f"visibility: {post.visibility or 'as the platform does by itself'}",
        f"for kids:   {_KIDS[post.made_for_kids]}",
        f"disclosure: {post.disclosure or 'none'}",
        f"offer:      {post.offer_name or 'none'} {post.offer_url or ''}".rstrip(),
        f"voice:      {voice}",
        f"source:     {post.source_credit} {post.source_url}",
        f"video:      {row.video_path}",
        f"digest:     {row.digest}",
        f"expires:    {row.expires_at:%Y-%m-%d %H:%M}",
        f"needed:     {row.needed} yes",
    ]
    if (row.decided_by or "").startswith(RULE):
        lines.append(f"yes:        {row.decided_by}, {row.note}")
    for vote in row.votes:
        lent = f" for {vote.lent_by}" if vote.lent_by else ""
        why = f": {vote.reason}" if vote.reason else ""
        word = "yes" if vote.approve else "no"
        lines.append(f"{word:<12}{vote.by}{lent}, {vote.at:%Y-%m-%d %H:%M} by {vote.via}{why}")
    lines += [f"edited:     {e.field}: {e.before} → {e.after}" for e in row.edits]
    return lines
