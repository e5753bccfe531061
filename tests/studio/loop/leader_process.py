"""A process that waits for the lead of the loop, for tests that kill and freeze it.

    python leader_process.py '{"dsn": …, "silent_s": 2}'

It prints "waits" when it is there, "leads EPOCH" when it leads and "lost" when it does no more; it
writes an audit event `test.tick` for each slot of one schedule of a fifth of a second.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime

from bookai.db import audit, loop
from bookai.db import pool as pools
from bookai.db.pool import DATABASE_ERRORS, open_pool
from bookai.errors import BookAIError
from studio.loop.run import Runner
from studio.loop.schedule import Schedule


def now() -> datetime:
    return datetime.now(UTC)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def main(options: dict[str, str]) -> None:
    dsn = options["dsn"]
    # Frozen in the middle of a transaction it keeps its rows until the server ends that.
    pools.IDLE_S = float(options.get("idle_s", pools.IDLE_S))
    async with open_pool(dsn, size=2) as pool:

        async def note(_at: datetime) -> str:
            async with audit.transaction(pool) as con:
                await audit.append(con, "test.tick", "studio", {})
            return "noted"

        say("waits")
        try:
            silent_s = float(options.get("silent_s", 20))
            async with loop.lead(dsn, pool, "test:1", wait_s=0.1, silent_s=silent_s) as epoch:
                say(f"leads {epoch}")
                runner = Runner(pool, epoch, now)
                await runner.want([Schedule("watch", "a", 0.2, note)])
                await runner.take_up()
                while True:
                    await loop.beat(pool, epoch)
                    await runner.run_due(now())
                    await pool.fetchval("SELECT pg_sleep(0.05)")
        except (BookAIError, *DATABASE_ERRORS) as error:
            say(f"lost {error}")


asyncio.run(main(json.loads(sys.argv[1])))
