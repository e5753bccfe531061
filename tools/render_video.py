"""Render a video: its own process draws and encodes, this tool watches over it."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

import tools
from bookai.errors import OperatorNeeded, Refused, ToolFailed
from bookai.film.material import BrandKit, Material
from bookai.film.shots import Wishes
from bookai.models import Origin, Render, Script, Voiceover
from tools.base import Tool, ToolContext
from tools.ffmpeg.runner import find_ffmpeg
from tools.media.gather import gather
from tools.media.paths import inside, job_folder
from tools.media.tether import LEAN, lent, tether
from tools.provenance.chain import open_identity
from tools.provenance.config import read_config
from tools.provenance.manifest import Binding, Order, bind
from tools.render.encoders.probe import Choice, choose_encoder
from tools.render.encoders.recipes import CPU
from tools.render.engine.record import described
from tools.render.engine.targets import NAMES, others_of, render_config
from tools.render.spec import Outcome, Progress, Spec, check_room, is_full, no_space

LONGEST_S = 180.0
PROJECT = Path(tools.__file__).resolve().parents[1]
LONGEST_LINE = 1 << 23  # the shot report of the longest script
SCENES = ".scenes"
ENCODERS = ".encoder.json"


async def render_video(  # noqa: PLR0913 (an MCP tool's parameters are its schema)
    ctx: ToolContext,
    job_id: Annotated[int, Field(description="The job whose folder gets the files.", ge=1)],
    script: Annotated[Script, Field(description="What is spoken, line by line.")],
    voiceover: Annotated[Voiceover, Field(description="What speak returned.")],
    brand: Annotated[str, Field(max_length=100, description="The channel's name, as shown.")],
    credit: Annotated[str, Field(max_length=200, description="Such as 'Source: Wikinews'.")],
    disclosure: Annotated[
        str,
        Field(max_length=500, description="The disclosure to show; '' when there is no offer."),
    ],
    origin: Annotated[
        Origin | None, Field(description="The text it was made from, for its credentials.")
    ] = None,
    material: Annotated[
        Material | None,
        Field(description="The source's text, and pictures or clips with their rights."),
    ] = None,
    kit: Annotated[BrandKit | None, Field(description="The channel's colours and logo.")] = None,
    wishes: Annotated[
        Wishes | None, Field(description="Shots that an operator wants instead.")
    ] = None,
) -> Render:
    """Render the finished video with captions, shot report, thumbnail and subtitle files.

    Call it after speak. Scenes that did not change since the last render are taken over. The video
    is signed last (Content Credentials). The same input gives the same video; files of an earlier
    render are replaced only when the new ones are complete.
    """
    config = render_config(ctx.config.get("render_video", {}))
    voice = _voice(ctx.work_dir, job_id, voiceover)
    folder = job_folder(ctx.work_dir, job_id)
    facts = bind(job_id, script, voiceover, disclosure, origin or Origin())
    order = await asyncio.to_thread(_order, ctx.config, script.title, facts, folder)
    look = _allowed(kit or BrandKit(), ctx.config)
    ffmpeg = find_ffmpeg(ctx.config)
    choice = await choose_encoder(ffmpeg, ctx.work_dir / ENCODERS)
    shown = await asyncio.to_thread(
        gather, ctx.work_dir, job_id, ctx.config, script, material or Material()
    )
    scratch = _scratch(folder)
    try:
        spec = Spec(
            script=script,
            voiceover=voiceover.model_copy(update={"path": str(voice)}),
            brand=brand,
            credit=credit,
            disclosure=disclosure,
            font=config.font,
            size=config.size,
            order=order,
            material=shown,
            kit=look,
            swaps={one.line: one.kind for one in wishes.swaps} if wishes else {},
            others=others_of(config, scratch),
            store=str(folder / SCENES),
            encoder=choice.name,
            ffmpeg=str(ffmpeg),
            **{key: str(scratch / name) for key, name in NAMES.items()},
        )
        try:
            outcome = await _run(ctx, spec, scratch)
        except ToolFailed as error:
            if not choice.hardware:
                raise
            # A driver that was updated or a card that is full works again tomorrow, not today.
            (ctx.work_dir / ENCODERS).unlink(missing_ok=True)
            reason = f"{CPU} on the CPU: {choice.name} failed at this very render: {error}"
            choice = Choice(name=CPU, reason=reason)
            spec = spec.model_copy(update={"encoder": CPU})
            outcome = await _run(ctx, spec, scratch)
        render = await asyncio.to_thread(described, spec, folder, outcome, choice)
        for name in (*NAMES.values(), *(Path(one.video_path).name for one in spec.others)):
            os.replace(scratch / name, folder / name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    await ctx.progress(
        1.0,
        f"{outcome.frames} frames, {outcome.coded} coded, {outcome.reused} of {outcome.parts} parts"
        f" taken over, {render.size_bytes / 1e6:.1f} MB",
    )
    return render


def _allowed(kit: BrandKit, tables: Mapping[str, Any]) -> BrandKit:
    """Return the kit; files of it are opened only where a channel in the settings names them."""
    named = tables.get("kits", {}).get("files", ())
    for what, path in (("font", kit.font), ("logo", kit.logo)):
        if path and path not in named:
            raise Refused(
                f"The {what} {Path(path).name!r} is no channel's: name it in"
                f" [channels.NAME.kit] {what} of studio.toml."
            )
        if path and not Path(path).is_file():
            raise OperatorNeeded(
                f"The channel's {what} {path!r} is no file.",
                mend="Correct [channels.NAME.kit] in studio.toml.",
            )
    return kit


def _voice(work_dir: Path, job_id: int, voiceover: Voiceover) -> Path:
    """Return the voice track's file, or refuse what cannot be filmed."""
    voice = inside(work_dir, job_id, voiceover.path)
    if not voice.is_file():
        raise Refused(f"There is no voice track {voice.name!r} in job {job_id}: speak it first.")
    if not 0 < voiceover.duration_s <= LONGEST_S:
        raise Refused(
            f"The voice track takes {voiceover.duration_s:.0f} s and the limit is"
            f" {LONGEST_S:.0f} s: shorten the script."
        )
    return voice


