"""`bookai agents serve`: offer this machine's agents to studios elsewhere."""

import asyncio
import os

import click

from bookai.errors import OperatorNeeded
from bookai.settings import read_settings
from mcp_server.serve import serve_http
from studio.commands._door import run
from studio.commands.doors import stopping
from studio.hosts.desk import build_host
from studio.hosts.door import HostDoor, is_loopback
from studio.hosts.opening import open_agent_host
from studio.watching.door import open_door
from studio.watching.health import Health

TOKEN_ENV = "BOOKAI_HOST_TOKEN"
PORT = 8941


@click.command(
    epilog="Examples: bookai agents serve --only writer · "
    "bookai agents serve --host 10.0.0.7 --port 8941"
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
@click.option("--only", multiple=True, metavar="AGENT", help="Only this agent; repeatable.")
@click.option(
    "--token-env",
    default=TOKEN_ENV,
    show_default=True,
    help="The environment variable that holds the token callers must bring.",
)
def serve(host: str, port: int, only: tuple[str, ...], token_env: str) -> None:
    """Offer agents over MCP on http://HOST:PORT/mcp until stopped.

    Beyond this machine only with a token. Tools are used through BOOKAI_MCP_URL where it is set.
    """
    run(_serve(host, port, only, token_env), verbose=True)


async def _serve(host: str, port: int, only: tuple[str, ...], token_env: str) -> None:
    token = os.environ.get(token_env, "")
    if not token and token_env != TOKEN_ENV:
        raise OperatorNeeded(f"{token_env} is not set.", mend="Set it, or leave --token-env away.")
    settings = read_settings()
    async with open_agent_host(settings, only) as desk:
        door = HostDoor(build_host(desk), host, token)
        with stopping() as stop:
            async with open_door(settings, "agents", Health()), asyncio.TaskGroup() as group:
                group.create_task(
                    serve_http(
                        door,
                        host=host,
                        port=port,
                        stop=stop,
                        on_ready=_announce,
                        loopback_only=is_loopback(host),
                    )
                )


def _announce(url: str) -> None:
    click.echo(f"agents at {url}; name it in a studio's [[agent_hosts]]", err=True)
