"""`bookai serve`, `bookai mcp`, `bookai loop`, `bookai worker`: what runs until it is stopped."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import click

from bookai.settings import read_settings
from mcp_server.guard import operator_here
from mcp_server.server import serve_http, serve_stdio
from studio.commands._door import operator, run
from studio.daemon import keep_house, serve_metrics, work
from studio.wiring import front_door, open_office, open_studio, tool_server


@contextmanager
def _stopping() -> Iterator[asyncio.Event]:
    """Lend an event that SIGTERM and SIGINT set; the old handlers come back afterwards."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        yield stop
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)


@click.command(epilog="Example: bookai serve --port 8931")
@click.option("--port", type=click.IntRange(1, 65535), help="Instead of the setting's.")
def serve_command(port: int | None) -> None:
    """Offer MCP on http://127.0.0.1:PORT/mcp and the approval pages on /approvals."""
    run(_serve(port), verbose=True)


async def _serve(port: int | None) -> None:
    settings = read_settings()
    port = port or settings.http_port
    async with open_office(settings) as office:
        with _stopping() as stop:
            serve_metrics(settings)
            async with asyncio.TaskGroup() as group:
                group.create_task(
                    serve_http(front_door(office), port=port, stop=stop, on_ready=_announce)
                )
                group.create_task(keep_house(office, stop))


def _announce(url: str) -> None:
    pages = url.removesuffix("/mcp") + "/approvals"
    click.echo(f"approval pages at {pages}, MCP at {url}; bookai token create --help", err=True)


@click.command(epilog="Example: bookai mcp   (an MCP client starts this command)")
def mcp_command() -> None:
    """Offer the tools over MCP on standard input and output, to whoever started this."""
    run(_mcp())


async def _mcp() -> None:
    async with open_office(read_settings()) as office:
        await serve_stdio(tool_server(office, operator_here(operator())))


@click.command(epilog="Example: bookai loop --concurrency 1")
@click.option("--concurrency", type=click.IntRange(1, 16), default=1, show_default=True)
def loop_command(concurrency: int) -> None:
    """Run the studio: poll sources, carry jobs on, seal the audit log, serve metrics."""
    run(_work(concurrency, schedule=True), verbose=True)


@click.command(epilog="Example: bookai worker --concurrency 2")
@click.option("--concurrency", type=click.IntRange(1, 16), default=1, show_default=True)
def worker_command(concurrency: int) -> None:
    """Carry queued jobs on, without the schedule; as many of these as you like."""
    run(_work(concurrency, schedule=False), verbose=True)


async def _work(concurrency: int, *, schedule: bool) -> None:
    settings = read_settings()
    async with open_studio(settings) as house:
        with _stopping() as stop:
            serve_metrics(settings)
            await work(house, concurrency, stop, schedule=schedule)
