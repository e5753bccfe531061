"""A worker that makes nothing and behaves as a row's title says, for tests of the crew.

    python -m tests.studio.batch.odd_worker

Titles: "die" (killed), "exit", "babble" (no record), "wait:PATH" (opens a named pipe and hangs).
"""

import os
import signal
import sys
from pathlib import Path

from studio.batch.records import Made, Setup, Task


def main() -> None:
    setup = Setup.model_validate_json(sys.stdin.buffer.readline())
    for line in sys.stdin.buffer:
        task = Task.model_validate_json(line)
        title, _, path = task.row.title.partition(":")
        if title == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if title == "exit":
            sys.exit("the disk is on fire")
        if title == "babble":
            say("how do you do")
            continue
        if title == "wait":
            pipe = os.open(path, os.O_WRONLY)  # whoever reads it knows that we have begun
            os.write(pipe, b"begun\n")
            signal.pause()
        name = f"{task.number:04d}/video.mp4"
        file = Path(setup.out, name)
        file.parent.mkdir(exist_ok=True)
        file.write_text(title)
        made = Made(
            row=task.number, digest=task.digest, ok=True, files={name: f"{os.getpid()}"}, seconds=1
        )
        say(made.model_dump_json())


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
