"""Look at the finished file itself: nothing that is wrong in it goes to an approval."""

import asyncio
import html
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Annotated

from av.error import FFmpegError
from pydantic import Field

from bookai.models import CheckReport, Finding, Origin, Render, Script, Voiceover
from tools.base import Tool, ToolContext
from tools.checks.credentials import judge_credentials
from tools.checks.limits import Limits, read_limits
from tools.checks.meter import judge_metered, measure
from tools.checks.pixels import Sights, check_marks, judge_places, judge_text, looks_for
from tools.checks.platforms import conforms, safe_box
from tools.checks.probe import (
    Probe,
    judge_amount,
    judge_bytes,
    judge_order,
    judge_streams,
    judge_thumbnail,
    read_probe,
)
from tools.checks.sound import judge_clipping, judge_sync, read_sound, read_voice
from tools.checks.variants import Main, judge_variant, sound_of
from tools.checks.watch import judge_watched, watch
from tools.media.paths import inside
from tools.provenance.config import read_config
from tools.provenance.manifest import bind

LARGEST_CAPTIONS = 2_000_000
CAPTIONED_SHARE = 0.95
MOST_WORDS = 5000


async def check_video(  # noqa: PLR0913 (an MCP tool's parameters are its schema)
    ctx: ToolContext,
    job_id: Annotated[int, Field(description="The job that made the video.", ge=1)],
    render: Annotated[Render, Field(description="What render_video returned.")],
    script: Annotated[Script, Field(description="The script that is spoken.")],
    voiceover: Annotated[Voiceover, Field(description="What speak returned.")],
    disclosure: Annotated[
        str,
        Field(max_length=500, description="The disclosure that must be seen; '' when none."),
    ],
    platform: Annotated[
        str,
        Field(max_length=64, description="Where it is to go, such as 'youtube'; '' for nowhere."),
    ] = "",
) -> CheckReport:
    """Measure the finished video and say, check by check, whether it may be published.

    Call it after render_video. Reads streams, order, bytes, black, still and silent stretches,
    loudness, peaks, sync with the voice, captions and disclosure on the pixels and what is written
    where platforms cover it, thumbnail, other formats, the platform's limits, and Content
    Credentials. Do not use it for the state of a job (use get_job).
    """
    limits, config = read_limits(ctx.config.get("check_video", {})), read_config(ctx.config)
    files = _files(ctx.work_dir, job_id, render, voiceover)
    if missing := [path.name for path in files if not path.is_file()]:
        return _report([Finding(check="files", ok=False, detail=f"missing: {', '.join(missing)}")])
    video, thumbnail, captions, voice, *others = files
    try:
        probe = await asyncio.to_thread(read_probe, video)
    except ValueError as error:
        return _report([Finding(check="container", ok=False, detail=f"{error}")])

    await ctx.progress(0.1, "Reading the finished file")
    findings = judge_streams(probe, (render.width, render.height), render.fps, limits)
    if too_much := judge_amount(probe):
        return _report([*findings, too_much])
    findings += await asyncio.to_thread(_of_bytes, (video, thumbnail, captions), render)
    facts = bind(job_id, script, voiceover, disclosure, Origin())
    findings.append(await asyncio.to_thread(judge_credentials, video, config, facts))
    findings += await asyncio.to_thread(
        _of_voice, (video, voice, captions), probe, voiceover, limits
    )
    size_bytes = video.stat().st_size
    if platform:
        findings.append(conforms(probe, size_bytes, platform))
    await ctx.progress(0.3, "Looking at every frame")
    sights = Sights(
        looks=looks_for(script, voiceover, probe.fps, disclosure),
        marks=render.marks,
        size=(probe.width, probe.height),
        safe=safe_box(probe.width, probe.height),
    )
    findings += await _of_pictures(ctx, video, probe, sights, limits)
    if others:
        await ctx.progress(0.95, "Looking at the other formats")
        notices = [look.frame for look in sights.looks if look.mark == "disclosure"]
        findings += await asyncio.to_thread(_of_others, (video, *others), render, notices, limits)
    return _report(findings)


def _files(work_dir: Path, job_id: int, render: Render, voiceover: Voiceover) -> list[Path]:
    """Return video, thumbnail, subtitles, voice and the other formats' videos."""
    paths = [render.video_path, render.thumbnail_path, render.captions_path, voiceover.path]
    paths += [other.video_path for other in render.others]
    return [inside(work_dir, job_id, path) for path in paths]


def _report(findings: list[Finding]) -> CheckReport:
    return CheckReport(ok=all(finding.ok for finding in findings), findings=tuple(findings))


def _of_bytes(files: tuple[Path, Path, Path], render: Render) -> list[Finding]:
    video, thumbnail, captions = files
    return [
        judge_order(video),
        judge_bytes("sha256", video, render.sha256),
        judge_bytes("thumbnail_sha256", thumbnail, render.thumbnail_sha256),
        judge_bytes("captions_sha256", captions, render.captions_sha256),
        judge_thumbnail(thumbnail, (render.width, render.height)),
    ]


