"""Workers that die, hang and babble; and a batch that is killed. The worker is an odd one."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from studio.batch.crew import PROJECT, ROWS_A_LIFE, default_workers, work
from studio.batch.ledger import NAME
from studio.batch.records import Made, Row, Task
from studio.batch.run import run_batch
from tests.studio.batch.odd_batch import ODD, setup_in, tell

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and tethers")


def row(title: str) -> Row:
    return Row(title=title, lines=("Hello.",), language="en")


def tasks(*titles: str) -> Iterator[Task]:
    return (
        Task(number=number, digest=f"d{number}", row=row(title))
        for number, title in enumerate(titles, 1)
    )


async def made_of(tmp_path: Path, *titles: str, row_s: float = 60.0) -> dict[int, Made]:
    found: list[Made] = []
    await work(tasks(*titles), setup_in(tmp_path), 1, found.append, module=ODD, row_s=row_s)
    return {made.row: made for made in found}


def pids(found: Sequence[Made]) -> list[str]:
    return [pid for made in found for pid in made.files.values()]


def lives(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_a_worker_lives_on_between_rows_and_is_replaced_after_twenty(tmp_path: Path) -> None:
    found = await made_of(tmp_path, *["quick"] * (ROWS_A_LIFE + 1))

    said = pids(list(found.values()))
    assert len(said) == ROWS_A_LIFE + 1
    assert len(set(said[:ROWS_A_LIFE])) == 1
    assert said[-1] != said[0]
    assert not [pid for pid in said if lives(pid)]


async def test_a_dead_worker_costs_its_row_and_no_other(tmp_path: Path) -> None:
    found = await made_of(tmp_path, "quick", "die", "exit", "babble", "quick")

    assert [found[number].ok for number in range(1, 6)] == [True, False, False, False, True]
    assert found[2].error == (
        "The worker ended with SIGKILL (mostly: memory ran out). Run the batch again with --resume."
    )
    assert found[3].error.startswith("The worker ended with exit code 1: the disk is on fire.")
    assert (found[4].row, found[4].digest) == (4, "d4")


async def test_a_worker_that_hangs_is_stopped(tmp_path: Path, pipe: Path) -> None:
    found = await made_of(tmp_path, f"wait:{pipe}", row_s=0.7)

    assert found[1].error.startswith("The worker gave no answer in 0.7 s and was stopped.")


def test_workers_fit_the_memory_that_is_free(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"

    meminfo.write_text("MemTotal: 9 kB\nMemAvailable:    2202009 kB\n")
    assert default_workers(8, meminfo) == 3
    assert default_workers(2, meminfo) == 2
    meminfo.write_text("MemAvailable: 10 kB\n")
    assert default_workers(8, meminfo) == 1
    assert default_workers(8, tmp_path / "none") == 8


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.fixture
def rows(tmp_path: Path, pipe: Path) -> Path:
    """Two quick rows and one that waits."""
    file = tmp_path / "rows.jsonl"
    titles = ("quick", "quick", f"wait:{pipe}")
    file.write_text("".join(row(title).model_dump_json() + "\n" for title in titles))
    return file


def ended_by(number: int, rows: Path, out: Path, pipe: Path) -> tuple[int, float]:
    """Start the batch, send it a signal while the third row is at work; return code and seconds."""
    command = [sys.executable, "-m", "tests.studio.batch.odd_batch", str(rows), str(out), "1"]
    with (
        subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL) as batch,
        pipe.open("rb") as begun,
    ):
        assert begun.readline() == b"begun\n"
        sent = time.monotonic()
        batch.send_signal(number)
        code = batch.wait(10)
        # The pipe's end: the worker that held it open is gone too.
        assert begun.read() == b""
        return code, time.monotonic() - sent


def results(out: Path) -> list[int]:
    return [json.loads(line)["row"] for line in (out / NAME).read_text().splitlines()]


def test_control_c_leaves_no_process_and_no_half_made_file(
    rows: Path, tmp_path: Path, pipe: Path
) -> None:
    out = tmp_path / "out"

    code, took_s = ended_by(signal.SIGINT, rows, out, pipe)

    assert code == 130
    assert took_s < 2
    assert sorted(path.name for path in out.iterdir()) == ["0001", "0002", NAME]


def test_after_kill_9_finished_rows_are_kept_and_the_rest_is_made(
    rows: Path, tmp_path: Path, pipe: Path
) -> None:
    out = tmp_path / "out"
    code, _ = ended_by(signal.SIGKILL, rows, out, pipe)
    assert code == -signal.SIGKILL
    assert results(out) == [1, 2]
    rows.write_text(rows.read_text().replace(f"wait:{pipe}", "quick"))

    tally = asyncio.run(run_batch(rows, setup_in(out), 1, tell, resume=True, module=ODD))

    assert (tally.kept, tally.done, tally.failed) == (2, 1, 0)
    assert results(out) == [1, 2, 3]
    assert sorted(path.name for path in out.iterdir()) == ["0001", "0002", "0003", NAME]
