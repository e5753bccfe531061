"""Worker processes side by side, each taking the next row; they live on between rows."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

import studio
from bookai.errors import OperatorNeeded
from studio.batch.records import Made, Setup, Task
from tools.media.tether import LEAN, lent, tether

PROJECT = Path(studio.__file__).resolve().parents[1]
LONGEST_ANSWER = 1 << 20
ROWS_A_LIFE = 20  # then a fresh process: what libraries forget to free goes with it
ROW_S = 900.0
WORKER_MIB = 700
MODULE = "studio.batch.worker"

OnMade = Callable[[Made], None]


def default_workers(cores: int | None = None, meminfo: Path = Path("/proc/meminfo")) -> int:
    """Return how many rows at once: one a core, as far as the free memory goes."""
    cores = cores or len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError, IndexError, StopIteration):
        lines = meminfo.read_text("ascii", "replace").splitlines()
        free = next(line for line in lines if line.startswith("MemAvailable:"))
        return max(1, min(cores, int(free.split()[1]) // 1024 // WORKER_MIB))
    return cores


async def work(
    tasks: Iterator[Task],
    setup: Setup,
    workers: int,
    on_made: OnMade,
    *,
    module: str = MODULE,
    row_s: float = ROW_S,
) -> None:
    """Make every task with `workers` processes, and tell each one's result as it comes.

    A worker that dies or takes over `row_s` seconds costs its row, no other. When this ends, in
    whatever way, no process is left.
    """
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(_slot(tasks, setup, on_made, module, row_s))


async def _slot(
    tasks: Iterator[Task], setup: Setup, on_made: OnMade, module: str, row_s: float
) -> None:
    waiting = next(tasks, None)
    while waiting is not None:
        async with _worker(setup, module) as worker:
            for _ in range(ROWS_A_LIFE):
                made = await _ask(worker, waiting, row_s)
                on_made(made or await worker.died(waiting, row_s))
                waiting = next(tasks, None)
                if waiting is None or made is None:
                    break


class _Worker:
    """One process, and the last that it said on its error output."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.tail = b""

    async def listen(self) -> None:
        """Keep the last words until it closes its error output."""
        assert self.process.stderr is not None
        while part := await self.process.stderr.read(4096):
            self.tail = (self.tail + part)[-8192:]

    async def died(self, task: Task, row_s: float) -> Made:
        """Return the row's error after the worker gave no answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self.process.wait()
        code = self.process.returncode
        lines = self.tail.decode("utf-8", "replace").strip().splitlines()
        if code is None:
            why = f"gave no answer in {row_s:g} s and was stopped"
        elif code < 0:
            memory = " (mostly: memory ran out)" if code == -signal.SIGKILL else ""
            why = f"ended with {signal.Signals(-code).name}{memory}"
        else:
            why = f"ended with exit code {code}: {lines[-1][:300] if lines else 'it said nothing'}"
        error = f"The worker {why}. Run the batch again with --resume."
        return Made(row=task.number, digest=task.digest, ok=False, error=error)


async def _ask(worker: _Worker, task: Task, row_s: float) -> Made | None:
    """Return the worker's answer, or None where it has none to give."""
    stdin, stdout = worker.process.stdin, worker.process.stdout
    assert stdin is not None
    assert stdout is not None
    with suppress(ConnectionError, TimeoutError, ValidationError, ValueError):
        async with asyncio.timeout(row_s):
            stdin.write(task.model_dump_json().encode("utf-8") + b"\n")
            await stdin.drain()
            return Made.model_validate_json(await stdout.readline())
    return None


@asynccontextmanager
async def _worker(setup: Setup, module: str) -> AsyncIterator[_Worker]:
    """Start a process in its own group; the whole group is gone when this ends."""
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=LONGEST_ANSWER,
            cwd=PROJECT,
            env=lent() | LEAN,
            start_new_session=True,
            preexec_fn=tether(),
        )
    except OSError as error:
        raise OperatorNeeded(
            f"No worker process can be started: {error.strerror}.",
            mend="Free some memory, or take fewer: --workers 1",
        ) from error
    worker = _Worker(process)
    listening = asyncio.ensure_future(worker.listen())
    try:
        assert process.stdin is not None
        process.stdin.write(setup.model_dump_json().encode("utf-8") + b"\n")
        yield worker
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await listening
