import asyncio
from pathlib import Path

import pytest

from bookai.errors import OperatorNeeded, ToolFailed
from tools.ffmpeg.runner import find_ffmpeg, run_ffmpeg

TWO_SECONDS = ["-f", "lavfi", "-i", "color=size=64x64:rate=10:duration=2", "-f", "null", "-"]


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def runs(pid: int) -> bool:
    """Return whether a process still works; one that waits to be reaped does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def nowhere() -> str:
    raise RuntimeError("no bundled ffmpeg")


def test_the_operators_choice_comes_first(tmp_path: Path) -> None:
    mine = program(tmp_path / "mine", "exit 0")

    assert find_ffmpeg({"ffmpeg": {"path": str(mine)}}) == mine


def test_a_choice_that_is_not_there_names_the_mend(tmp_path: Path) -> None:
    with pytest.raises(OperatorNeeded) as caught:
        find_ffmpeg({"ffmpeg": {"path": str(tmp_path / "gone")}})

    assert "BOOKAI_FFMPEG" in caught.value.mend


def test_a_choice_that_is_not_executable_names_the_mend(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")

    with pytest.raises(OperatorNeeded) as caught:
        find_ffmpeg({"ffmpeg": {"path": str(plain)}})

    assert "chmod +x" in caught.value.mend


def test_without_the_bundled_one_the_path_is_searched(tmp_path: Path) -> None:
    found = find_ffmpeg({}, bundled=nowhere, which=lambda name: f"{tmp_path}/{name}")

    assert found == tmp_path / "ffmpeg"


def test_without_any_ffmpeg_the_operator_is_needed() -> None:
    with pytest.raises(OperatorNeeded) as caught:
        find_ffmpeg({}, bundled=nowhere, which=lambda name: None)

    assert "imageio-ffmpeg" in caught.value.mend


async def test_progress_grows_to_the_length_of_the_output() -> None:
    seen: list[float] = []

    async def on_progress(done_s: float) -> None:
        seen.append(done_s)

    await run_ffmpeg(TWO_SECONDS, binary=find_ffmpeg({}), timeout_s=20, on_progress=on_progress)

    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(2.0, abs=0.2)


async def test_a_failure_says_ffmpegs_last_useful_line(tmp_path: Path) -> None:
    gone = tmp_path / "gone.mp4"

    with pytest.raises(ToolFailed, match="No such file"):
        await run_ffmpeg(["-i", str(gone), "-f", "null", "-"], binary=find_ffmpeg({}), timeout_s=20)


async def test_arguments_never_reach_a_shell(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed):
        await run_ffmpeg(["-i", f"x; touch {tmp_path}/made"], binary=find_ffmpeg({}), timeout_s=20)

    assert not (tmp_path / "made").exists()


async def test_a_program_that_does_not_start_needs_the_operator(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)

    with pytest.raises(OperatorNeeded):
        await run_ffmpeg([], binary=broken, timeout_s=5)


async def test_a_deadline_stops_the_whole_group(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    slow = program(tmp_path / "slow", f"sleep 60 & echo $$ $! > {pids}; echo busy >&2; wait")

    with pytest.raises(ToolFailed, match=r"within 0\.5 s.*busy"):
        await run_ffmpeg([], binary=slow, timeout_s=0.5)

    assert [runs(int(pid)) for pid in pids.read_text().split()] == [False, False]


async def test_cancelling_stops_the_whole_group(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    slow = program(
        tmp_path / "slow", f"sleep 60 & echo $$ $! > {pids}; echo out_time_us=1000000; wait"
    )
    started = asyncio.Event()

    async def on_progress(done_s: float) -> None:
        started.set()

    task = asyncio.create_task(run_ffmpeg([], binary=slow, timeout_s=30, on_progress=on_progress))
    await asyncio.wait_for(started.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [runs(int(pid)) for pid in pids.read_text().split()] == [False, False]


async def test_an_error_of_the_listener_stops_ffmpeg_and_comes_out_as_itself() -> None:
    async def on_progress(done_s: float) -> None:
        raise ToolFailed("nobody listens")

    with pytest.raises(ToolFailed, match="nobody listens"):
        await run_ffmpeg(TWO_SECONDS, binary=find_ffmpeg({}), timeout_s=20, on_progress=on_progress)


async def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    endless = program(tmp_path / "endless", "head -c 3000000 /dev/zero >&2; echo last >&2; exit 3")

    with pytest.raises(ToolFailed) as caught:
        await run_ffmpeg([], binary=endless, timeout_s=20)

    assert len(str(caught.value)) < 3000
