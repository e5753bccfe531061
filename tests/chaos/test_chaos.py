"""The studio under faults: many seeds, and those that once found something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.schedule import KINDS, draw

# What fits into the gate's twenty minutes beside the suite; `make chaos` runs more.
SEEDS = "40"
ROOT = Path(__file__).resolve().parents[2]


def chaos(*arguments: str) -> str:
    """Run the harness in a process of its own: it forks, and this one has threads and loops."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    return done.stdout


def test_a_seed_draws_the_same_schedule_each_time() -> None:
    assert draw(1234) == draw(1234)
    assert draw(1234) != draw(1235)


def test_any_hundred_seeds_in_a_row_meet_every_kind_of_fault() -> None:
    for first in (0, 777):
        kinds = {fault.kind for seed in range(first, first + 100) for fault in draw(seed).faults}

        assert kinds == set(KINDS)


def test_a_fault_strikes_at_a_place_of_its_own_kind() -> None:
    at_a_seam = {"kill at a seam", "freeze at a seam", "tool hangs", "answer lost"}
    at_a_seam |= {"child ignores SIGTERM", "parent dies first"}
    for fault in (fault for seed in range(400) for fault in draw(seed).faults):
        assert bool(fault.seam) == (fault.kind in at_a_seam), fault
        assert bool(fault.nth) != bool(fault.after_ms), fault
        assert fault.much > 0 or not fault.kind.startswith("freeze"), fault


@pytest.mark.timeout(300)
def test_what_faults_once_found_stays_mended() -> None:
    said = chaos("--found")

    assert "no invariant was broken" in said


@pytest.mark.timeout(1500)
def test_nothing_is_lost_and_nothing_happens_twice_in_broken_runs() -> None:
    said = chaos("--count", SEEDS)

    assert "no invariant was broken" in said
