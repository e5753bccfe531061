"""Break the studio by seeds: `python -m tests.chaos --count 200`, `--seed 1234 --verbose`."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from tests.chaos import cast, report
from tests.chaos.crowd import cpu_seconds, run_all
from tests.chaos.found import FOUND
from tests.chaos.schedule import draw

PROGRESS = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="run this one; may be repeated")
    parser.add_argument("--found", action="store_true", help="run those that once found something")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=200, help="how many from there")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--report", type=Path, help="write the summary as Markdown")
    parser.add_argument("--verbose", action="store_true", help="print each schedule and its logs")
    options = parser.parse_args()
    seeds = options.seed or range(options.first, options.first + options.count)
    known = {schedule.seed: schedule for schedule in FOUND}
    schedules = list(FOUND) if options.found else [known.get(n) or draw(n) for n in seeds]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began = time.monotonic()
    cast.prepare()
    tally = report.Tally()
    try:
        for outcome, logs in run_all(schedules, min(options.processes, len(schedules))):
            tally.add(outcome)
            if tally.runs % PROGRESS == 0:
                print(f"{tally.runs} of {len(schedules)}", file=sys.stderr, flush=True)
            if outcome.violations or options.verbose:
                print(report.story(outcome, logs if options.verbose else ""), flush=True)
    finally:  # also when somebody lost patience
        tally.cpu_seconds = cpu_seconds()
        tally.seconds = time.monotonic() - began
        print(tally.text(), flush=True)
    if options.report:
        options.report.write_text(tally.markdown(), encoding="utf-8")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
