"""A swapped shot: the film is made anew, asked anew, and nothing else is done twice."""

from collections import Counter
from datetime import timedelta

import pytest

from agents.base import Agent, Context
from bookai.db import approvals, jobs
from bookai.db.pool import Pool
from bookai.errors import Refused
from bookai.film.shots import Candidate, NumberShot, PhraseShot, ShotRow
from bookai.models import Capability, VideoJob
from graphs.advance import Advance
from tests.graphs.crew import ALL, NOW, POST, RENDER, RESULTS
from tests.graphs.test_production import decide, line, new_job

NUMBER = Candidate(shot=NumberShot(value="27"), score=0.7, why="a figure")
PHRASE = Candidate(shot=PhraseShot(text="leap second"), score=0.5, why="its words")


class Studio(Agent):
    """Does every step; its film's bytes depend on the swaps that it was asked for.

    `cannot` is the step that refuses a film with a swapped shot.
    """

    name = "studio"
    capabilities = ALL

    def __init__(self, cannot: Capability | None = None) -> None:
        self.runs: Counter[Capability] = Counter()
        self.cannot = cannot

    async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
        self.runs[capability] += 1
        if capability == self.cannot and job.swaps:
            raise Refused("the picture is black")
        made = dict(RESULTS[capability])
        digest = f"{len(job.swaps) + 1}" * 64
        if capability == "render":
            first, other = (PHRASE, NUMBER) if job.swaps.get(0) == "phrase" else (NUMBER, PHRASE)
            row = ShotRow(line=0, sentence="27 of them.", chosen=first, runners_up=(other,))
            made["render"] = RENDER.model_copy(update={"sha256": digest, "shots": (row,)})
        if capability == "package":
            made["post"] = POST.model_copy(update={"video_sha256": digest})
        return job.model_copy(update=made)


async def swap(pool: Pool, job_id: int, kind: str, by: str = "operator:test", at: int = 0) -> None:
    async with pool.acquire() as con, con.transaction():
        await approvals.swap_shot(con, job_id, at, kind, by, NOW)


async def test_a_swapped_shot_has_the_film_made_checked_and_asked_anew(
    pool: Pool, dsn: str
) -> None:
    studio, job_id = Studio(), await new_job(pool)
    async with line(pool, dsn, studio) as main:
        assert await main.advance(job_id) == Advance("waiting")
        before = await jobs.load(pool, job_id)

        await swap(pool, job_id, "phrase")
        assert (await jobs.get(pool, job_id)).status == "queued"
        assert await main.advance(job_id) == Advance("waiting")

        after = await jobs.load(pool, job_id)
        assert after.swaps == {0: "phrase"}
        assert after.render is not None
        assert after.render.shots[0].chosen == PHRASE
        assert (after.approval_id, before.approval_id) != (before.approval_id, None)
        await decide(pool, job_id, approve=True)
        assert await main.advance(job_id) == Advance("done")
    once: dict[Capability, int] = dict.fromkeys(ALL, 1)
    assert studio.runs == {**once, "render": 2, "check": 2, "package": 2}


async def test_the_old_question_is_void_and_a_yes_to_it_counts_for_nothing(
    pool: Pool, dsn: str
) -> None:
    studio, job_id = Studio(), await new_job(pool)
    async with line(pool, dsn, studio) as main:
        await main.advance(job_id)
        old = (await jobs.load(pool, job_id)).approval_id
        assert old is not None
        await swap(pool, job_id, "phrase")

        with pytest.raises(Refused, match="void"):
            await approvals.decide(pool, old, True, "", "operator:test", NOW)

        await main.advance(job_id)
        assert studio.runs["publish"] == 0
        kinds = await pool.fetch("SELECT kind, actor FROM audit_log WHERE job_id = $1", job_id)
    assert ("shot.swapped", "operator:test") in {(one["kind"], one["actor"]) for one in kinds}


async def test_swapping_twice_and_back_ends_with_the_last_wish(pool: Pool, dsn: str) -> None:
    studio, job_id = Studio(), await new_job(pool)
    async with line(pool, dsn, studio) as main:
        await main.advance(job_id)
        for kind in ("phrase", "number"):
            await swap(pool, job_id, kind)
            assert await main.advance(job_id) == Advance("waiting")

    job = await jobs.load(pool, job_id)
    assert job.render is not None
    assert job.render.shots[0].chosen == NUMBER
    assert studio.runs["render"] == 3


@pytest.mark.parametrize(
    ("kind", "at", "by", "why"),
    [
        ("bars", 0, "operator:test", "can be number, phrase"),
        ("phrase", 7, "operator:test", "no line 7"),
        ("phrase", 0, "agent:editor", "operator"),
    ],
)
async def test_what_cannot_be_swapped_leaves_the_question_open(
    kind: str, at: int, by: str, why: str, pool: Pool, dsn: str
) -> None:
    studio, job_id = Studio(), await new_job(pool)
    async with line(pool, dsn, studio) as main:
        await main.advance(job_id)

        with pytest.raises(Refused, match=why):
            await swap(pool, job_id, kind, by, at)

        await decide(pool, job_id, approve=True)
        assert await main.advance(job_id) == Advance("done")


async def test_after_the_yes_no_shot_is_swapped_any_more(pool: Pool, dsn: str) -> None:
    studio, job_id = Studio(), await new_job(pool)
    async with line(pool, dsn, studio) as main:
        await main.advance(job_id)
        await decide(pool, job_id, approve=True)

        with pytest.raises(Refused, match="is approved"):
            await swap(pool, job_id, "phrase")

        assert await main.advance(job_id) == Advance("done")


@pytest.mark.parametrize("cannot", ["render", "check"])
async def test_a_swapped_shot_that_cannot_be_shown_gives_way_and_says_so(
    cannot: Capability, pool: Pool, dsn: str
) -> None:
    studio, job_id = Studio(cannot), await new_job(pool)
    async with line(pool, dsn, studio) as main:
        await main.advance(job_id)
        await swap(pool, job_id, "phrase")

        assert await main.advance(job_id) == Advance("waiting")

        job = await jobs.load(pool, job_id)
        assert job.swaps == {}
        assert job.render is not None
        assert job.render.shots[0].chosen == NUMBER
        assert [(one.wanted, one.why) for one in job.fallbacks] == [
            ("phrase for line 0", "the picture is black")
        ]
        await decide(pool, job_id, approve=True)
        assert await main.advance(job_id) == Advance("done")


async def test_a_refused_film_without_a_swap_still_ends_the_job(pool: Pool, dsn: str) -> None:
    class Blind(Studio):
        async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
            if capability == "check":
                raise Refused("the picture is black")
            return await super().run(capability, job, ctx)

    job_id = await new_job(pool)
    async with line(pool, dsn, Blind()) as main:
        assert await main.advance(job_id) == Advance("refused", "the picture is black")


async def test_a_job_that_is_put_off_is_brought_forward_before_a_swap(pool: Pool, dsn: str) -> None:
    job_id = await new_job(pool)
    async with line(pool, dsn, Studio()) as main:
        await main.advance(job_id)
        later = NOW + timedelta(days=2)
        await pool.execute("UPDATE video_jobs SET not_before = $2 WHERE job_id = $1", job_id, later)

        with pytest.raises(Refused, match="bookai postpone"):
            await swap(pool, job_id, "phrase")
