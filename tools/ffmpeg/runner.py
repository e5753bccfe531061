"""Find the ffmpeg program and run it: in its own process group, with a deadline, never a shell."""

import asyncio
import os
import shutil
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from bookai.errors import OperatorNeeded, ToolFailed
from tools.media.tether import lent, tether

LOG_LINES = 4000
LINE_BYTES = 2000

_MEND = (
    "Set BOOKAI_FFMPEG (or `path` in [plugins.ffmpeg] of studio.toml) to a working ffmpeg, "
    "or reinstall the one that comes along: pip install --force-reinstall imageio-ffmpeg"
)

OnProgress = Callable[[float], Awaitable[None]]
"""Called about twice a second with the seconds of output written so far."""


class FfmpegFailed(ToolFailed):
    """It ended with an error; `log` is what it said, the oldest line first."""

    def __init__(self, message: str, log: Sequence[str]) -> None:
        super().__init__(message)
        self.log = tuple(log)


@dataclass(frozen=True, slots=True)
class FfmpegRun:
    """A run that ended well: what ffmpeg logged (the last lines) and its wall time."""

    log: tuple[str, ...]
    seconds: float


def find_ffmpeg(
    config: Mapping[str, Any],
    *,
    bundled: Callable[[], str] = imageio_ffmpeg.get_ffmpeg_exe,
    which: Callable[[str], str | None] = shutil.which,
) -> Path:
    """Return the program to use: the operator's, else the bundled one, else the one on PATH.

    `config` is the plug-ins' table (`ctx.config`); the operator's choice is `ffmpeg.path` in it.

    Raises:
        OperatorNeeded: the chosen one is not a program, or there is none at all.
    """
    chosen = str(config.get("ffmpeg", {}).get("path", ""))
    if chosen:
        return _program(chosen)
    try:
        return _program(bundled())
    except (RuntimeError, OperatorNeeded) as error:
        found = which("ffmpeg")
        if found is None:
            raise OperatorNeeded("There is no ffmpeg on this machine.", mend=_MEND) from error
        return Path(found)


async def run_ffmpeg(
    args: Sequence[str],
    *,
    binary: Path,
    timeout_s: float,
    on_progress: OnProgress | None = None,
) -> FfmpegRun:
    """Run `binary` with `args` (inputs, filters, outputs) and wait for its end.

    Cancelling, or passing `timeout_s`, kills the whole process group before this returns.

    Raises:
        OperatorNeeded: the program cannot be started.
        FfmpegFailed: it ended with an error (the message is its last useful line).
        ToolFailed: it took too long.
    """
    began = time.monotonic()
    process = await _start(binary, args)
    log: deque[str] = deque(maxlen=LOG_LINES)
    try:
        async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as group:
            group.create_task(_watch(process, on_progress))
            group.create_task(_keep(process, log))
            await process.wait()
    except TimeoutError as error:
        raise ToolFailed(
            f"ffmpeg did not finish within {timeout_s:g} s and was stopped: {_last_word(log)}"
        ) from error
    except ExceptionGroup as broken:
        # Only `on_progress` can raise in there; its own error is what the caller knows.
        raise broken.exceptions[0] from broken
    finally:
        await _end(process)
    if process.returncode != 0:
        raise FfmpegFailed(
            f"ffmpeg failed (exit code {process.returncode}): {_last_word(log)}", log
        )
    return FfmpegRun(log=tuple(log), seconds=time.monotonic() - began)


def _program(path: str) -> Path:
    """Return `path` when it may be executed, else raise `OperatorNeeded`."""
    program = Path(path).expanduser()
    if not program.is_file():
        raise OperatorNeeded(f"ffmpeg is not at {path!r}.", mend=_MEND)
    if not os.access(program, os.X_OK):
        raise OperatorNeeded(f"{path!r} is not executable.", mend=f"chmod +x {path!r}. {_MEND}")
    return program


async def _start(binary: Path, args: Sequence[str]) -> Process:
    quiet = ("-hide_banner", "-nostdin", "-nostats", "-progress", "pipe:1")
    try:
        return await asyncio.create_subprocess_exec(
            str(binary),
            *quiet,
            *args,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
            env=lent(),
            preexec_fn=tether(),
        )
    except OSError as error:
        raise OperatorNeeded(f"{str(binary)!r} does not start: {error}.", mend=_MEND) from error


async def _end(process: Process) -> None:
    """Leave nobody of the group behind; harmless when all are gone."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Lines of any length; the reader's own `readline` fails over 64 KiB."""
    rest = b""
    while chunk := await stream.read(65_536):
        *full, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
        rest = rest[-LINE_BYTES:]
        for line in full:
            yield line[:LINE_BYTES].decode("utf-8", "replace").strip()
    if rest:
        yield rest.decode("utf-8", "replace").strip()


async def _watch(process: Process, on_progress: OnProgress | None) -> None:
    assert process.stdout is not None
    async for line in _lines(process.stdout):
        key, _, value = line.partition("=")
        if on_progress is not None and key == "out_time_us" and value.isdigit():
            await on_progress(int(value) / 1e6)


async def _keep(process: Process, log: deque[str]) -> None:
    assert process.stderr is not None
    async for line in _lines(process.stderr):
        if line:
            log.append(line)


_NOISE = ("Conversion failed!", "Exiting normally", "Terminating thread", "Task finished with")


def _last_word(log: Sequence[str]) -> str:
    """Return the last line that says what went wrong; the closing ones say only that it did."""
    useful = [line for line in log if not any(noise in line for noise in _NOISE)]
    return useful[-1] if useful else "it said nothing"
