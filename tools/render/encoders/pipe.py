"""Send frames through an ffmpeg encoder and get its pictures back, one by one."""

import os
import selectors
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import ffmpeg

from bookai.errors import ToolFailed
from tools.media.tether import lent, tether
from tools.render.encoders.reasons import explain
from tools.render.encoders.recipes import NODE, RECIPES, Recipe
from tools.render.layout import Size
from tools.render.sprites import Frame

STALL_S = 20.0
_CHUNK = 1 << 18
_LOG_BYTES = 1 << 16
_START = b"\x00\x00\x01"
_DELIMITER = 9  # H.264, table 7-1: access unit delimiter


@dataclass(frozen=True, slots=True)
class PipeEncoder:
    """An encoder of ffmpeg's, by its name; each `encode` is a stream of its own.

    `stall_s` seconds without a byte taken or given mean that it hangs.
    """

    binary: Path
    name: str
    stall_s: float = STALL_S

    def encode(self, frames: Iterable[Frame], size: Size) -> list[bytes]:
        """Return the access units (Annex B, no delimiter), one a frame, the first one a key frame.

        A frame is read before the next one is asked for, so one buffer may serve them all.

        Raises:
            ToolFailed: it does not start, ended early, hangs, or lost a picture.
        """
        recipe = RECIPES[self.name]
        with _running(self.binary, _arguments(recipe, size), self.name) as process:
            feed = _Feed(process, self.name, self.stall_s)
            given = 0
            for frame in frames:
                feed.give(frame.buffer.data.cast("B"))
                given += 1
            stream = feed.finish()
        units = split(stream)
        if len(units) != given:
            raise ToolFailed(
                f"The encoder {self.name!r} took {given} pictures and gave {len(units)}."
                " Run the job again; if it stays, update the driver."
            )
        return units


def split(stream: bytes) -> list[bytes]:
    """Return the access units of an Annex B stream in which each begins with a delimiter."""
    begins = []
    at = stream.find(_START)
    while at >= 0:
        if stream[at + 3] & 31 == _DELIMITER:
            begins.append(at)
        at = stream.find(_START, at + 3)
    ends = [*begins[1:], len(stream)] if begins else []
    return [_without_delimiter(stream[begin:end]) for begin, end in zip(begins, ends, strict=True)]


def _without_delimiter(unit: bytes) -> bytes:
    following = unit.find(_START, 3)
    if following < 0:
        return b""
    # The zero byte of a four-byte start code belongs to the unit that it begins.
    return b"\x00" + unit[following:].rstrip(b"\x00")


def _arguments(recipe: Recipe, size: Size) -> list[str]:
    stream = ffmpeg.input(
        "pipe:0",
        f="rawvideo",
        pix_fmt="yuv420p",
        video_size=(size.width, size.height),
        framerate=size.fps,
        color_range="tv",
        **recipe.before,
    )
    for name, *values in recipe.filters:
        stream = stream.filter(name, *values)
    options = {"f": "h264", "g": 10 * size.fps, "fps_mode": "passthrough"}
    options["bsf:v"] = "h264_metadata=aud=insert"
    compiled: list[str] = stream.output("pipe:1", **options, **recipe.output).compile()
    return ["-hide_banner", "-nostats", "-loglevel", "warning", *compiled[1:]]


@contextmanager
def _running(binary: Path, arguments: list[str], name: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run it in our own process group, so that whoever ends that ends it too."""
    try:
        process = subprocess.Popen(
            [str(binary), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=lent(),
            preexec_fn=tether(),
        )
    except OSError as error:
        raise ToolFailed(f"The encoder {name!r} does not start: {error.strerror}.") from error
    with process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()


@dataclass(slots=True)
class _Feed:
    """Writes and reads in turn: an encoder that is not read stops taking pictures."""

    process: subprocess.Popen[bytes]
    name: str
    stall_s: float
    _out: bytearray = field(default_factory=bytearray)
    _log: bytearray = field(default_factory=bytearray)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __post_init__(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._selector.register(self.process.stdout, selectors.EVENT_READ, self._out)
        self._selector.register(self.process.stderr, selectors.EVENT_READ, self._log)

    def give(self, picture: memoryview) -> None:
        """Hand one picture over, taking what comes back meanwhile."""
        stdin = self.process.stdin
        assert stdin is not None
        self._selector.register(stdin, selectors.EVENT_WRITE)
        while picture:
            for key in self._ready():
                if key.fileobj is not stdin:
                    self._take(key)
                    continue
                try:
                    picture = picture[os.write(stdin.fileno(), picture) :]
                except BrokenPipeError as error:
                    self._selector.unregister(stdin)
                    self._drain()
                    raise self._failed() from error
        self._selector.unregister(stdin)

    def finish(self) -> bytes:
        """Return the whole stream once it has ended well."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self._drain()
        try:
            code = self.process.wait(self.stall_s)
        except subprocess.TimeoutExpired as error:
            raise self._hangs() from error
        if code != 0:
            raise self._failed()
        return bytes(self._out)

    def _drain(self) -> None:
        """Take what is left until both pipes are closed."""
        while self._selector.get_map():
            for key in self._ready():
                self._take(key)

    def _ready(self) -> list[selectors.SelectorKey]:
        events = self._selector.select(self.stall_s)
        if not events:
            raise self._hangs()
        return [key for key, _ in events]

    def _take(self, key: selectors.SelectorKey) -> None:
        pipe: IO[bytes] = key.fileobj  # type: ignore[assignment]  # we registered pipes only
        part = os.read(pipe.fileno(), _CHUNK)
        if not part:
            self._selector.unregister(pipe)
        key.data.extend(part)
        if key.data is self._log:
            del self._log[:-_LOG_BYTES]

    def _hangs(self) -> ToolFailed:
        return ToolFailed(
            f"The encoder {self.name!r} took and gave nothing for {self.stall_s:g} s and was"
            " stopped. Run the job again."
        )

    def _failed(self) -> ToolFailed:
        """Return why it is gone; its process has closed its pipes, so its end is near."""
        try:
            code = self.process.wait(self.stall_s)
        except subprocess.TimeoutExpired:
            return self._hangs()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        memory = " (mostly: memory ran out)" if code == -signal.SIGKILL else ""
        said = explain(self._log.decode("utf-8", "replace").splitlines(), node=NODE)
        return ToolFailed(
            f"The encoder {self.name!r} ended with {how}{memory}: {said}. Run the job again."
        )
