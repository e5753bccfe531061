"""The tool with its real worker process, on small pictures."""

import asyncio
import hashlib
import os
import signal
import wave
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from bookai.errors import OperatorNeeded, Refused, ToolFailed
from bookai.models import Origin, Render, Script, Voiceover, Word
from tools.base import Desk, Fetch, ToolContext
from tools.provenance.chain import PUBLIC
from tools.provenance.manifest import Binding
from tools.provenance.read import read_credentials
from tools.render_video import TOOL, render_video

JOB = 7
SMALL: Mapping[str, Any] = {"render_video": {"width": 180, "height": 320}}
Step = Callable[[float, str], Awaitable[None]]


@dataclass
class Steps:
    """Remembers the progress a tool reports."""

    seen: list[tuple[float, str]] = field(default_factory=list)

    async def __call__(self, at: float, what: str) -> None:
        self.seen.append((at, what))


def context(work_dir: Path, progress: Step, config: Mapping[str, Any] = SMALL) -> ToolContext:
    return ToolContext(
        desk=cast(Desk, None),
        fetch=cast(Fetch, None),
        work_dir=work_dir,
        gallery_dir=work_dir,
        principal="test",
        progress=progress,
        config={"c2pa": {"folder": str(work_dir / "c2pa")}, **config},
    )


def script(*texts: str) -> Script:
    lines = [{"text": text, "kind": "beat"} for text in texts or ("Clocks stop in 2035.",)]
    facts = {"title": "Clocks", "language": "en", "draft_kind": "extractive", "writer": "test"}
    return Script.model_validate({**facts, "lines": lines, "seconds_est": 3})


