"""A node's result is written, the checkpoint behind it is not: the run is not over."""

from typing import Any

import pytest

from bookai.db import jobs
from bookai.db.checkpoints import CheckpointPool, FencedSaver, open_checkpoint_pool
from bookai.db.pool import Pool, Unreachable
from bookai.db.runs.fence import Fence
from graphs.advance import Advance
from graphs.production import Production
from tests.graphs.crew import ALL, NOW, Hand, crew
from tests.graphs.test_production import TTL, decide, new_job

# A whole run writes so many: two at the start, one a node.
CHECKPOINTS = 13


class Fails:
    """Makes savers of which one, once, loses Postgres instead of writing its n-th checkpoint."""

    def __init__(self, savers: CheckpointPool, nth: int) -> None:
        self.savers = savers
        self.left = nth
        self.has_failed = False

    def __call__(self, fence: Fence) -> FencedSaver:
        fails = self

        class Saver(FencedSaver):
            async def aput(self, *args: Any, **kwargs: Any) -> Any:
                fails.left -= 1
                if fails.left == 0:
                    fails.has_failed = True
                    raise Unreachable("Postgres crashed.", mend="Start it.")
                return await super().aput(*args, **kwargs)

        return Saver(self.savers, fence)


@pytest.mark.parametrize("nth", range(1, CHECKPOINTS + 1))
async def test_a_checkpoint_lost_after_its_step_ends_no_run(pool: Pool, dsn: str, nth: int) -> None:
    hand, job_id = Hand(), await new_job(pool)
    async with open_checkpoint_pool(dsn) as savers:
        fails = Fails(savers, nth)
        main = Production(crew(pool, hand), pool, fails, TTL, lambda: NOW)

        async def advance() -> Advance:
            try:
                return await main.advance(job_id)
            except Unreachable:
                return await main.advance(job_id)

        assert await advance() == Advance("waiting")
        await decide(pool, job_id, approve=True)
        assert await advance() == Advance("done")

    assert fails.has_failed
    assert hand.runs == dict.fromkeys(ALL, 1)
    assert (await jobs.load(pool, job_id)).publication is not None
