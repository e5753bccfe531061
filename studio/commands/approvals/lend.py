"""`bookai link` and `bookai delegate`: letting somebody else answer."""

from datetime import timedelta

import click

from bookai.settings import read_settings
from studio.commands._door import as_json, operator, print_json, print_rows, run
from studio.commands.approvals.listing import at_desk
from studio.office import open_office


@click.command(epilog="Example: bookai link 1 --for operator:anna --hours 24")
@click.argument("approval_id", type=click.IntRange(min=1))
@click.option("--for", "for_operator", required=True, metavar="OPERATOR", help="operator:NAME")
@click.option("--hours", type=click.IntRange(1, 14 * 24), default=24, show_default=True)
@as_json
def link_command(approval_id: int, for_operator: str, hours: int, json_: bool) -> None:
    """Print a link with which one operator can answer one approval, once, without signing in.

    Whoever holds it can answer in that name: send it by a way that only that person reads.
    """

    async def work() -> str:
        settings = read_settings()
        async with open_office(settings) as office:
            token = await office.desk.create_link(
                approval_id, for_operator, timedelta(hours=hours), operator()
            )
            return f"{settings.web_url}/a/{token}"

    url = run(work())
    if json_:
        print_json({"approval_id": approval_id, "operator": for_operator, "url": url})
        return
    click.echo(url)
    click.echo(f"shown this once; it decides as {for_operator}", err=True)


@click.group(epilog="Example: bookai delegate list")
def delegate_command() -> None:
    """Lend your right to approve on a channel: to one person, so often, until then."""


@delegate_command.command(
    epilog="Example: bookai delegate create --channel news --to operator:bob --cap 5 --days 7"
)
@click.option("--channel", default="default", show_default=True)
@click.option("--to", "delegate", required=True, metavar="OPERATOR", help="operator:NAME")
@click.option("--cap", type=click.IntRange(1, 1000), required=True, help="So many approvals.")
@click.option("--days", type=click.IntRange(1, 366), required=True, help="It ends by itself.")
@as_json
def create(channel: str, delegate: str, cap: int, days: int, json_: bool) -> None:
    """Lend your right; an agent can have none, and nobody can lend on what is lent to him."""
    row = run(
        at_desk(
            lambda desk: desk.create_delegation(
                channel, delegate, cap, timedelta(days=days), operator()
            )
        )
    )
    if json_:
        print_json(row)
        return
    click.echo(
        f"delegation {row.delegation_id}: {row.delegate} may approve on {row.channel} for "
        f"{row.lender}, {row.cap} times, until {row.ends_at:%Y-%m-%d %H:%M}"
    )


@delegate_command.command("list", epilog="Example: bookai delegate list")
@as_json
def list_delegations(json_: bool) -> None:
    """List what is lent, and what is left of it."""
    rows = run(at_desk(lambda desk: desk.list_delegations()))
    if json_:
        print_json(rows)
        return
    print_rows(
        rows,
        (
            ("delegation", lambda r: r.delegation_id),
            ("channel", lambda r: r.channel),
            ("from", lambda r: r.lender),
            ("to", lambda r: r.delegate),
            ("used", lambda r: f"{r.used} of {r.cap}"),
            ("ends", lambda r: r.ends_at),
            ("state", lambda r: r.state),
        ),
        "nothing is lent: bookai delegate create",
    )


@delegate_command.command(epilog="Example: bookai delegate revoke 1")
@click.argument("delegation_id", type=click.IntRange(min=1))
@as_json
def revoke(delegation_id: int, json_: bool) -> None:
    """Take a lent right back at once."""
    row = run(at_desk(lambda desk: desk.revoke_delegation(delegation_id, operator())))
    if json_:
        print_json(row)
        return
    click.echo(f"revoked: {row.delegate} approves on {row.channel} no more")
