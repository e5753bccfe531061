"""`bookai` as a benchmark starts it: the stand-ins first where they are asked for, then the CLI."""

import os
from pathlib import Path

from benchmarks.unattended import stubs
from studio.cli import main

if __name__ == "__main__":
    if os.environ.get(stubs.ASKED):
        stubs.install(Path(os.environ["BOOKAI_HOME"]))
    main()
