"""Look at the finished file itself: nothing that is wrong in it goes to an approval."""

import asyncio
import html
import re
import tempfile
from pathlib import Path
from typing import Annotated

from pydantic import Field

from bookai.errors import ToolFailed
from bookai.models import CheckReport, Finding, Origin, Render, Script, Voiceover
from tools.base import Tool, ToolContext
from tools.checks.credentials import judge_credentials
from tools.checks.detect import Crop, detector_arguments, judge_measured, read_log
from tools.checks.limits import Limits, read_limits
from tools.checks.pixels import Look, crop_around, judge_text, looks_for, read_frames
from tools.checks.probe import (
    Probe,
    judge_bytes,
    judge_order,
    judge_streams,
    judge_thumbnail,
    read_probe,
)
from tools.checks.sound import judge_clipping, judge_sync, read_sound, read_voice
from tools.ffmpeg.runner import find_ffmpeg, run_ffmpeg
from tools.media.paths import inside
from tools.provenance.config import read_config
from tools.provenance.manifest import bind

PASS_TIMEOUT_S = 150.0
LARGEST_CAPTIONS = 2_000_000
CAPTIONED_SHARE = 0.95


async def check_video(
    ctx: ToolContext,
    job_id: Annotated[int, Field(description="The job that made the video.", ge=1)],
    render: Annotated[Render, Field(description="What render_video returned.")],
    script: Annotated[Script, Field(description="The script that is spoken.")],
    voiceover: Annotated[Voiceover, Field(description="What speak returned.")],
    disclosure: Annotated[
        str,
        Field(max_length=500, description="The disclosure that must be seen; '' when none."),
    ],
) -> CheckReport:
    """Measure the finished video and say, check by check, whether it may be published.

    Call it after render_video. Reads streams, order, bytes, black, still and silent stretches,
    loudness, peaks, sync with the voice, captions and disclosure on the pixels, thumbnail, and
    Content Credentials. Do not use it for the state of a job (use get_job).
    """
    limits, config = read_limits(ctx.config.get("check_video", {})), read_config(ctx.config)
    video = inside(ctx.work_dir, job_id, render.video_path)
    thumbnail = inside(ctx.work_dir, job_id, render.thumbnail_path)
    captions = inside(ctx.work_dir, job_id, render.captions_path)
    voice = inside(ctx.work_dir, job_id, voiceover.path)
    missing = [path.name for path in (video, thumbnail, captions, voice) if not path.is_file()]
    if missing:
        return _report([Finding(check="files", ok=False, detail=f"missing: {', '.join(missing)}")])
    try:
        probe = await asyncio.to_thread(read_probe, video)
    except ValueError as error:
        return _report([Finding(check="container", ok=False, detail=f"{error}")])

    await ctx.progress(0.1, "Reading the finished file")
    findings = await asyncio.to_thread(_of_streams, video, probe, render, limits)
    findings += await asyncio.to_thread(_of_bytes, (video, thumbnail, captions), render, limits)
    facts = bind(job_id, script, voiceover, disclosure, Origin())
    findings.append(await asyncio.to_thread(judge_credentials, video, config, facts))
    findings += await asyncio.to_thread(
        _of_voice, (video, voice, captions), probe, voiceover, limits
    )
    await ctx.progress(0.3, "Looking at every frame")
    looks = looks_for(script, voiceover, probe.fps, disclosure)
    findings += await _of_pictures(ctx, video, probe, (render, looks, limits))
    return _report(findings)


def _report(findings: list[Finding]) -> CheckReport:
    return CheckReport(ok=all(finding.ok for finding in findings), findings=tuple(findings))


def _of_streams(video: Path, probe: Probe, render: Render, limits: Limits) -> list[Finding]:
    return [*judge_streams(probe, render, limits), judge_order(video)]


def _of_bytes(files: tuple[Path, Path, Path], render: Render, limits: Limits) -> list[Finding]:
    video, thumbnail, captions = files
    return [
        judge_bytes("sha256", video, render.sha256),
        judge_bytes("thumbnail_sha256", thumbnail, render.thumbnail_sha256),
        judge_bytes("captions_sha256", captions, render.captions_sha256),
        judge_thumbnail(thumbnail, limits),
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
        findings.append(judge_sync(sound, read_voice(voice), limits))
    except ValueError as error:
        findings.append(Finding(check="sync", ok=False, detail=f"{error}"))
    return findings


def _captions_file(path: Path, voiceover: Voiceover) -> Finding:
    """Check that the subtitles hold the words that are spoken."""
    wanted = f"limit WebVTT with {CAPTIONED_SHARE:.0%} of the words"
    if path.stat().st_size > LARGEST_CAPTIONS:
        return Finding(check="captions_file", ok=False, detail=f"over 2 MB ({wanted})")
    text = path.read_bytes().decode("utf-8", "replace")
    if not text.removeprefix("\ufeff").startswith("WEBVTT"):
        return Finding(check="captions_file", ok=False, detail=f"no WebVTT ({wanted})")
    shown = "".join(html.unescape(re.sub(r"<[^<>]*>", "", text)).split())
    found = sum(word.text in shown for word in voiceover.words)
    return Finding(
        check="captions_file",
        ok=found >= CAPTIONED_SHARE * len(voiceover.words),
        detail=f"{found} of {len(voiceover.words)} words ({wanted})",
    )


async def _of_pictures(
    ctx: ToolContext, video: Path, probe: Probe, wanted: tuple[Render, list[Look], Limits]
) -> list[Finding]:
    """Let ffmpeg go once over the file; what it cannot read is a finding, not an accident."""
    render, looks, limits = wanted
    binary = find_ffmpeg(ctx.config)
    marks, findings = render.marks, list[Finding]()
    try:
        crop = crop_around(marks, (probe.width, probe.height))
    except ValueError as error:
        findings.append(Finding(check="marks", ok=False, detail=f"{error}"))
        marks, crop = {}, Crop(0, 0, 0, 0)
    frames = [look.frame for look in looks] if marks else []

    async def on_progress(done_s: float) -> None:
        await ctx.progress(0.3 + 0.6 * min(1.0, done_s / max(probe.duration_s, 0.1)), "Looking")

    with tempfile.TemporaryDirectory(prefix="bookai-check-") as folder:
        luma = Path(folder) / "frames.gray"
        arguments = detector_arguments(video, frames, crop, luma)
        try:
            run = await run_ffmpeg(
                arguments, binary=binary, timeout_s=PASS_TIMEOUT_S, on_progress=on_progress
            )
            measured = read_log(run.log, probe.duration_s)
        except (ToolFailed, ValueError) as error:
            return [*findings, Finding(check="decode", ok=False, detail=f"{error}")]
        seen = await asyncio.to_thread(read_frames, luma, frames, crop)
    findings += judge_measured(measured, probe.duration_s, limits)
    return findings + judge_text(looks, seen, marks, crop, limits)


TOOL = Tool(
    run=check_video,
    title="Check a finished video",
    scope="agent",
    timeout_s=180,
    task=True,
    read_only=True,
)