def _order(tables: Mapping[str, Any], title: str, facts: Binding, folder: Path) -> Order | None:
    """Return what is to be signed, or None; a certificate that cannot sign stops it here."""
    config = read_config(tables)
    if not config.enabled:
        return None
    open_identity(config, datetime.now(UTC))
    earlier = folder / NAMES["video_path"]
    return Order(config=config, title=title, binding=facts, earlier=str(earlier))


def _scratch(folder: Path) -> Path:
    """Return a fresh folder for half-made files; what a killed render left is removed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".render-*"):
            shutil.rmtree(left, ignore_errors=True)
        check_room(folder)
        return Path(tempfile.mkdtemp(prefix=".render-", dir=folder))
    except OSError as error:
        if is_full(error):
            raise no_space(folder) from error
        raise OperatorNeeded(
            f"{str(folder)!r} cannot be written: {error.strerror}.",
            mend="Correct the rights of that folder, then run the job again.",
        ) from error


async def _run(ctx: ToolContext, spec: Spec, scratch: Path) -> Outcome:
    """Run the worker in its own process group; nothing of it outlives this call."""
    request = scratch / "spec.json"
    try:
        request.write_text(spec.model_dump_json(), encoding="utf-8")
    except OSError as error:
        raise no_space(scratch.parent) from error
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tools.render._worker",
        str(request),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        limit=LONGEST_LINE,
        cwd=PROJECT,
        env=lent() | LEAN,
        start_new_session=True,
        preexec_fn=tether(),
    )
    try:
        async with asyncio.TaskGroup() as group:
            errors = group.create_task(_last_line(process))
            answers = group.create_task(_follow(ctx, process))
        await process.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return _judged(answers.result(), errors.result(), process.returncode)


async def _follow(ctx: ToolContext, process: Process) -> Outcome | None:
    """Forward the worker's progress; return its answer, or None where it died without one."""
    assert process.stdout is not None
    outcome = None
    async for raw in process.stdout:
        with suppress(ValidationError):
            progress = Progress.model_validate_json(raw)
            # The last percent is for the caller's own work: hashing and renaming.
            await ctx.progress(0.99 * progress.at, progress.what)
            continue
        with suppress(ValidationError):
            outcome = Outcome.model_validate_json(raw)
    return outcome


async def _last_line(process: Process) -> str:
    """Return the last line of the worker's error output, at most 300 characters."""
    assert process.stderr is not None
    tail = b""
    while part := await process.stderr.read(4096):
        tail = (tail + part)[-8192:]
    lines = tail.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else ""


def _judged(outcome: Outcome | None, last: str, code: int | None) -> Outcome:
    if outcome is None:
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        raise ToolFailed(
            f"The render process ended with {how}: {last or 'it said nothing'}. Run the job again;"
            " signal 9 without a kill mostly means that memory ran out."
        )
    if outcome.error == "Refused":
        raise Refused(outcome.message)
    if outcome.error == "OperatorNeeded":
        raise OperatorNeeded(outcome.message)
    if outcome.error:
        raise ToolFailed(f"The render failed: {outcome.message}. Run the job again.")
    return outcome


TOOL = Tool(run=render_video, title="Render the video", scope="agent", timeout_s=600, task=True)
