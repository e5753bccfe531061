"""Break the studio by seeds: `python -m tests.chaos --count 200`, `--seed 1234 --verbose`."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from tests.chaos import cast, report
from tests.chaos.crowd import run_all


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="run this one; may be repeated")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=200, help="how many from there")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--report", type=Path, help="write the summary as Markdown")
    parser.add_argument("--verbose", action="store_true", help="print each schedule and its logs")
    options = parser.parse_args()
    seeds = options.seed or list(range(options.first, options.first + options.count))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began = time.monotonic()
    cast.prepare()
    tally = report.Tally()
    for outcome, logs in run_all(seeds, min(options.processes, len(seeds))):
        tally.add(outcome)
        if outcome.violations or options.verbose:
            print(report.story(outcome, logs if options.verbose else ""), flush=True)
    tally.seconds = time.monotonic() - began
    print(tally.text())
    if options.report:
        options.report.write_text(tally.markdown(), encoding="utf-8")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
