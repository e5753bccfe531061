"""Run a studio for twenty minutes and break it all the time: python benchmarks/soak.py

    python benchmarks/soak.py [--minutes 20] [--speed 60] [--seed 1] [--stand-ins] [--out FILE]
                              [--plot docs/images/soak.svg] [--page docs/why/soak.md]

Two loops, two workers and a server on one home, each at cadences `--speed` times as quick; leases
and time-outs stay as they are. Every 30 s one of three is killed (-9) and started again a second
later, one loop and one worker are spared so that a leak can be seen in them; Postgres is restarted,
crashed and killed once each; for a while no loop runs at all. An operator approves everything. Then
everything is counted: ticks, jobs, posts, the audit log, memory, connections, alerts. Exit code 0
when every promise was kept, 1 when one was broken, 2 when too little was seen to tell of each.
"""

import argparse
import logging
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.unattended import soaking  # noqa: E402
from benchmarks.unattended.plot import draw  # noqa: E402
from benchmarks.unattended.telling import put_into, tell  # noqa: E402


def main() -> int:
    """Soak, judge, tell."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kill-every", type=float, default=30.0, metavar="SECONDS")
    parser.add_argument("--stand-ins", action="store_true", help="do not really render")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="the home, kept for a look")
    parser.add_argument("--out", type=Path, help="write what is told into this file too")
    parser.add_argument("--plot", type=Path, help="draw memory and connections as SVG")
    parser.add_argument("--page", type=Path, help="put the figures between this page's marks")
    parser.add_argument("--prometheus", help="the program; else the one on PATH")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the processes are ended on the way
    logging.disable(logging.ERROR)  # our own operator meets each restart of Postgres
    plan = soaking.Plan(
        seconds=options.minutes * 60,
        speed=options.speed,
        seed=options.seed,
        kill_every_s=options.kill_every,
        with_stubs=options.stand_ins,
        keep=options.keep,
        prometheus=options.prometheus,
    )
    found = soaking.soak(plan)
    text = tell(plan, found)
    sys.stdout.write(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    if options.plot:
        options.plot.write_text(draw(found.samples, found.events), encoding="utf-8")
    if options.page:
        put_into(options.page, plan, found)
    return found.exit_code


if __name__ == "__main__":
    sys.exit(main())
