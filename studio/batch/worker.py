"""A worker's own process: `python -m studio.batch.worker`.

It reads a `Setup` and then one `Task` after the other from its standard input, a line each, and
answers each with a `Made`. It ends with its input.
"""

import asyncio
import ctypes
import gc
import os
import sys
from typing import BinaryIO

from studio.batch.film import make
from studio.batch.records import Made, Setup, Task


def main() -> int:
    """Work until there is no more."""
    # Whatever a library prints must not get between our lines.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    tasks = sys.stdin.buffer
    setup = Setup.model_validate_json(tasks.readline())
    with asyncio.Runner() as runner:
        for line in tasks:
            _answer(answers, runner.run(make(Task.model_validate_json(line), setup)))
            _give_back()
    return 0


def _give_back() -> None:
    """Return what one film left in the heap to the system: the next would pile up on it."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # glibc only; elsewhere the heap stays as it is
        trim(0)


def _answer(answers: BinaryIO, made: Made) -> None:
    answers.write(made.model_dump_json().encode("utf-8") + b"\n")
    answers.flush()


if __name__ == "__main__":
    sys.exit(main())
