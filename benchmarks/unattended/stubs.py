"""Stand-ins for the voice, the render and the check: they wait as long as the real ones took.

Everything else of a job is real: feeds, articles, the script, offers, approval, publication, audit.
What they make says that it was not rendered.
"""

import asyncio
import hashlib
import os
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from bookai.models import CheckReport, Finding, Render, Script, Voiceover
from tools import check_video, render_video, speak
from tools.base import ToolContext
from tools.media.paths import job_folder

ASKED = "BOOKAI_BENCH_STUBS"
SPEAK_S, RENDER_S, CHECK_S = 1.0, 7.0, 1.2
"""As measured on two cores: docs/why/render-speed.md and docs/why/checking-the-pixels.md."""

FILM = "stand-in.mp4"
MARK = "not rendered: a stand-in of benchmarks/unattended"


def make_film(home: Path) -> None:
    """Make the one small film that all stand-in renders share."""
    subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y"),
            *("-f", "lavfi", "-i", "testsrc=s=72x128:r=10:d=1", "-pix_fmt", "yuv420p"),
            str(home / FILM),
        ],
        check=True,
        timeout=60,
    )


def install(home: Path) -> None:
    """Put the stand-ins in the places of the tools, in this process."""

    async def silent(ctx: ToolContext, job_id: int, script: Script, voice: str) -> Voiceover:
        await asyncio.sleep(SPEAK_S)
        path = job_folder(ctx.work_dir, job_id) / "voice.wav"
        await asyncio.to_thread(_write, path, MARK.encode())
        return Voiceover(
            path=str(path),
            words=(),
            duration_s=script.seconds_est,
            voice=voice,
            language=script.language,
            sample_rate=48_000,
        )

    async def filmed(ctx: ToolContext, job_id: int, **_: object) -> Render:
        await asyncio.sleep(RENDER_S)
        return await asyncio.to_thread(_film, home / FILM, job_folder(ctx.work_dir, job_id))

    async def looked(ctx: ToolContext, **_: object) -> CheckReport:
        await asyncio.sleep(CHECK_S)
        return CheckReport(ok=True, findings=(Finding(check="stand-in", ok=True, detail=MARK),))

    for module, stub in ((speak, silent), (render_video, filmed), (check_video, looked)):
        module.TOOL = replace(module.TOOL, run=_like(module.TOOL.run, stub))  # type: ignore[attr-defined]  # a tool file's one name


def _like(
    real: Callable[..., Awaitable[Any]], stub: Callable[..., Awaitable[Any]]
) -> Callable[..., Awaitable[Any]]:
    """Return the stand-in with the parameters and the words of the real tool: its MCP schema."""

    @wraps(real)
    async def run(ctx: ToolContext, *given: Any, **named: Any) -> Any:
        return await stub(ctx, *given, **named)

    return run


def _film(film: Path, folder: Path) -> Render:
    video, thumbnail, captions = (folder / n for n in ("video.mp4", "thumb.jpg", "captions.vtt"))
    _write(thumbnail, MARK.encode())
    video.unlink(missing_ok=True)
    os.link(film, video)
    _write(captions, b"WEBVTT\n")
    return Render(
        video_path=str(video),
        thumbnail_path=str(thumbnail),
        captions_path=str(captions),
        sha256=_sha256(video),
        thumbnail_sha256=_sha256(thumbnail),
        captions_sha256=_sha256(captions),
        size_bytes=video.stat().st_size,
        duration_s=20,
        width=1080,
        height=1920,
        fps=30,
        encoder="stand-in",
        encoder_reason=MARK,
    )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
