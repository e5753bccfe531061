"""A job from the tick that makes it to its publication, traced, in a process of its own.

python traced_process.py '{"home": …, "dsn": …, "admin_dsn": …, "otlp_url": …, "sample": 1}'

It opens the studio twice, as two processes would: up to the operator's word, and from there on.
"""

import asyncio
import json
import sys
from datetime import timedelta
from typing import Any

from bookai import tracing
from bookai.db import approvals
from bookai.db.checkpoints import new_saver, open_checkpoint_pool
from bookai.models import Capability, MadeList, Record, VideoJob
from bookai.settings import Settings
from bookai.toolbox import Toolbox
from graphs.production import Production
from studio.engine import Inline
from studio.office import open_office
from studio.wiring import open_hand
from tests.graphs.crew import NOW, Hand, crew


class Caller(Hand):
    """Uses a tool, as a scout does."""

    def __init__(self, toolbox: Toolbox) -> None:
        super().__init__()
        self.toolbox = toolbox

    async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
        if capability == "scout":
            mine = self.toolbox.acting("scout", job.job_id)
            await mine.call("list_made", MadeList, channel="default")
        return await super().answer(capability, job)


async def carry(settings: Settings, *, make: bool) -> None:
    async with open_office(settings) as office, open_hand(office) as toolbox:
        pool = office.database.pool
        async with open_checkpoint_pool(office.database.dsn, size=2) as savers:
            production = Production(
                crew(pool, Caller(toolbox)),
                pool,
                lambda fence: new_saver(savers, fence),
                timedelta(days=36500),
                lambda: NOW,
            )
            engine = Inline(pool)
            if make:
                with tracing.tick("plan"):
                    made = await office.desk.create_job("A secret story", "default", "studio")
                job_id = made.job_id
            else:
                found = await approvals.list_(pool, "pending")
                job_id = found[0].job_id
                await approvals.decide(
                    pool, found[0].approval_id, True, "a secret reason", "operator:ann", NOW
                )
            async with pool.acquire() as con, con.transaction():
                await engine.enqueue(con, job_id)
            await engine.serve(production.advance, 1, asyncio.Event())


async def main(options: dict[str, Any]) -> None:
    traces = {"otlp_url": options.pop("otlp_url"), "sample": options.pop("sample")}
    more = {"metrics_port": 0, "traces": traces, "approvals": {"single_operator": True}}
    settings = Settings.model_validate({**options, **more})
    await carry(settings, make=True)
    await carry(settings, make=False)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
