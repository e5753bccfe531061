"""How many audit events a second, beside the same rows without evidence: `make bench`.

Goals on two cores with the embedded Postgres, fsync on, the sealer running all the while:
5,000 events/s at 64 who append at once, 20,000/s at 1,000 who wait or in batches, the sealer never
more than 1 s behind, 30,000 events/s fully verified. The baseline of each line is a plain INSERT of
the same rows into a table without indexes beyond its key, by as many writers in the same run.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bookai.db import audit
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.migrate import migrate
from bookai.db.pool import Pool, open_pool
from bookai.db.seal.files import open_keys
from bookai.db.seal.sealer import seal
from bookai.db.seal.verify import verify
from bookai.house import migrations_dir
from bookai.metrics import AUDIT_LAG
from studio.daemon import SEAL_EVERY_S

BODY: dict[str, object] = {
    "agent": "writer",
    "job_id": 17,
    "ms": 1432,
    "ok": True,
    "tool": "read_article",
    "url": "https://example.org/articles/2026/the-leap-second-goes.html",
    "words": {"in": 812, "out": 377},
}
BATCH = 100
POOL = 8
APPEND_64, APPEND_1000, LAG_S, VERIFY = 5_000, 20_000, 1.0, 30_000
CREATE_PLAIN = """
CREATE TABLE plain (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL, actor text NOT NULL, job_id bigint, body text NOT NULL
);
GRANT INSERT ON plain TO bookai_app;
"""
INSERT_PLAIN = "INSERT INTO plain (kind, actor, job_id, body) VALUES ($1, $2, $3, $4)"
INSERT_PLAIN_MANY = """
INSERT INTO plain (kind, actor, job_id, body)
SELECT kind, actor, job_id, body
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS e (kind, actor, job_id, body)
"""

Write = Callable[[], Awaitable[int]]


@dataclass
class Results:
    """Events a second by the name of the line, a list of all runs each."""

    rates: dict[str, list[float]] = field(default_factory=dict)
    lags_s: list[float] = field(default_factory=list)

    def add(self, name: str, rate: float) -> None:
        self.rates.setdefault(name, []).append(rate)

    def median(self, name: str) -> float:
        return statistics.median(self.rates[name])


async def rate(writers: int, seconds: float, write: Write) -> float:
    """Return events a second that `writers` who never pause get written."""
    done = 0
    started = time.monotonic()
    end = started + seconds

    async def work() -> None:
        nonlocal done
        while time.monotonic() < end:
            count = await write()
            done += count

    async with asyncio.TaskGroup() as tasks:
        for _ in range(writers):
            tasks.create_task(work())
    return done / (time.monotonic() - started)


async def keep_sealed(dsn: str, home: Path) -> None:
    """Seal as the studio's daemon does until standard input ends; then tell all lags as JSON.

    A process of its own, as `bookai loop` is beside `bookai serve`.
    """
    keys, notes = open_keys(home / "signing.key", home / "signing.pub"), home / "notes"
    stop, lags_s = asyncio.Event(), []
    reader = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    reader.add_done_callback(lambda _: stop.set())
    async with open_pool(dsn, size=2) as pool:
        print("ready", flush=True)
        while not stop.is_set():
            if await seal(pool, keys, notes):
                lags_s.append(AUDIT_LAG._value.get())
            with suppress(TimeoutError):
                async with asyncio.timeout(SEAL_EVERY_S):
                    await stop.wait()
        await seal(pool, keys, notes)
    print(json.dumps(lags_s))


@asynccontextmanager
async def sealing(dsn: str, home: Path, lags_s: list[float]) -> AsyncIterator[None]:
    """Run the sealer beside the block and collect how far behind it was."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        "--seal",
        str(home),
        env={**os.environ, "BENCH_DSN": dsn},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield
    finally:
        process.stdin.close()
        lags_s += json.loads(await process.stdout.readline())
        await process.wait()


