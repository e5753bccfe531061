"""How long a video of the bundled article takes, against its own length: `make bench`.

Goal: at most 60 s of wall time for the whole job, source to approval, on two cores. The baseline is
the video's own length in the same run: a ratio under 1 is quicker than watching it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BOOKAI = Path(sys.executable).parent / "bookai"
GOAL_S = 60.0


def once() -> tuple[float, float, dict[str, float]]:
    """Return wall seconds, the video's length and the stages of one job."""
    started = time.monotonic()
    said = subprocess.run(
        [BOOKAI, "demo", "--json"], capture_output=True, text=True, check=True, timeout=600
    ).stdout
    wall = time.monotonic() - started
    detail = json.loads(said)
    found = {one["check"]: one["detail"] for one in detail["findings"]}
    return wall, float(found["duration"].split()[0]), detail["stage_seconds"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="bkb-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o711)
        os.environ["BOOKAI_HOME"] = home
        once()  # the first one creates the database
        results = [once() for _ in range(runs)]
    wall = statistics.median(result[0] for result in results)
    length = statistics.median(result[1] for result in results)
    print(f"whole job     {wall:6.1f} s   baseline (the video's length) {length:5.1f} s")
    print(f"ratio         {wall / length:6.2f}     median of {runs} runs")
    for stage in results[0][2]:
        print(f"  {stage:<12}{statistics.median(r[2][stage] for r in results):6.2f} s")
    met = wall <= GOAL_S
    print(f"goal {'met' if met else 'missed'}: whole job {wall:.1f} s (goal {GOAL_S:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