def voiceover(work_dir: Path, said: Script) -> Voiceover:
    words, at = [], 0.1
    for number, line in enumerate(said.lines):
        for text in line.text.split():
            words.append(Word(text=text, line=number, start_s=at, end_s=at + 0.3))
            at += 0.3
    folder = work_dir / str(JOB)
    folder.mkdir(parents=True, exist_ok=True)
    with wave.open(str(folder / "voice.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(24_000)
        tone = 8000 * np.sin(np.arange(int((at + 0.5) * 24_000)) / 20)
        out.writeframes(tone.astype("<i2").tobytes())
    return Voiceover(
        path=str(folder / "voice.wav"),
        words=tuple(words),
        duration_s=at + 0.5,
        voice="tones",
        language="en",
        sample_rate=24_000,
    )


async def render(ctx: ToolContext, said: Script, disclosure: str = "") -> Render:
    voice = voiceover(ctx.work_dir, said)
    return await render_video(ctx, JOB, said, voice, "BookAI Studio", "Source: X", disclosure)


def files(work_dir: Path) -> list[str]:
    return sorted(path.name for path in (work_dir / str(JOB)).iterdir())


async def test_a_render_leaves_four_files_and_their_true_hashes(tmp_path: Path) -> None:
    steps = Steps()

    made = await render(context(tmp_path, steps), script(), "Advert: we earn a commission.")

    assert files(tmp_path) == [
        ".scenes",
        "captions.srt",
        "captions.vtt",
        "thumbnail.jpg",
        "video.mp4",
        "voice.wav",
    ]
    for path, digest in (
        (made.video_path, made.sha256),
        (made.thumbnail_path, made.thumbnail_sha256),
        (made.captions_path, made.captions_sha256),
    ):
        assert sha256(path) == digest
    assert (made.width, made.height, made.fps, made.encoder) == (180, 320, 30, "libx264")
    assert set(made.marks) == {"captions", "disclosure"}
    assert [at for at, _ in steps.seen] == sorted(at for at, _ in steps.seen)
    assert steps.seen[-1][0] == 1.0


async def test_without_an_offer_there_is_no_mark_for_a_disclosure(tmp_path: Path) -> None:
    made = await render(context(tmp_path, Steps()), script())

    assert set(made.marks) == {"captions"}


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")


@needs_proc
async def test_a_cancelled_render_leaves_no_process_and_no_half_made_file(tmp_path: Path) -> None:
    running = asyncio.Event()
    pids: list[int] = []

    async def progress(at: float, what: str) -> None:
        if not running.is_set():
            pids.extend(children())
            running.set()

    said = script(*["Clocks go on and on and never stop at all."] * 12)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(render(context(tmp_path, progress), said))
        await running.wait()
        task.cancel()

    assert task.cancelled()
    assert pids
    assert not [pid for pid in pids if pid in children()]
    assert files(tmp_path) == ["voice.wav"]


@needs_proc
async def test_a_render_cancelled_while_it_signs_leaves_nothing_either(tmp_path: Path) -> None:
    signing = asyncio.Event()

    async def progress(at: float, what: str) -> None:
        if what == "signing":
            signing.set()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(render(context(tmp_path, progress), script()))
        await signing.wait()
        task.cancel()

    assert task.cancelled()
    assert files(tmp_path) == ["voice.wav"]


async def test_the_finished_video_is_signed_with_what_the_job_knows(tmp_path: Path) -> None:
    ctx, said = context(tmp_path, Steps()), script()
    voice = voiceover(tmp_path, said)
    origin = Origin(source_url="https://ada:secret@example.org/a", article_sha256="ab" * 32)

    made = await render_video(ctx, JOB, said, voice, "B", "S", "Advert: we earn.", origin)

    found = read_credentials(Path(made.video_path), root_of(tmp_path))
    assert made.credentials == f"signed by {found.signer}"
    assert (found.state, found.title) == ("Trusted", "Clocks")
    assert found.binding is not None
    assert found.binding.model_copy(update={"unsigned_sha256": ""}) == Binding(
        job_id=JOB,
        source_url="https://example.org/a",
        article_sha256="ab" * 32,
        paid_promotion=True,
        draft_kind="extractive",
        writer="test",
        voice="tones",
    )
    assert str(tmp_path).encode() not in content(made.video_path)


async def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    once = await render(context(tmp_path, Steps()), script())
    twice = await render(context(tmp_path, Steps()), script())

    assert twice == once


async def test_an_unsigned_video_says_so(tmp_path: Path) -> None:
    ctx = context(tmp_path, Steps(), {**SMALL, "c2pa": {"enabled": False}})

    made = await render(ctx, script())

    assert made.credentials == "not signed: turned off in settings"
    assert read_credentials(Path(made.video_path)).state == "absent"


async def test_a_certificate_that_cannot_sign_stops_the_render_before_it_begins(
    tmp_path: Path,
) -> None:
    steps = Steps()
    table = {"certificate_file": "/none/a.pem", "key_file": "/none/b.pem"}

    with pytest.raises(OperatorNeeded, match=r"/none/a\.pem"):
        await render(context(tmp_path, steps, {**SMALL, "c2pa": table}), script())

    assert steps.seen == []


async def test_what_a_killed_render_left_behind_is_removed_by_the_next(tmp_path: Path) -> None:
    left = tmp_path / str(JOB) / ".render-dead"
    left.mkdir(parents=True)
    (left / "video.mp4").write_bytes(b"half")

    await render(context(tmp_path, Steps()), script())

    assert not left.exists()


async def test_a_refusal_keeps_the_files_of_the_render_before(tmp_path: Path) -> None:
    ctx = context(tmp_path, Steps())
    before = await render(ctx, script())

    with pytest.raises(Refused, match="Cuneiform"):
        await render(ctx, script("\U00012000\U00012001"))

    assert sha256(before.video_path) == before.sha256
    assert [name for name in files(tmp_path) if name.startswith(".")] == [".scenes"]


async def test_a_voice_track_outside_the_job_is_refused(tmp_path: Path) -> None:
    said = script()
    voice = voiceover(tmp_path, said).model_copy(update={"path": "/etc/hostname"})

    with pytest.raises(Refused, match="not in the folder of job 7"):
        await render_video(context(tmp_path, Steps()), JOB, said, voice, "B", "S", "")


async def test_a_missing_voice_track_is_refused_with_its_name(tmp_path: Path) -> None:
    said = script()
    voice = voiceover(tmp_path, said)
    os.unlink(voice.path)

    with pytest.raises(Refused, match=r"voice\.wav"):
        await render_video(context(tmp_path, Steps()), JOB, said, voice, "B", "S", "")


async def test_a_voice_track_of_an_hour_is_refused(tmp_path: Path) -> None:
    said = script()
    voice = voiceover(tmp_path, said).model_copy(update={"duration_s": 3600.0})

    with pytest.raises(Refused, match="limit is 180 s"):
        await render_video(context(tmp_path, Steps()), JOB, said, voice, "B", "S", "")


@needs_proc
async def test_a_worker_that_is_killed_is_reported_with_the_signal(tmp_path: Path) -> None:
    said = script()
    voice = voiceover(tmp_path, said)

    async def progress(at: float, what: str) -> None:
        for pid in children():
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(ToolFailed, match="signal 9"):
        await render_video(context(tmp_path, progress), JOB, said, voice, "B", "S", "")

    assert files(tmp_path) == ["voice.wav"]


async def test_a_wrong_setting_needs_the_operator_and_names_it(tmp_path: Path) -> None:
    ctx = context(tmp_path, Steps(), {"render_video": {"width": 7}})

    with pytest.raises(OperatorNeeded, match=r"\[plugins\.render_video\] width"):
        await render(ctx, script())


async def test_a_font_that_is_none_needs_the_operator(tmp_path: Path) -> None:
    ctx = context(tmp_path, Steps(), {"render_video": {**SMALL["render_video"], "font": "/none"}})

    with pytest.raises(OperatorNeeded, match="/none"):
        await render(ctx, script())


def test_it_is_a_tool_for_agents() -> None:
    assert (TOOL.name, TOOL.scope, TOOL.needs_approval) == ("render_video", "agent", False)


def root_of(work_dir: Path) -> str:
    return (work_dir / "c2pa" / PUBLIC).read_text()


def content(path: str) -> bytes:
    return Path(path).read_bytes()


def sha256(path: str) -> str:
    return hashlib.sha256(content(path)).hexdigest()


def children() -> list[int]:
    """Return the processes that this one started and that still run."""
    own = os.getpid()
    found = []
    for thread in Path(f"/proc/{own}/task").iterdir():
        found += [int(pid) for pid in (thread / "children").read_text().split()]
    return [pid for pid in found if b"render._worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
