"""`bookai autonomy`: the ladder of each channel, and what an operator does about it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from bookai.decisions import Rung
from bookai.settings import read_settings
from studio import autonomy
from studio.commands._door import as_json, operator, print_json, print_rows, run
from studio.office import Office, open_office

T = TypeVar("T")

_reason = click.option("--reason", required=True, help="Why; kept in the audit log.")


async def _at_office(question: Callable[[Office], Awaitable[T]]) -> T:
    async with open_office(read_settings()) as office:
        return await question(office)


@click.group(invoke_without_command=True, epilog="Example: bookai autonomy grant news")
@as_json
@click.pass_context
def autonomy_command(ctx: click.Context, json_: bool) -> None:
    """Show what each channel may do alone, how far it has come, and why."""
    if ctx.invoked_subcommand is not None:
        return
    rows = run(_at_office(autonomy.ladder_of))
    if json_:
        print_json([one.model_dump(mode="json") for one in rows])
        return
    print_rows(
        rows,
        (
            ("channel", lambda r: r.channel),
            ("level", lambda r: r.level),
            ("unedited in a row", lambda r: f"{r.in_a_row} of {r.after}" if r.after else "-"),
            ("today", lambda r: f"{r.used_today} of {r.per_day}" if r.granted else "-"),
            ("granted by", lambda r: r.granted_by or "-"),
            ("changed", lambda r: r.changed_at),
            ("why", lambda r: r.why),
        ),
        "there is no channel",
    )


@autonomy_command.command(epilog="Example: bookai autonomy grant news")
@click.argument("channel")
@as_json
def grant(channel: str, json_: bool) -> None:
    """Put the rule of a channel's passport in force, in your name; its row begins anew."""
    rung = run(_at_office(lambda office: autonomy.grant(office, channel, operator())))
    if json_:
        print_json(rung)
        return
    click.echo(_granted(rung))


@autonomy_command.command(epilog='Example: bookai autonomy lock news --reason "a new editor"')
@click.argument("channel")
@_reason
def lock(channel: str, reason: str) -> None:
    """Take a channel's autonomy away until it is granted anew."""
    done = run(_at_office(lambda office: autonomy.lock(office, channel, reason, operator())))
    click.echo(_fallen(channel, done))


@autonomy_command.command(epilog='Example: bookai autonomy strike news --reason "a complaint"')
@click.argument("channel")
@_reason
def strike(channel: str, reason: str) -> None:
    """Record that a platform punished a channel; it is locked until it is granted anew."""
    done = run(_at_office(lambda office: autonomy.strike(office, channel, reason, operator())))
    click.echo(_fallen(channel, done))


def _granted(rung: Rung) -> str:
    return (
        f"granted: after {rung.after} unedited approvals in a row the studio approves up to "
        f"{rung.per_day} a day on {rung.channel} by itself; one no ends that"
    )


def _fallen(channel: str, done: bool) -> str:
    if not done:
        return f"{channel} had nothing to lose: no rule is granted; it is noted in the audit log"
    return (
        f"{channel} is locked; what it approved by rule and has not sent goes out no more "
        f"(ask a person: bookai approvals renew ID). To begin anew: bookai autonomy grant {channel}"
    )
