"""Queues as an operator names and sees them: the option of `bookai worker`, and the metrics."""

import pytest
from click import BadParameter
from prometheus_client import REGISTRY

from bookai.db import jobs
from bookai.db.pool import Pool
from graphs.line import NODES
from graphs.queues import QUEUES, queue_of
from studio.commands.doors import _hands
from studio.daemon import Hands
from studio.engine import Procrastinate
from studio.recovery import measure, recover


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ((), [Hands(2)]),
        (("render",), [Hands(2, ("render",))]),
        (("render", "publish"), [Hands(2, ("render", "publish"))]),
        (("graph=4", "render=1"), [Hands(4, ("graph",)), Hands(1, ("render",))]),
        (("graph=4", "publish"), [Hands(4, ("graph",)), Hands(2, ("publish",))]),
    ],
)
def test_queues_with_a_number_work_apart_and_the_others_share_one(
    named: tuple[str, ...], expected: list[Hands]
) -> None:
    assert _hands(named, 2) == expected


@pytest.mark.parametrize("named", ["rendr", "render=", "render=0", "render=99", "desk-1", "=2"])
def test_a_queue_that_is_none_is_told_with_those_that_are(named: str) -> None:
    with pytest.raises(BadParameter, match="graph, render, publish"):
        _hands((named,), 1)


def test_every_node_belongs_to_a_queue() -> None:
    assert {queue_of(node) for node in NODES} == set(QUEUES)


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_each_queue_is_measured_also_when_it_is_empty_again(pool: Pool, dsn: str) -> None:
    engine = Procrastinate(dsn, pool)
    async with pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", "default", "operator:test")
        await engine.enqueue(con, job_id)
    await pool.execute("UPDATE procrastinate_events SET at = at - interval '1 minute'")
    await measure(pool)
    waiting = [metric("bookai_queue_jobs", queue=name) for name in (*QUEUES, "desk")]
    oldest_s = metric("bookai_queue_oldest_seconds", queue="graph")

    await pool.execute("DELETE FROM procrastinate_jobs")
    await measure(pool)

    assert waiting == [1, 0, 0, 0]
    assert round(oldest_s or 0) == 60
    assert metric("bookai_queue_jobs", queue="graph") == 0
    assert metric("bookai_queue_oldest_seconds", queue="graph") == 0
    assert metric("bookai_workers_alive") == 0


async def test_a_lost_job_is_queued_again_where_it_stands(pool: Pool, dsn: str) -> None:
    engine = Procrastinate(dsn, pool)
    async with pool.acquire() as con, con.transaction():
        await jobs.create(con, "a.md", "default", "operator:test")
    await pool.execute(
        "UPDATE video_jobs SET queue = 'publish', updated_at = now() - interval '1 hour'"
    )

    assert await recover(pool, engine) == 1
    assert await recover(pool, engine) == 0
    assert await engine.depth() == {"publish": 1}
