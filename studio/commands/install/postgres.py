"""`bookai postgres`: keep the embedded server up, as a service of its own."""

import asyncio
import logging
import signal
from contextlib import suppress

import click

from bookai.db.embedded import EmbeddedPostgres
from bookai.db.pg.home import Home
from bookai.errors import OperatorNeeded, TryLater
from bookai.settings import read_settings
from studio.commands._door import run
from studio.database import make_home
from studio.notify import notify
from studio.watchdog import server_answers, watchdog

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
GONE_AFTER = 3


@click.command(epilog="Example: bookai postgres   (bookai install --with-postgres has it run)")
def postgres_command() -> None:
    """Keep the embedded Postgres up for all processes of the studio, until stopped.

    A stop ends the server, whoever is connected: it belongs to this process's service.
    """
    run(_keep(), verbose=True)


async def _keep() -> None:
    settings = read_settings()
    if settings.dsn:
        raise OperatorNeeded(
            "BOOKAI_DSN names a server, so there is none of ours to keep.",
            mend="Unset it, or do without this command: bookai install without --with-postgres.",
        )
    make_home(settings.home)
    home = Home(settings.postgres_dir)
    with home.keeping():
        await _serve(EmbeddedPostgres(settings.postgres_dir, home))


async def _serve(server: EmbeddedPostgres) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        dsn = await asyncio.to_thread(server.start)
        logger.info("Postgres is up (%s)", server.origin, extra={"action": "postgres_up"})
        async with watchdog({"database": server_answers(dsn)}):
            notify("READY=1")
            await _until_gone(server, stop)
    finally:
        notify("STOPPING=1")
        await asyncio.to_thread(server.stop, for_all=True)


async def _until_gone(server: EmbeddedPostgres, stop: asyncio.Event) -> None:
    """Look until the stop. A server that went away is started anew with the service.

    Raises:
        TryLater: the server does not answer any more.
    """
    missed = 0
    while not stop.is_set():
        missed = 0 if await asyncio.to_thread(server.answers) else missed + 1
        if missed == GONE_AFTER:
            raise TryLater("the embedded Postgres went away; see server.log in its pgdata folder.")
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_S):
                await stop.wait()
