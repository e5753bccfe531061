"""What a beat proves, apart from the event loop: the database answers, the worker looks."""

from bookai.db.pool import Pool, open_pool
from bookai.errors import TryLater
from studio.watchdog.beat import Check
from studio.watchdog.pulse import Pulse

SILENT_S = 30.0


def checks_of(pool: Pool, pulse: Pulse) -> dict[str, Check]:
    """Return what each process of the studio proves; one without workers has none to look at."""
    return {"database": database_answers(pool), "worker": fetches(pulse)}


def database_answers(pool: Pool) -> Check:
    """Return the check that Postgres answers through this pool."""

    async def check() -> None:
        await pool.fetchval("SELECT 1")

    return check


def server_answers(dsn: str) -> Check:
    """Return the check that Postgres lets somebody new in and answers."""

    async def check() -> None:
        async with open_pool(dsn, size=1) as pool:
            await pool.fetchval("SELECT 1")

    return check


def fetches(pulse: Pulse, silent_s: float = SILENT_S) -> Check:
    """Return the check that each worker of this process looks for work or has all it can take."""

    async def check() -> None:
        if (silence_s := pulse.silence_s()) > silent_s:
            raise TryLater(f"a worker has not looked for work for {silence_s:.0f} s.")

    return check