def _of_voice(
    files: tuple[Path, Path, Path], probe: Probe, voiceover: Voiceover, limits: Limits
) -> list[Finding]:
    """Compare the video with the voice track and the subtitles with the words."""
    video, voice, captions = files
    off_s = abs(probe.duration_s - voiceover.duration_s)
    findings = [
        Finding(
            check="duration",
            ok=limits.shortest_s <= probe.duration_s <= limits.longest_s,
            detail=f"{probe.duration_s:.2f} s (limit {limits.shortest_s:g} to "
            f"{limits.longest_s:g} s)",
        ),
        Finding(
            check="duration_voice",
            ok=off_s <= limits.duration_slack_s,
            detail=f"{off_s:.2f} s off the voice's {voiceover.duration_s:.2f} s "
            f"(limit {limits.duration_slack_s:g} s)",
        ),
        _captions_file(captions, voiceover),
    ]
    try:
        sound = read_sound(video)
        findings.append(judge_clipping(sound[0], limits))
        findings += judge_metered(measure(*sound), limits)
        findings.append(judge_sync(sound, read_voice(voice), limits))
    except ValueError as error:
        findings.append(Finding(check="sync", ok=False, detail=f"{error}"))
    return findings


def _captions_file(path: Path, voiceover: Voiceover) -> Finding:
    """Check that the subtitles hold the words that are spoken."""
    wanted = f"limit WebVTT with {CAPTIONED_SHARE:.0%} of the words"
    if path.stat().st_size > LARGEST_CAPTIONS:
        return Finding(check="captions_file", ok=False, detail=f"over 2 MB ({wanted})")
    if len(voiceover.words) > MOST_WORDS:
        detail = f"{len(voiceover.words)} words are too many to look for (limit {MOST_WORDS})"
        return Finding(check="captions_file", ok=False, detail=detail)
    text = path.read_bytes().decode("utf-8", "replace")
    if not text.removeprefix("\ufeff").startswith("WEBVTT"):
        return Finding(check="captions_file", ok=False, detail=f"no WebVTT ({wanted})")
    shown = _bare(html.unescape(re.sub(r"<[^<>]*>", "", text)))
    found = sum(_bare(word.text) in shown for word in voiceover.words)
    return Finding(
        check="captions_file",
        ok=found >= CAPTIONED_SHARE * len(voiceover.words),
        detail=f"{found} of {len(voiceover.words)} words ({wanted})",
    )


def _bare(text: str) -> str:
    """Return a text without spaces and without marks that only say in which direction it runs."""
    return "".join(
        letter for letter in text if not letter.isspace() and unicodedata.category(letter) != "Cf"
    )


def _of_others(
    videos: Sequence[Path], render: Render, notices: Sequence[int], limits: Limits
) -> list[Finding]:
    first, *others = videos
    try:
        main = Main(render, sound_of(first), notices)
    except ValueError as error:
        return [Finding(check="variants", ok=False, detail=f"{error}")]
    return [
        judge_variant(variant, video, main, limits)
        for variant, video in zip(render.others, others, strict=True)
    ]


async def _of_pictures(
    ctx: ToolContext, video: Path, probe: Probe, sights: Sights, limits: Limits
) -> list[Finding]:
    """Go once over the pictures; what cannot be read is a finding, not an accident."""
    findings: list[Finding] = []
    try:
        check_marks(sights.marks, sights.size)
    except ValueError as error:
        findings.append(Finding(check="marks", ok=False, detail=f"{error}"))
        sights.marks = {}
    stop, loop = Event(), asyncio.get_running_loop()
    seen_s: asyncio.Queue[float | None] = asyncio.Queue()

    def tell(at_s: float | None) -> None:
        loop.call_soon_threadsafe(seen_s.put_nowait, at_s)

    def look() -> list[Finding]:
        try:
            watched = watch(video, sights, stop=stop, on_progress=tell)
        except FFmpegError as error:
            return [Finding(check="decode", ok=False, detail=f"{error}")]
        finally:
            tell(None)
        return judge_watched(watched, probe.video_length_s, probe.fps, limits)

    try:
        async with asyncio.TaskGroup() as group:
            judged = group.create_task(asyncio.to_thread(look))
            while (at_s := await seen_s.get()) is not None:
                share = min(1.0, at_s / max(probe.duration_s, 0.1))
                await ctx.progress(0.3 + 0.6 * share, "Looking")
    finally:
        stop.set()  # the thread ends with the picture that it is at
    findings += judged.result()
    return [*findings, *judge_text(sights, limits), *judge_places(sights, limits)]


TOOL = Tool(
    run=check_video,
    title="Check a finished video",
    scope="agent",
    timeout_s=180,
    task=True,
    read_only=True,
)
