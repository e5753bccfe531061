"""What approvals do to a job on the main line: an edit, a second person, an expiry asked anew."""

from datetime import timedelta

from bookai.db import approvals, jobs
from bookai.db.approvals import Rules
from bookai.db.checkpoints import new_saver, open_checkpoint_pool
from bookai.db.pool import Pool
from bookai.models import PostEdit
from graphs.advance import Advance
from graphs.production import Production
from tests.graphs.crew import NOW, POST, Hand, crew
from tests.graphs.test_production import TTL, line, new_job

ANN, BOB = "operator:ann", "operator:bob"


async def test_the_edited_post_is_what_is_published(pool: Pool, dsn: str) -> None:
    hand, job_id = Hand(), await new_job(pool)
    async with line(pool, dsn, hand) as main:
        await main.advance(job_id)
        asked = (await jobs.load(pool, job_id)).approval_id or 0

        await approvals.decide(pool, asked, True, "", ANN, NOW, edit=PostEdit(title="Better"))

        assert await main.advance(job_id) == Advance("done")
    job = await jobs.load(pool, job_id)
    assert job.post == POST.model_copy(update={"title": "Better"})
    assert job.publication is not None
    assert hand.runs["package"] == hand.runs["publish"] == 1


async def test_an_edited_post_waits_for_the_second_person(pool: Pool, dsn: str) -> None:
    hand, job_id = Hand(), await new_job(pool)
    async with open_checkpoint_pool(dsn) as savers, line(pool, dsn, hand):
        main = Production(
            crew(pool, hand),
            pool,
            lambda fence: new_saver(savers, fence),
            TTL,
            lambda: NOW,
            lambda _channel: Rules(needed=2),
        )
        await main.advance(job_id)
        asked = (await jobs.load(pool, job_id)).approval_id or 0
        row = await approvals.decide(pool, asked, True, "", ANN, NOW, edit=PostEdit(title="Better"))

        assert await main.advance(job_id) == Advance("waiting")
        await approvals.decide(pool, row.approval_id, True, "", BOB, NOW)

        assert await main.advance(job_id) == Advance("done")


async def test_what_expired_is_asked_anew_and_published_without_a_new_video(
    pool: Pool, dsn: str
) -> None:
    hand, job_id = Hand(), await new_job(pool)
    late = NOW + 2 * TTL
    async with line(pool, dsn, hand) as main:
        await main.advance(job_id)
        asked = (await jobs.load(pool, job_id)).approval_id or 0
        await approvals.expire(pool, late)
        refused = await main.advance(job_id)

        renewed = await approvals.renew(pool, asked, ANN, late, timedelta(days=2))

        assert (refused.status, refused.reason) == (
            "refused",
            f"approval {asked} is expired; nothing was published. "
            f"Ask anew: bookai approvals renew {asked}",
        )
        assert (renewed.state, renewed.follows, renewed.digest) == ("pending", asked, POST.digest())
        assert await main.advance(job_id) == Advance("waiting")
        await approvals.decide(pool, renewed.approval_id, True, "", ANN, late)
        assert await main.advance(job_id) == Advance("done")
    assert hand.runs["render"] == hand.runs["publish"] == 1
