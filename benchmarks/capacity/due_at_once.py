"""How long the loop's leader takes when everything is due at the same moment.

    python -m benchmarks.capacity.due_at_once [--ticks 701] [--runs 3] [--work-ms 0]

As after a night without a leader: so many schedules, half of which wait for others' servers, are
settled as fast as they come. Each tick's own work is a sleep of `--work-ms`, so what is timed is
the leader: claiming the slot, and writing down how it ended. Transactions that write are counted by
their numbers.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bookai.db.embedded import EmbeddedPostgres
from bookai.db.migrate import migrate
from bookai.db.pool import Pool, open_pool
from bookai.house import migrations_dir
from studio.loop.run import Runner
from studio.loop.schedule import Schedule

MONTH_S = 2_592_000.0
LED = "INSERT INTO loop_epochs (holder) VALUES ('bench:1') RETURNING epoch"
OVER = "UPDATE loop_epochs SET ended_at = clock_timestamp() WHERE ended_at IS NULL"
WRITES = "SELECT pg_current_xact_id()::text::bigint"


def now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


async def settle_all(pool: Pool, ticks: int, run: int, work_s: float) -> tuple[float, float, int]:
    """Settle schedules that nobody knew before; return seconds, CPU's, transactions that wrote."""

    async def work(_at: datetime) -> str:
        await asyncio.sleep(work_s)
        return "done"

    await pool.execute(OVER)
    runner = Runner(pool, await pool.fetchval(LED), now)
    names = ("watch", "plan")
    wanted = [Schedule(names[n % 2], f"{run}:{n}", MONTH_S, work) for n in range(ticks)]
    await runner.want(wanted)
    before = await pool.fetchval(WRITES)
    began, cpu_began = time.monotonic(), time.process_time()
    async with asyncio.TaskGroup() as group:
        settled = [group.create_task(runner.settle(one.name, one.scope)) for one in wanted]
    took_s, cpu_s = time.monotonic() - began, time.process_time() - cpu_began
    assert sum(one.result() for one in settled) == ticks
    return took_s, cpu_s, await pool.fetchval(WRITES) - before


async def bench(server: EmbeddedPostgres, ticks: int, runs: int, work_s: float) -> None:
    """Print a line a run."""
    await migrate(server.dsn(), migrations_dir(), server.role_passwords())
    async with open_pool(server.app_dsn(), size=12) as pool:
        for run in range(runs):
            took_s, cpu_s, count = await settle_all(pool, ticks, run, work_s)
            print(
                f"{ticks} ticks in {took_s:.2f} s: {took_s / ticks * 1000:.2f} ms, "
                f"{cpu_s / ticks * 1000:.2f} ms of the leader's processor and "
                f"{count / ticks:.2f} writing transactions a tick"
            )


def main() -> int:
    """Measure on a server of our own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ticks", type=int, default=701)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--work-ms", type=float, default=0.0, help="what a tick itself takes")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
    with tempfile.TemporaryDirectory(prefix="bkb-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o711)
        server = EmbeddedPostgres(home / "pg")
        server.start()
        try:
            asyncio.run(bench(server, options.ticks, options.runs, options.work_ms / 1000))
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
