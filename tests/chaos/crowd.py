"""Many runs side by side: a few forked processes, each with a server of its own."""

import multiprocessing
import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from mcp_server.auth import AGENTS
from mcp_server.guard import Guard
from mcp_server.server import load_tools
from tests.chaos.schedule import Schedule
from tests.chaos.server import Server, short_folder
from tests.chaos.stage import Outcome, perform


def run_all(schedules: Sequence[Schedule], processes: int) -> Iterator[tuple[Outcome, str]]:
    """Run every schedule; yield each outcome with the logs of its processes, as they end."""
    # Forked, not spawned: the imports cost more than a run, and the tools' schemas a part of one.
    context = multiprocessing.get_context("fork")
    _describe_tools()
    readers: dict[Connection, multiprocessing.context.ForkProcess] = {}
    for number in range(processes):
        reader, writer = context.Pipe(duplex=False)
        share = schedules[number::processes]
        process = context.Process(target=_work, args=(share, writer), daemon=True)
        process.start()
        writer.close()
        readers[reader] = process
    while readers:
        for ready in wait(list(readers)):
            assert isinstance(ready, Connection)
            try:
                yield ready.recv()
            except EOFError:
                process = readers.pop(ready)
                process.join()
                if process.exitcode:
                    raise RuntimeError(f"a part of the harness ended: {process.exitcode}") from None


def _describe_tools() -> None:
    """Make every tool's schemas once, for all processes that are forked from here."""
    guard = Guard(_nothing, _nothing, lambda: AGENTS)
    for tool in load_tools().values():
        guard.around(tool)


def _nothing(*_: object) -> Any:
    raise AssertionError("nobody calls a tool before the runs begin")


def cpu_seconds() -> float:
    """Return what all runs took of the processors, without Postgres; ask when they are over."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _work(share: Sequence[Schedule], answers: Connection) -> None:
    # So that the server is stopped and the folders go when somebody stops us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with short_folder("bkc-") as folder:
        server = Server(folder)
        server.start()
        try:
            for schedule in share:
                with short_folder("bkr-") as place:
                    home = place / "home"
                    outcome = perform(schedule, server, home)
                    answers.send((outcome, _logs(home)))
        finally:
            server.stop()


def _logs(home: Path) -> str:
    return "\n".join(
        f"--- {path.name}\n{path.read_text(errors='replace')[-6000:]}"
        for path in sorted(home.glob("*.log"))
    )
