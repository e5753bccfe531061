"""A whole batch with the odd worker, in a process of its own that tests kill.

python -m tests.studio.batch.odd_batch FILE OUT WORKERS
"""

import asyncio
import sys
from pathlib import Path

from studio.batch.records import Made, Setup
from studio.batch.run import run_batch
from studio.batch.telling import Tally

ODD = "tests.studio.batch.odd_worker"


def setup_in(out: Path) -> Setup:
    return Setup(out=str(out), work=str(out / ".work"), config={"c2pa": {"enabled": False}})


def tell(tally: Tally, made: Made | None) -> None:
    sys.stdout.write(f"{tally.line(tally.began)}\n")


def main() -> None:
    file, out, workers = sys.argv[1:]
    batch = run_batch(Path(file), setup_in(Path(out)), int(workers), tell, module=ODD)
    try:
        asyncio.run(batch)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
