"""How much one studio carries: 500 feeds, 10,000 products, 200 channels, 10,000 jobs a day.

    python -m benchmarks.capacity [--rates 1,5,10,20] [--seconds 60] [--days 30] [--minutes 20]
                                  [--json FILE] [--page docs/why/capacity.md]

The real loop, planner, queue, graph, outbox and audit log on a real Postgres, in processes of their
own; voice, render and check are stand-ins that wait as long as the real ones take. Every channel
has its times, and the planner alone starts videos. Rate 5 is five times everything: slots, looks
and stories. The database begins with the jobs, slots, approvals and posts of `--days` days.

Each rate is measured for at least `--seconds`, and for so long that 20 slots come up. A rate that
would not end within `--minutes` of all is left out, and that is said. Each goal is a line
`goal met:`, `goal missed:` or `goal not told:`; then comes what breaks first. Exit code 0 when the
first rate met its goals, 1 when it missed one, 2 when too little was seen or a rate was left out.
"""

import argparse
import asyncio
import json
import math
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.capacity.crowd import Size, calendar_of, settings_text
from benchmarks.capacity.figures import put_into
from benchmarks.capacity.goals import LEAST_SLOTS, exit_code
from benchmarks.capacity.history import fill
from benchmarks.capacity.limits import HANDS, WORKERS, breaks_first
from benchmarks.capacity.load import Load, measure
from benchmarks.capacity.stage import SETTLING_S, Stage
from benchmarks.capacity.telling import report
from benchmarks.unattended import home, stubs
from benchmarks.unattended.feeds import open_feeds

STARTING_S = 20.0
MOST_CONNECTIONS = 160
MINUTE_S = 60.0


def prepare(stack: ExitStack, size: Size, days: int) -> Path:
    """Return the folder of a Postgres with its history, stopped: each rate begins with a copy."""
    folder = stack.enter_context(home.short_folder(None))
    server = home.Server(folder)
    server.postgres.start()
    try:
        asyncio.run(fill(server.postgres, size, days))
    finally:
        server.postgres.stop()
    return folder / "postgres"


def run(size: Size, rate: float, postgres: Path, seconds: float, until: float) -> Load:
    """Measure one rate in a fresh home, on a copy of that Postgres."""
    with ExitStack() as stack:
        folder = stack.enter_context(home.short_folder(None))
        subprocess.run(["cp", "-a", str(postgres), str(folder)], check=True)
        feeds = stack.enter_context(open_feeds(size.story_every_s / rate))
        stubs.make_film(folder)
        server = home.Server(folder)
        server.postgres.start()
        stack.callback(server.postgres.stop)
        environment = home.environment_of(folder, speed=rate, with_stubs=True, port=0)
        arguments = ("worker", "--concurrency", str(HANDS))
        names = [f"worker-{number}" for number in range(WORKERS)]
        loop = home.Unit("loop", ("loop",), environment, folder / "loop.log")
        workers = [home.Unit(one, arguments, environment, folder / f"{one}.log") for one in names]
        calendar = calendar_of(size, rate, datetime.now(UTC))
        home.write_settings(folder, settings_text(size, feeds, calendar))
        stage = Stage(folder, server, loop, workers, calendar, size)
        stack.callback(stage.stop)
        for unit in (loop, *workers):
            unit.start()
        return measure(stage, rate, seconds, until)


def seconds_of(size: Size, rate: float, least: float) -> float:
    """Return how long a rate is measured: whole minutes, as slots stand at whole minutes."""
    minutes = math.ceil(LEAST_SLOTS / size.slots_in(MINUTE_S, rate))
    return max(least, minutes * MINUTE_S)


def needs_s(size: Size, rate: float, seconds: float) -> float:
    """Return how long a rate takes in all, about."""
    start = datetime.now(UTC)
    opens_s = (calendar_of(size, rate, start).opens - start).total_seconds()
    return STARTING_S + opens_s + SETTLING_S + seconds


def main() -> int:
    """Run each rate and print what it cost."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the processes are ended on the way
    # So many hands hold nearly all of the 80 that are usual: then nothing else could be seen.
    os.environ.setdefault("BOOKAI_PG_CONNECTIONS", str(MOST_CONNECTIONS))
    size = Size(options.feeds, options.channels, options.products, options.jobs)
    until = time.monotonic() + options.minutes * MINUTE_S
    loads, left_out = [], 0
    with ExitStack() as stack:
        postgres = prepare(stack, size, options.days)
        for rate in (float(one) for one in options.rates.split(",")):
            began = time.monotonic()
            seconds = seconds_of(size, rate, options.seconds)
            needed = needs_s(size, rate, seconds)
            if began + needed > until:
                left_out += 1
                _say(f"rate {rate:g} is left out: {until - began:.0f} s are left of {needed:.0f}")
                continue
            load = run(size, rate, postgres, seconds, until - seconds)
            loads.append(load)
            _say(f"{report(load)}\n  took {time.monotonic() - began:.0f} s in all")
            if options.json:
                options.json.write_text(json.dumps([asdict(one) for one in loads], indent=1))
            if options.page:
                put_into(options.page, loads, options.days, size.jobs)
    if not loads:
        return 2
    _say("\n".join(breaks_first(loads, size.jobs)))
    return exit_code(loads[0]) or (2 if left_out else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rates", default="1,5,10,20")
    parser.add_argument("--seconds", type=float, default=MINUTE_S, help="a rate, at least")
    parser.add_argument("--minutes", type=float, default=20.0, help="all rates, at most")
    parser.add_argument("--days", type=int, default=30, help="how much history there is")
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument("--channels", type=int, default=200)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=10_000, help="a day, at rate 1")
    parser.add_argument("--json", type=Path, help="write everything measured into this file")
    parser.add_argument("--page", type=Path, help="put the figures between this page's marks")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
