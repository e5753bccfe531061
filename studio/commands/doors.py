"""`bookai serve`, `bookai mcp`, `bookai loop`, `bookai worker`: what runs until it is stopped."""

import asyncio
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from bookai.db import tokens
from bookai.db.processes import Kind
from bookai.models import Queue
from bookai.settings import Settings, read_settings
from graphs.queues import QUEUES
from mcp_server.guard import operator_here
from mcp_server.rights.binding import check_address
from mcp_server.server import serve_http, serve_stdio
from studio.commands._door import operator, run
from studio.daemon import Hands, keep_house, proofs_of, work
from studio.office import now, open_office
from studio.rehearsal.home import check_no_rehearsal
from studio.watchdog import watchdog
from studio.watching.door import open_door
from studio.watching.standard import health_of
from studio.wiring import access_of, front_door, open_studio, tool_server

MOST = 16


@contextmanager
def stopping() -> Iterator[asyncio.Event]:
    """Lend an event that SIGTERM and SIGINT set; the old handlers come back afterwards."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        yield stop
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)


_read_only = click.option(
    "--read-only", is_flag=True, help="Offer no MCP tool that changes anything, whatever the right."
)


@click.command(epilog="Examples: bookai serve --port 8931 · bookai serve --read-only")
@click.option("--port", type=click.IntRange(1, 65535), help="Instead of the setting's.")
@_read_only
def serve_command(port: int | None, read_only: bool) -> None:
    """Offer MCP on http://127.0.0.1:PORT/mcp and the approval pages on /approvals."""
    run(_serve(port, read_only), verbose=True)


async def _serve(port: int | None, read_only: bool) -> None:
    settings = _limited(read_settings(), read_only)
    check_no_rehearsal(settings.home)
    if port:
        # Tokens and links are for the port on which they are answered.
        settings = settings.model_copy(update={"http_port": port})
    async with open_office(settings) as office:
        pool = office.database.pool

        async def has_token(resource: str) -> bool:
            return await tokens.is_any_live(pool, resource, now())

        is_local = await check_address(settings.mcp.host, access_of(settings), has_token)
        with stopping() as stop:
            async with (
                open_door(settings, "mcp", health_of(office, "mcp")),
                watchdog(proofs_of(office)),
                asyncio.TaskGroup() as group,
            ):
                group.create_task(
                    serve_http(
                        front_door(office),
                        host=settings.mcp.host,
                        port=settings.http_port,
                        stop=stop,
                        on_ready=_announce,
                        loopback_only=is_local,
                    )
                )
                group.create_task(keep_house(office, stop))


def _limited(settings: Settings, read_only: bool) -> Settings:
    """Return the settings with the flag; it can take away and never give."""
    if not read_only:
        return settings
    return settings.model_copy(update={"mcp": settings.mcp.model_copy(update={"read_only": True})})


def _announce(url: str) -> None:
    pages = url.removesuffix("/mcp") + "/approvals"
    click.echo(f"approval pages at {pages}, MCP at {url}; bookai token create --help", err=True)


@click.command(epilog="Example: bookai mcp   (an MCP client starts this command)")
@_read_only
def mcp_command(read_only: bool) -> None:
    """Offer the tools over MCP on standard input and output, to whoever started this."""
    run(_mcp(read_only))


async def _mcp(read_only: bool) -> None:
    async with open_office(_limited(read_settings(), read_only)) as office:
        await serve_stdio(tool_server(office, operator_here(operator())))


@click.command(epilog="Example: bookai loop --concurrency 1")
@click.option("--concurrency", type=click.IntRange(1, MOST), default=1, show_default=True)
def loop_command(concurrency: int) -> None:
    """Run the studio: poll sources, carry jobs on, seal the audit log, serve metrics."""
    run(_work([Hands(concurrency)], schedule=True), verbose=True)


@click.command(
    epilog="Examples: bookai worker --concurrency 2 · bookai worker --queue render · "
    "bookai worker --queue graph=4 --queue publish"
)
@click.option(
    "--queue",
    "queues",
    multiple=True,
    metavar="NAME[=N]",
    help=f"Serve only this kind of work ({', '.join(QUEUES)}), N runs at once; repeatable.",
)
@click.option("--concurrency", type=click.IntRange(1, MOST), default=1, show_default=True)
def worker_command(queues: tuple[str, ...], concurrency: int) -> None:
    """Carry queued jobs on, without the schedule; as many of these as you like, on any host."""
    run(_work(_hands(queues, concurrency), schedule=False), verbose=True)


def _hands(queues: Sequence[str], concurrency: int) -> list[Hands]:
    """Read `--queue`: those with a number of their own work apart, the others share one."""
    apart, together = list[Hands](), list[Queue]()
    for text in queues:
        name, equals, number = text.partition("=")
        known = [queue for queue in QUEUES if queue == name]
        if not known or (equals and not (number.isdecimal() and 1 <= int(number) <= MOST)):
            raise click.BadParameter(
                f"{text!r} is none of {', '.join(QUEUES)}, nor one of these with =1 to ={MOST}.",
                param_hint="--queue",
            )
        if equals:
            apart.append(Hands(int(number), (known[0],)))
        else:
            together.append(known[0])
    if together or not apart:
        apart.append(Hands(concurrency, tuple(together)))
    return apart


async def _work(hands: Sequence[Hands], *, schedule: bool) -> None:
    settings = read_settings()
    check_no_rehearsal(settings.home)
    kind: Kind = "loop" if schedule else "worker"
    async with open_studio(settings) as house:
        with stopping() as stop:
            async with open_door(settings, kind, health_of(house.office, kind)):
                await work(house, hands, stop, schedule=schedule)