async def once(pool: Pool, dsn: str, home: Path, seconds: float, results: Results) -> None:
    text = audit.canonical(BODY)
    events = [audit.NewEvent("tool.called", "agent:writer", BODY)] * BATCH
    columns = [["tool.called"] * BATCH, ["agent:writer"] * BATCH, [17] * BATCH, [text] * BATCH]

    async def plain() -> int:
        await pool.execute(INSERT_PLAIN, "tool.called", "agent:writer", 17, text)
        return 1

    async def plain_many() -> int:
        await pool.execute(INSERT_PLAIN_MANY, *columns)
        return BATCH

    async def one() -> int:
        await audit.append(pool, "tool.called", "agent:writer", BODY)
        return 1

    async def many() -> int:
        return len(await audit.append_many(pool, events))

    for writers in (1, 8, 32, 64, 1000):
        results.add(f"plain {writers}", await rate(writers, seconds, plain))
    results.add("plain batches", await rate(POOL, seconds, plain_many))
    async with audit.open_appender(pool) as appender, sealing(dsn, home, results.lags_s):

        async def traced() -> int:
            await appender.append("tool.called", "agent:writer", BODY)
            return 1

        for writers in (1, 8, 32, 64):
            results.add(f"in its transaction {writers}", await rate(writers, seconds, one))
        for writers in (1, 8, 32, 64, 1000):
            results.add(f"appender {writers}", await rate(writers, seconds, traced))
        results.add("batches of 100", await rate(POOL, seconds, many))


async def bench(server: EmbeddedPostgres, home: Path, runs: int, seconds: float) -> Results:
    await migrate(server.dsn(), migrations_dir(), server.role_passwords())
    keys, notes = open_keys(home / "signing.key", home / "signing.pub"), home / "notes"
    results = Results()
    async with open_pool(server.dsn(), size=1) as owner:
        await owner.execute(CREATE_PLAIN)
    async with open_pool(server.app_dsn(), size=POOL + 1) as pool:
        for number in range(runs):
            started, used = time.monotonic(), time.process_time()
            await once(pool, server.app_dsn(), home, seconds, results)
            share = (time.process_time() - used) / (time.monotonic() - started)
            print(
                f"run {number + 1} of {runs}: load {os.getloadavg()[0]:.1f}, "
                f"this process had {share:.0%} of a core",
                flush=True,
            )
        for _ in range(runs):
            started = time.monotonic()
            report = await verify(pool, keys.verifier, notes)
            if not report.ok:
                raise SystemExit(f"the log does not verify: {report.problems[0]}")
            results.add("verified", report.sealed / (time.monotonic() - started))
        print(f"{report.sealed} events, {report.checkpoints} checkpoints")
    return results


def tell(results: Results) -> None:
    pairs = [(f"in its transaction {n}", f"plain {n}") for n in (1, 8, 32, 64)]
    pairs += [(f"appender {n}", f"plain {n}") for n in (1, 8, 32, 64, 1000)]
    pairs += [("batches of 100", "plain batches")]
    print(f"{'':24}{'events/s':>10}{'plain':>10}{'ratio':>8}")
    for name, base in pairs:
        got, plain = results.median(name), results.median(base)
        print(f"{name:24}{got:10,.0f}{plain:10,.0f}{got / plain:8.2f}")
    lag_s = max(results.lags_s)
    verified = results.median("verified")
    print(f"sealer behind at most {lag_s:.2f} s, median {statistics.median(results.lags_s):.2f} s")
    print(f"verified {verified:,.0f} events/s")
    goals = [
        ("64 appenders", results.median("appender 64"), APPEND_64),
        ("1,000 waiters", results.median("appender 1000"), APPEND_1000),
        ("batches", results.median("batches of 100"), APPEND_1000),
        ("verification", verified, VERIFY),
    ]
    for name, got, goal in goals:
        met = "met" if got >= goal else "missed"
        print(f"goal {met}: {name} {got:,.0f} events/s (goal {goal:,})")
    met = "met" if lag_s <= LAG_S else "missed"
    print(f"goal {met}: sealer behind at most {lag_s:.2f} s (goal {LAG_S:.0f} s)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seal", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each line runs")
    arguments = parser.parse_args()
    if arguments.seal:
        asyncio.run(keep_sealed(os.environ["BENCH_DSN"], arguments.seal))
        return 0
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
    with tempfile.TemporaryDirectory(prefix="bkb-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o711)
        server = EmbeddedPostgres(home / "pg")
        server.start()
        try:
            results = asyncio.run(bench(server, home, arguments.runs, arguments.seconds))
        finally:
            server.stop()
    tell(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
