"""How much one studio carries: 500 feeds, 10,000 products, 200 channels, 10,000 jobs a day.

    python -m benchmarks.capacity [--rates 1,5,10,20] [--seconds 90] [--days 30] [--page FILE]

The real loop, planner, queue, graph, outbox and audit log on a real Postgres, in processes of their
own; voice, render and check are stand-ins that wait as long as the real ones take. Rate 5 is five
times everything: cadences, stories and jobs. Rates rise until one breaks, and the last lines say
what broke; a rate at which fewer than 50 jobs were due has no verdict (exit code 2). The database
begins with the jobs and ticks of `--days` days.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from benchmarks.capacity.crowd import Size, settings_text
from benchmarks.capacity.figures import put_into
from benchmarks.capacity.history import fill
from benchmarks.capacity.load import Load, Stage, measure, report
from benchmarks.unattended import home, stubs
from benchmarks.unattended.feeds import open_feeds

WORKERS = 2
HANDS = 16


def run(size: Size, rate: float, days: int, seconds: float) -> Load:
    """Measure one rate in a fresh home."""
    with ExitStack() as stack:
        folder = stack.enter_context(home.short_folder(None))
        feeds = stack.enter_context(open_feeds(size.story_every_s / rate))
        home.write_settings(folder, settings_text(size, feeds, rate))
        stubs.make_film(folder)
        server = home.Server(folder)
        server.postgres.start()
        stack.callback(server.postgres.stop)
        asyncio.run(fill(server.postgres, size, feeds, rate, days))
        environment = home.environment_of(folder, speed=rate, with_stubs=True, port=0)
        loop = home.Unit("loop", ("loop",), environment, folder / "loop.log")
        workers = [
            home.Unit(
                f"worker-{number}",
                ("worker", "--concurrency", str(HANDS)),
                environment,
                folder / f"worker-{number}.log",
            )
            for number in range(WORKERS)
        ]
        for unit in (loop, *workers):
            unit.start()
            stack.callback(unit.stop)
        return measure(Stage(folder, server, loop, workers), size, rate, seconds)


def main() -> int:
    """Run each rate and print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rates", default="1,5,10,20")
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--days", type=int, default=30, help="how much history there is")
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument("--channels", type=int, default=200)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=10_000, help="a day, at rate 1")
    parser.add_argument("--json", type=Path, help="write everything measured into this file")
    parser.add_argument("--page", type=Path, help="put the figures between this page's marks")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the processes are ended on the way
    size = Size(options.feeds, options.channels, options.products, options.jobs)
    loads = []
    for rate in (float(one) for one in options.rates.split(",")):
        began = time.monotonic()
        load = run(size, rate, options.days, options.seconds)
        loads.append(load)
        print(report(load), f"(took {time.monotonic() - began:.0f} s)\n", flush=True)
        if options.json:
            options.json.write_text(json.dumps([asdict(one) for one in loads], indent=1))
        if options.page:
            put_into(options.page, loads, options.days)
        if load.broken:
            break
    if not loads or loads[0].broken:
        return 1
    return 0 if all(one.is_told for one in loads) else 2


if __name__ == "__main__":
    sys.exit(main())
