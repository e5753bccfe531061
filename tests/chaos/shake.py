"""Faults inside one of our processes: armed in the child after its fork, never in a sound one.

Nothing of the studio is replaced. A task factory counts resumptions, Python's audit hook sees each
file as it is opened, and the coroutine methods of two classes report that they begin and end.
"""

import asyncio
import errno
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from datetime import UTC, datetime, timedelta
from functools import wraps
from inspect import getmembers, iscoroutinefunction
from pathlib import Path
from typing import Any

from bookai.errors import ToolFailed
from tests.chaos.schedule import Fault

_STARTS_IN_S = 0.2
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_FILE_EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.link"}


class Shaker:
    """The faults of one process, each with its index in the schedule, and what it met so far."""

    def __init__(self, faults: Sequence[tuple[int, Fault]], folder: Path, fired: Path) -> None:
        self._faults = faults
        self._folder = str(folder)
        self._fired = fired
        self._counts: Counter[str] = Counter()
        self._jump = timedelta()
        self._full_left = 0
        self._slow_ms = 0
        self._in_hook = threading.local()

    def arm(self) -> None:
        """Begin to watch files; the hook stays for the process's life."""
        if any("disk" in fault.kind or "file" in fault.kind for _, fault in self._faults):
            sys.addaudithook(self._on_file)

    def now(self) -> datetime:
        """Return the time as this process believes it to be."""
        for fault in self._due("clock", "clock jump"):
            self._jump += timedelta(seconds=fault.much)
        return datetime.now(UTC) + self._jump

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """Return an event loop that counts each resumption of each of its tasks."""
        loop = asyncio.new_event_loop()

        def make_task(_loop: object, work: Any, **more: Any) -> "asyncio.Task[Any]":
            return asyncio.Task(_Counted(work, self.on_resume), loop=loop, **more)

        loop.set_task_factory(make_task)
        return loop

    def on_resume(self) -> None:
        """Count a resumption."""
        for fault in self._due("await", "kill at an await", "freeze at an await"):
            _strike_down(fault)

    async def at(self, seam: str) -> None:
        """Meet a seam: die, hang or fail here, if the schedule says so.

        Raises:
            ToolFailed: the answer is lost, so nobody knows whether it worked.
        """
        for fault in self._due(
            seam, "kill at a seam", "freeze at a seam", "tool hangs", "answer lost"
        ):
            match fault.kind:
                case "kill at a seam" | "freeze at a seam":
                    _strike_down(fault)
                case "tool hangs":
                    await asyncio.Event().wait()
                case _:
                    raise ToolFailed("the connection was reset before the answer came")

    def is_stubborn(self, seam: str) -> bool:
        """Tell whether a child shall hang and ignore SIGTERM; its parent may die meanwhile."""
        due = self._due(seam, "child ignores SIGTERM", "parent dies first")
        if any(fault.kind == "parent dies first" for fault in due):
            loop = asyncio.get_running_loop()
            loop.call_later(_STARTS_IN_S, os.kill, os.getpid(), signal.SIGKILL)
        return bool(due)

    def watch(self, kind: type, label: str) -> None:
        """Let the public coroutine methods of a class report where they begin and end."""
        for name, method in getmembers(kind, iscoroutinefunction):
            if not name.startswith("_"):
                setattr(kind, name, self._watched(method, f"{label}.{name}"))

    def _watched(
        self, method: Callable[..., Awaitable[object]], seam: str
    ) -> Callable[..., Awaitable[object]]:
        @wraps(method)
        async def run(*arguments: Any, **named: Any) -> object:
            await self.at(f"{seam}.before")
            result = await method(*arguments, **named)
            await self.at(f"{seam}.after")
            return result

        return run

    def _due(self, counted: str, *kinds: str) -> list[Fault]:
        """Count one more `counted`; return the faults whose turn it is, noted as fired."""
        self._counts[counted] += 1
        due = []
        for index, fault in self._faults:
            is_here = not fault.seam or fault.seam == counted
            is_due = fault.kind in kinds and is_here and fault.nth == self._counts[counted]
            if is_due and self._claim(index):
                due.append(fault)
        return due

    def _claim(self, index: int) -> bool:
        """Note that a fault strikes, before it does; both workers may wait for the same one."""
        try:
            (self._fired / str(index)).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _on_file(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _FILE_EVENTS or getattr(self._in_hook, "on", False):
            return
        path = arguments[0]
        if not isinstance(path, str | os.PathLike) or not str(path).startswith(self._folder):
            return
        if event == "open" and not (arguments[2] or 0) & _WRITING:
            return
        self._in_hook.on = True
        try:
            self._meet_file()
        finally:
            self._in_hook.on = False

    def _meet_file(self) -> None:
        for fault in self._due("file", "kill at a file", "disk full", "slow disk"):
            match fault.kind:
                case "kill at a file":
                    os.kill(os.getpid(), signal.SIGKILL)
                case "slow disk":
                    self._slow_ms = fault.much
                case _:
                    self._full_left = fault.much
        if self._slow_ms:
            threading.Event().wait(self._slow_ms / 1000)
        if self._full_left:
            self._full_left -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _strike_down(fault: Fault) -> None:
    """Kill or freeze this process; a frozen one goes on from here when somebody thaws it."""
    os.kill(os.getpid(), signal.SIGKILL if fault.kind.startswith("kill") else signal.SIGSTOP)


class _Counted(Coroutine[Any, Any, Any]):
    """A coroutine that says when it is resumed; everything else is the inner one's."""

    def __init__(self, inner: Any, on_resume: Callable[[], None]) -> None:
        self._inner = inner
        self._on_resume = on_resume

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()  # type: ignore[no-any-return]  # the inner one is untyped

    def send(self, value: Any) -> Any:
        self._on_resume()
        return self._inner.send(value)

    def throw(self, *error: Any) -> Any:
        self._on_resume()
        return self._inner.throw(*error)

    def close(self) -> None:
        self._inner.close()
