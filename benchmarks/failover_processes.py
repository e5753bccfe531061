"""A thousand real steps through real processes that crash, hang, flap and answer garbage.

    python benchmarks/failover_processes.py [--tasks 1000] [--seed 1]

Three hosts of agents are processes of their own; each is well for a moment, then killed (-9) and
started again, frozen, or told to hang, to die in the middle of a step, to fail, or to send back
another job. One slow agent of the studio's own process is always well. Every step goes through the
studio's own crew on a real Postgres, in a folder that is removed afterwards.
"""

import argparse
import asyncio
import logging
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bookai.db.embedded import EmbeddedPostgres  # noqa: E402
from bookai.db.migrate import migrate  # noqa: E402
from bookai.db.pool import open_pool  # noqa: E402
from bookai.house import migrations_dir  # noqa: E402
from graphs import steps  # noqa: E402
from graphs.chain import Limit  # noqa: E402
from tests.studio.hosts import chaos  # noqa: E402

LIMITS = {"write": Limit(2.0, 10.0)}
MIN_OK = 0.99


@contextmanager
def postgres() -> Iterator[tuple[str, Path]]:
    """Lend the app's DSN of a fresh migrated database, and a folder."""
    folder = Path(tempfile.mkdtemp(prefix="bkf-"))
    server = EmbeddedPostgres(folder / "pg")
    folder.chmod(0o711)
    server.start()
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as con:
            # Dropped at the end; a disk that others use at the same time is not what is measured.
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                con.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
            con.execute("SELECT pg_reload_conf()")
        asyncio.run(migrate(server.dsn(), migrations_dir(), server.role_passwords()))
        yield server.app_dsn(), folder
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def measure(dsn: str, folder: Path, tasks: int, seed: int) -> chaos.Tally:
    """Do the steps and count."""
    tally, work = chaos.Tally(), folder / "work"
    work.mkdir()
    async with open_pool(dsn, size=16) as pool:
        async with chaos.troubled(pool, work, Random(seed), tally, calm_s=2.0) as crew:
            done = await chaos.work(crew, tasks, at_once=12, tally=tally)
        await chaos.audit(pool, work, done, tally)
    return tally


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def goal(text: str, met: bool) -> bool:
    """Print whether a goal is met."""
    say(f"goal {'met' if met else 'missed'}: {text}")
    return met


def report(tally: chaos.Tally, tasks: int, took_s: float) -> bool:
    """Print the figures, then the goals; return whether all are met."""
    ranked = sorted(tally.seconds)
    share = tally.elsewhere / max(1, tally.ok)
    say(f"{tasks} steps in {took_s:.0f} s; faults: {dict(tally.faults)}")
    say(f"ended: {tally.ok} done, {dict(tally.errors)} errors, {dict(tally.defects)} defects")
    say(f"attempts: {dict(tally.attempts)}; {share:.0%} of what was done was done elsewhere")
    say(
        f"seconds a step: p50 {statistics.median(ranked):.2f}, "
        f"p99 {ranked[int(len(ranked) * 0.99) - 1]:.2f}, most {ranked[-1]:.2f}"
    )
    say(f"effects asked for again and withheld by their key: {tally.withheld}")
    ended = tally.ok + tally.errors.total()
    goals: Sequence[tuple[str, bool]] = (
        (f"{ended} of {tasks} end in a success or one clear error", ended == tasks),
        (f"{tally.unclear} errors are not one clear line (0)", tally.unclear == 0),
        (f"{len(tally.late)} end past their deadline (0)", not tally.late),
        (f"{tally.twice} have their effect twice (0)", tally.twice == 0),
        (f"{tally.without_effect} are done without their effect (0)", not tally.without_effect),
        (f"{tally.ok / tasks:.1%} succeed (at least {MIN_OK:.0%})", tally.ok >= MIN_OK * tasks),
    )
    told = [goal(text, met) for text, met in goals]
    return all(told)


def main() -> None:
    """Run, and exit 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.ERROR)  # every fault is told, by the thousand
    steps.LIMITS = chaos.LIMITS = LIMITS  # type: ignore[assignment]  # one step only
    with postgres() as (dsn, folder):
        began = time.monotonic()
        tally = asyncio.run(measure(dsn, folder, options.tasks, options.seed))
        took_s = time.monotonic() - began
    sys.exit(0 if report(tally, options.tasks, took_s) else 1)


if __name__ == "__main__":
    main()
