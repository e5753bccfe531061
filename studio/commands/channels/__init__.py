"""`bookai channels`: what each channel is, whether its passport holds, and changing it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from bookai.errors import BookAIError
from bookai.settings import check_settings, read_settings
from studio.channels.findings import look_through
from studio.channels.values import from_pairs
from studio.commands._door import as_json, operator, print_json, print_rows, run
from studio.desk import StudioDesk
from studio.office import open_office
from tools.lists.channels import ChannelChange, ChannelDetail

T = TypeVar("T")


async def _at_desk(question: Callable[[StudioDesk], Awaitable[T]]) -> T:
    async with open_office(read_settings()) as office:
        return await question(office.desk)


@click.group(
    invoke_without_command=True,
    epilog="Examples: bookai channels show news · bookai channels set news seconds=30",
)
@as_json
@click.pass_context
def channels_command(ctx: click.Context, json_: bool) -> None:
    """List channels: where their videos go, how often, how far they run alone."""
    if ctx.invoked_subcommand is not None:
        return
    rows = run(_at_desk(lambda desk: desk.list_channels()))
    if json_:
        print_json(rows)
        return
    print_rows(
        rows,
        (
            ("channel", lambda r: r.name),
            ("target", lambda r: f"{r.platform}/{r.account}"),
            ("language", lambda r: r.language),
            ("cadence", lambda r: r.cadence),
            ("zone", lambda r: r.time_zone),
            ("a day", lambda r: r.posts_per_day),
            ("standing", lambda r: r.standing),
            ("runs alone", lambda r: r.runs_alone),
            ("paused", lambda r: r.paused or "no"),
        ),
        "there is no channel",
    )


@channels_command.command(epilog="Example: bookai channels show news")
@click.argument("name")
@as_json
def show(name: str, json_: bool) -> None:
    """Show one channel's whole passport, what is not in the file included."""
    detail: ChannelDetail = run(_at_desk(lambda desk: desk.get_channel(name)))
    if json_:
        print_json(detail)
        return
    paused = f", paused: {detail.channel.paused}" if detail.channel.paused else ""
    click.echo(f"channel {name}{paused}")
    for key, value in _flat(detail.passport):
        click.echo(f"  {key:<26}{_plain(value)}")


@channels_command.command(epilog="Example: bookai channels check draft.toml")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False))
def check(file: str | None) -> None:
    """Check the studio's file, or another, without touching anything; fails when it is wrong."""
    toml = Path(file).absolute() if file else read_settings().home / "studio.toml"
    text = toml.read_text(encoding="utf-8") if toml.is_file() else ""
    settings = check_settings(text, toml)
    found = look_through(settings, text)
    for one in found:
        at = f"{toml}:{one.line}" if one.line else str(toml)
        click.echo(f"{one.level}: {at}: {one.key}: {one.what}")
    failed = sum(one.level == "fail" for one in found)
    names = ", ".join(sorted(settings.channels))
    click.echo(f"{len(settings.channels)} channels: {names}")
    if failed:
        raise BookAIError(f"{failed} to mend (see above).")


@channels_command.command(
    name="set",
    epilog="Example: bookai channels set news seconds=30 cadence.times=09:30,18:00 visibility=",
)
@click.argument("name")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE …")
@as_json
def set_(name: str, changes: tuple[str, ...], json_: bool) -> None:
    """Change keys of a channel in studio.toml; KEY= takes one away. Comments stay."""
    values = from_pairs(changes)
    _tell(run(_at_desk(lambda desk: desk.change_channel(name, values, operator()))), json_)


@channels_command.command(
    epilog="Example: bookai channels add news platform=youtube account=UCx standing=private_only"
)
@click.argument("name")
@click.argument("values", nargs=-1, metavar="[KEY=VALUE …]")
@as_json
def add(name: str, values: tuple[str, ...], json_: bool) -> None:
    """Add a channel to studio.toml; a running studio sees it at once."""
    given = from_pairs(values)
    _tell(run(_at_desk(lambda desk: desk.change_channel(name, given, operator(), add=True))), json_)


def _tell(done: ChannelChange, json_: bool) -> None:
    if json_:
        print_json(done)
        return
    if done.added:
        click.echo(f"channel {done.channel} is there")
    elif not done.changed:
        click.echo(f"channel {done.channel} was so already")
    told = dict(_flat(done.passport))
    for key in () if done.added else done.changed:
        click.echo(f"  {key} = {_plain(told.get(key))}")


def _flat(values: object, at: str = "") -> list[tuple[str, object]]:
    if not isinstance(values, dict):
        return [(at, values)]
    inner = ((f"{at}.{key}" if at else str(key), value) for key, value in values.items())
    return [pair for key, value in inner for pair in _flat(value, key)]


def _plain(value: object) -> str:
    if value is None or value in ("", [], ()):
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "".join(char if char.isprintable() else " " for char in text)
