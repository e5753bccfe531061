"""Films in no time: a slate that says what it is, where a real film would take seconds to make.

A slate is a real video file with real hashes, so all that comes after it, the approval, the
verified bytes, the outbox, is the studio's own. It is neither spoken nor measured, and says so.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import wraps
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bookai.models import CheckReport, Finding, Record, Render, Script, Voiceover, Word
from mcp_server.server import load_tools
from tools.base import Tool, ToolContext
from tools.media.paths import job_folder

WIDTH, HEIGHT, FPS = 360, 640, 1
MAKER = "simulated"
FILM_S = 10.0
"""What voice, picture and check of one film take on two cores, as measured: virtual seconds."""

MADE = "a slate of a rehearsal: it was neither spoken nor measured"
_SILENCE = b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\xbb\0\0\0w\1\0\2\0\x10\0data\0\0\0\0"

Make = Callable[[ToolContext, Mapping[str, Any]], Awaitable[Record]]


@dataclass(slots=True)
class Films:
    """The tools that make films; the first `real` jobs get real ones, the others slates."""

    real: int = 0
    rendered: int = 0
    _real_jobs: set[int] = field(default_factory=set, init=False)

    def stand_ins(self) -> Mapping[str, Tool]:
        """Return what the agents get instead of the three tools that take time."""
        made: Mapping[str, Make] = {
            "speak": _speak,
            "render_video": _render,
            "check_video": _check,
        }
        tools = load_tools()
        return {name: self._instead(tools[name], make) for name, make in made.items()}

    def _instead(self, real: Tool, make: Make) -> Tool:
        # The wrapped tool's signature and docstring are what the server offers: they stay.
        @wraps(real.run)
        async def run(ctx: ToolContext, **arguments: Any) -> Record:
            job_id = int(arguments["job_id"])
            if len(self._real_jobs) < self.real:
                self._real_jobs.add(job_id)
            self.rendered += real.name == "render_video"
            if job_id in self._real_jobs:
                return await real.run(ctx, **arguments)
            return await make(ctx, arguments)

        return replace(real, run=run)


async def _speak(ctx: ToolContext, said: Mapping[str, Any]) -> Voiceover:
    script: Script = said["script"]
    voice = _folder(ctx, said) / "voice.wav"
    await asyncio.to_thread(voice.write_bytes, _SILENCE)
    words = [(index, word) for index, one in enumerate(script.lines) for word in one.text.split()]
    each_s = script.seconds_est / max(1, len(words))
    return Voiceover(
        path=str(voice),
        words=tuple(
            Word(text=word, line=line, start_s=at * each_s, end_s=(at + 1) * each_s)
            for at, (line, word) in enumerate(words)
        ),
        duration_s=script.seconds_est,
        voice=MAKER,
        language=script.language,
        sample_rate=48_000,
    )


async def _render(ctx: ToolContext, said: Mapping[str, Any]) -> Render:
    script: Script = said["script"]
    folder = _folder(ctx, said)
    video, thumbnail, captions = (
        folder / name for name in ("video.mp4", "thumbnail.jpg", "captions.vtt")
    )

    def make() -> None:
        slate = _slate(str(said["brand"]), script.title)
        slate.save(thumbnail, quality=80)
        _film(video, slate, script.seconds_est)
        lines = "\n\n".join(_cue(said["voiceover"], at, one.text) for at, one in _lines(script))
        captions.write_text(f"WEBVTT\n\n{lines}\n", encoding="utf-8")

    await asyncio.to_thread(make)
    return Render(
        video_path=str(video),
        thumbnail_path=str(thumbnail),
        captions_path=str(captions),
        sha256=_sha256(video),
        thumbnail_sha256=_sha256(thumbnail),
        captions_sha256=_sha256(captions),
        size_bytes=video.stat().st_size,
        duration_s=script.seconds_est,
        width=WIDTH,
        height=HEIGHT,
        fps=FPS,
        encoder=MAKER,
        encoder_reason=MADE,
        credentials=f"not signed: {MADE}",
    )


async def _check(_ctx: ToolContext, _said: Mapping[str, Any]) -> CheckReport:
    return CheckReport(ok=True, findings=(Finding(check=MAKER, ok=True, detail=MADE),))


def _folder(ctx: ToolContext, said: Mapping[str, Any]) -> Path:
    folder = job_folder(ctx.work_dir, int(said["job_id"]))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _lines(script: Script) -> list[tuple[int, Any]]:
    return list(enumerate(script.lines))


def _cue(voiceover: Voiceover, line: int, text: str) -> str:
    times = [word for word in voiceover.words if word.line == line]
    begin, end = (times[0].start_s, times[-1].end_s) if times else (0.0, 0.0)
    return f"{_stamp(begin)} --> {_stamp(end)}\n{text}"


def _stamp(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes):02d}:{rest:06.3f}"


def _slate(brand: str, title: str) -> Image.Image:
    picture = Image.new("RGB", (WIDTH, HEIGHT), (24, 30, 46))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, WIDTH, 90), fill=(178, 34, 34))
    draw.text((20, 28), "SIMULATED", font=ImageFont.load_default(34), fill="white")
    small = ImageFont.load_default(22)
    lines, row = [""], 0
    for word in title.split():
        if draw.textlength(f"{lines[row]} {word}", font=small) > WIDTH - 40:
            lines.append("")
            row += 1
        lines[row] = f"{lines[row]} {word}".strip()
    draw.multiline_text((20, 200), "\n".join(lines), font=small, fill="white", spacing=8)
    draw.text((20, HEIGHT - 50), brand, font=ImageFont.load_default(16), fill=(200, 200, 200))
    return picture


def _film(path: Path, slate: Image.Image, seconds: float) -> None:
    with av.open(str(path), "w", options={"movflags": "faststart"}) as file:
        file.metadata["comment"] = MADE
        stream = file.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        frame = av.VideoFrame.from_ndarray(np.asarray(slate), format="rgb24")
        for at in range(max(1, round(seconds * FPS))):
            frame.pts = at
            for packet in stream.encode(frame):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
