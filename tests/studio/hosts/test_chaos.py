"""Sixty real steps through three processes that are killed, frozen and answer nonsense."""

from pathlib import Path
from random import Random

import pytest

from bookai.db.pool import Pool
from graphs.chain import Limit
from tests.studio.hosts import chaos


async def test_no_step_is_lost_late_or_done_twice_while_hosts_die(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"write": Limit(3.0, 12.0)}
    monkeypatch.setattr("graphs.steps.LIMITS", limits)
    monkeypatch.setattr(chaos, "LIMITS", limits)
    tally = chaos.Tally()
    async with chaos.troubled(pool, tmp_path, Random(4), tally, calm_s=0.4) as crew:
        done = await chaos.work(crew, 60, at_once=6, tally=tally)
    await chaos.audit(pool, tmp_path, done, tally)

    assert tally.ok + tally.errors.total() == 60
    assert (tally.defects, tally.late, tally.unclear) == ({}, [], 0)
    assert (tally.twice, tally.without_effect) == (0, 0)
    assert tally.ok >= 57
