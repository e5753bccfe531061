"""The main line on a real Postgres: waiting, deciding, rewriting, giving up, carrying on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from agents.base import Agent
from bookai.db import approvals, audit, executions, jobs
from bookai.db.checkpoints import CheckpointPool, new_saver, open_checkpoint_pool
from bookai.db.pool import Pool
from bookai.errors import NotYet, OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.models import Capability, Record, Trend, VideoJob
from graphs.advance import Advance
from graphs.chain import Limit
from graphs.production import Production
from graphs.steps import Crew
from tests.graphs.crew import ALL, ARTICLE, NOW, RESULTS, Hand, crew, review

TTL = timedelta(hours=1)


@asynccontextmanager
async def line(pool: Pool, dsn: str, *agents: Agent) -> AsyncIterator[Production]:
    async with open_checkpoint_pool(dsn) as savers:
        yield production(crew(pool, *agents), pool, savers)


def production(hands: Crew, pool: Pool, savers: CheckpointPool) -> Production:
    return Production(hands, pool, lambda fence: new_saver(savers, fence), TTL, lambda: NOW)


async def new_job(pool: Pool) -> int:
    async with pool.acquire() as con, con.transaction():
        return await jobs.create(con, "a.md", "default", "operator:test")


async def decide(pool: Pool, job_id: int, approve: bool, reason: str = "") -> None:
    approval_id = (await jobs.load(pool, job_id)).approval_id
    assert approval_id is not None
    await approvals.decide(pool, approval_id, approve, reason, "operator:test", NOW)


async def test_a_job_waits_for_the_operator_and_is_published_after_a_yes(
    pool: Pool, dsn: str
) -> None:
    hand, job_id = Hand(), await new_job(pool)
    async with line(pool, dsn, hand) as main:
        assert await main.advance(job_id) == Advance("waiting")
        assert hand.runs["publish"] == 0

        await decide(pool, job_id, approve=True)

        assert await main.advance(job_id) == Advance("done")
    assert hand.runs == dict.fromkeys(ALL, 1)
    assert (await jobs.get(pool, job_id)).status == "done"


async def test_an_undecided_job_stays_where_it_is(pool: Pool, dsn: str) -> None:
    hand, job_id = Hand(), await new_job(pool)
    async with line(pool, dsn, hand) as main:
        await main.advance(job_id)

        assert await main.advance(job_id) == Advance("waiting")
    assert hand.runs["publish"] == 0


async def test_a_no_ends_the_job_and_says_where_the_reason_is(pool: Pool, dsn: str) -> None:
    hand, job_id = Hand(), await new_job(pool)
    async with line(pool, dsn, hand) as main:
        await main.advance(job_id)
        await decide(pool, job_id, approve=False, reason="wrong number")

        ended = await main.advance(job_id)

    assert ended == Advance("refused", "rejected by operator:test: bookai approvals show 1")
    assert hand.runs["publish"] == 0


async def test_no_answer_in_time_is_a_no(pool: Pool, dsn: str) -> None:
    hand, job_id = Hand(), await new_job(pool)
    async with line(pool, dsn, hand) as main:
        await main.advance(job_id)
        assert await approvals.expire(pool, NOW + 2 * TTL) == (job_id,)

        ended = await main.advance(job_id)

    assert ended.status == "refused"
    assert "expired; nothing was published" in (ended.reason or "")
    assert hand.runs["publish"] == 0


async def test_a_sent_back_script_is_rewritten_at_most_twice(pool: Pool, dsn: str) -> None:
    class Strict(Hand):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            return {"review": review("send_back")} if capability == "edit" else RESULTS[capability]

    hand, job_id = Strict(), await new_job(pool)
    async with line(pool, dsn, hand) as main:
        ended = await main.advance(job_id)

    assert ended == Advance("refused", "the editor refused the script: length: too long")
    assert hand.runs["write"] == hand.runs["edit"] == 3
    assert (await jobs.load(pool, job_id)).edits == 2


async def test_a_feeds_next_item_is_taken_when_one_cannot_be_written(pool: Pool, dsn: str) -> None:
    class Picky(Hand):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            if capability == "scout":
                url = f"https://example.org/{len(job.skipped)}"
                trend = Trend(title=url, url=url, score=1, reasons=(), considered=5)
                return {"trend": trend, "article": ARTICLE}
            if capability == "write" and not job.skipped:
                raise Refused("an interview")
            return RESULTS[capability]

    hand, job_id = Picky(), await new_job(pool)
    async with line(pool, dsn, hand) as main:
        assert await main.advance(job_id) == Advance("waiting")

    job = await jobs.load(pool, job_id)
    assert job.skipped == ("https://example.org/0",)
    assert job.trend is not None
    assert job.trend.url == "https://example.org/1"


async def test_the_next_agent_stands_in_and_the_record_says_so(pool: Pool, dsn: str) -> None:
    class Broken(Hand):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            raise ToolFailed("no ink")

    broken, hand, job_id = Broken("a_writer", frozenset({"write"})), Hand(), await new_job(pool)
    hand.proficiency = 0.5
    async with line(pool, dsn, broken, hand) as main:
        assert await main.advance(job_id) == Advance("waiting")

    (fallback,) = (await jobs.load(pool, job_id)).fallbacks
    assert (fallback.wanted, fallback.used, fallback.why) == ("a_writer", "hand", "no ink")
    (event,) = await audit.search(pool, kind="fallback.used", job_id=job_id)
    assert "no ink" in event.body
    records = {record.name: record for record in await executions.track_records(pool)}
    assert (records["a_writer"].tries, records["a_writer"].wins) == (1, 0)


async def test_a_refusal_is_not_shopped_around(pool: Pool, dsn: str) -> None:
    class Honest(Hand):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            if capability == "write":
                raise Refused("this is an interview")
            return RESULTS[capability]

    first, second = Honest("a_writer"), Honest("b_writer", frozenset({"write"}))
    job_id = await new_job(pool)
    async with line(pool, dsn, first, second) as main:
        ended = await main.advance(job_id)

    assert ended == Advance("refused", "this is an interview")
    assert second.runs["write"] == 0


@pytest.mark.parametrize("broken", sorted(ALL - {"publish", "report"}))
async def test_a_step_that_broke_is_done_again_and_no_other(
    pool: Pool, dsn: str, broken: Capability
) -> None:
    class OnceBroken(Hand):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            if capability == broken and self.runs[capability] == 1:
                raise OperatorNeeded("the disk is full.", mend="Free some space.")
            return RESULTS[capability]

    hand, job_id = OnceBroken(), await new_job(pool)
    async with line(pool, dsn, hand) as main:
        stopped = await main.advance(job_id)
        resumed = await main.advance(job_id)

    assert stopped == Advance("failed", "the disk is full. Free some space.")
    assert resumed == Advance("waiting")
    assert hand.runs[broken] == 2
    assert {n for name, n in hand.runs.items() if name != broken} <= {1}


async def test_what_may_work_later_is_queued_with_its_reason(pool: Pool, dsn: str) -> None:
    class Busy(Hand):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            raise TryLater("the host answers 503", after_s=7)

    job_id = await new_job(pool)
    async with line(pool, dsn, Busy()) as main:
        assert await main.advance(job_id) == Advance("queued", "the host answers 503", 7)


async def test_what_came_too_early_before_anybody_was_asked_goes_on_at_the_same_step(
    pool: Pool, dsn: str
) -> None:
    class Early(Hand):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            if capability == "write" and self.runs[capability] == 1:
                raise NotYet("its account must wait", after_s=7)
            return RESULTS[capability]

    hand, job_id = Early(), await new_job(pool)
    async with line(pool, dsn, hand) as main:
        assert await main.advance(job_id) == Advance(
            "queued", "its account must wait", 7, held=True
        )
        assert (await main.advance(job_id)).status == "waiting"

    assert [hand.runs[step] for step in ("write", "edit", "render")] == [2, 1, 1]


async def test_tries_of_one_step_do_not_count_for_the_next(pool: Pool, dsn: str) -> None:
    class Busy(Hand):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            if capability == "write":
                raise TryLater("the host answers 503", after_s=7)
            return RESULTS[capability]

    await new_job(pool)
    tries = []
    async with line(pool, dsn, Busy()) as main:
        for _ in ("the first step is done", "nothing is done"):
            await pool.execute("UPDATE video_jobs SET attempt = 4")
            await main.advance(1)
            tries.append(await pool.fetchval("SELECT attempt FROM video_jobs"))

    assert tries == [0, 4]


async def test_a_time_limit_of_somebody_else_is_not_taken_for_the_steps(
    pool: Pool, dsn: str
) -> None:
    class Slow(Hand):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            await pool.execute("SELECT pg_sleep(30)", timeout=0.2)
            return RESULTS[capability]

    job_id = await new_job(pool)
    async with line(pool, dsn, Slow()) as main:
        ended = await main.advance(job_id)

    assert ended.again_after_s is not None
    (event,) = await audit.search(pool, kind="agent.ended", job_id=job_id)
    assert "waited in vain for something it used" in event.body


async def test_an_agent_that_takes_too_long_is_cut_off(
    pool: Pool, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Hand):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            await asyncio.Event().wait()
            return RESULTS[capability]

    monkeypatch.setattr("graphs.steps.LIMITS", {"scout": Limit(0.1, 5)})
    job_id = await new_job(pool)
    async with line(pool, dsn, Slow()) as main:
        ended = await main.advance(job_id)

    assert ended.reason == "hand was not done with scout in 0.1 s"


async def test_a_defect_of_an_agent_leaves_a_trace_and_is_not_hidden(pool: Pool, dsn: str) -> None:
    class Buggy(Hand):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            raise KeyError("secret text")

    job_id = await new_job(pool)
    async with line(pool, dsn, Buggy()) as main:
        ended = await main.advance(job_id)

    assert ended.reason == "hand broke inside (KeyError); the studio's log has it"
    (event,) = await audit.search(pool, kind="agent.ended", job_id=job_id)
    assert "hand broke inside (KeyError)" in event.body
    assert "secret text" not in event.body


async def test_every_choice_can_be_explained(pool: Pool, dsn: str) -> None:
    job_id = await new_job(pool)
    async with line(pool, dsn, Hand(), Hand("other", frozenset({"write"}))) as main:
        await main.advance(job_id)

    events = await audit.search(pool, kind="agent.chosen", job_id=job_id)
    (choice,) = [event.body for event in events if '"capability":"write"' in event.body]
    assert '"name":"hand"' in choice
    assert '"name":"other"' in choice
    assert '"score_s"' in choice


async def test_a_decision_that_came_before_the_interrupt_is_heeded(pool: Pool, dsn: str) -> None:
    """A process died between asking and waiting; the operator had answered meanwhile."""
    hand, job_id = Hand(), await new_job(pool)
    async with line(pool, dsn, hand) as main:
        await main.advance(job_id)
        # Forget the checkpoint of the interrupt, as if its write had not come to pass.
        await pool.execute("DELETE FROM checkpoint_writes")
        await decide(pool, job_id, approve=True)

        assert await main.advance(job_id) == Advance("done")
    assert hand.runs["publish"] == 1


async def test_a_job_that_waits_says_so_however_it_came_there(pool: Pool, dsn: str) -> None:
    hand, job_id = Hand(), await new_job(pool)
    async with line(pool, dsn, hand) as main:
        await main.advance(job_id)
        await pool.execute("UPDATE video_jobs SET status = 'queued'")

        assert await main.advance(job_id) == Advance("waiting")
    assert (await jobs.get(pool, job_id)).status == "waiting"


async def test_a_post_that_is_out_is_done_even_when_nothing_can_be_read_home(
    pool: Pool, dsn: str
) -> None:
    class Blind(Hand):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            if capability == "report":
                raise ToolFailed("the page does not answer")
            return RESULTS[capability]

    job_id = await new_job(pool)
    async with line(pool, dsn, Blind()) as main:
        await main.advance(job_id)
        await decide(pool, job_id, approve=True)

        assert await main.advance(job_id) == Advance("done")
    report = (await jobs.load(pool, job_id)).report
    assert report is not None
    assert report.note == "not read: the page does not answer"
