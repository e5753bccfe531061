"""One step among several agents: who is asked, for how long, who stands in, and how it reads."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from math import inf, nan

import pytest

from agents.base import Context
from bookai.db import audit, executions, jobs
from bookai.db.pool import Pool
from bookai.db.runs.fence import take
from bookai.errors import BookAIError, NotYet, OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.models import Capability, Record, VideoJob
from graphs.attempt import Broken, Stalled
from graphs.chain import Limit
from graphs.steps import Crew, Step
from tests.graphs.crew import RESULTS, Hand, crew
from tests.graphs.test_production import new_job

WRITE: frozenset[Capability] = frozenset({"write"})


class Writer(Hand):
    """Writes, or does what it is told instead."""

    def __init__(self, name: str, instead: Callable[[], Awaitable[None]] | None = None) -> None:
        super().__init__(name, WRITE)
        self.instead = instead

    async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
        if self.instead is not None:
            await self.instead()
        return RESULTS[capability]


def raises(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def instead() -> None:
        raise error

    return instead


async def hangs() -> None:
    await asyncio.Event().wait()


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], None]:
    def set_to(attempt_s: float, step_s: float) -> None:
        monkeypatch.setattr("graphs.steps.LIMITS", {"write": Limit(attempt_s, step_s)})

    return set_to


def in_flight(hands: Crew) -> int:
    return sum(beat.in_flight for beat in hands.members.beats())


async def write(hands: Crew, pool: Pool) -> VideoJob:
    return await hands.do(Step(await take(pool, await new_job(pool)), "write"))


async def test_whoever_hangs_leaves_time_for_a_second(
    pool: Pool, limit: Callable[[float, float], None]
) -> None:
    limit(0.2, 5)
    hands = crew(pool, Writer("first", hangs), Writer("second"))

    job = await write(hands, pool)

    assert job.script is not None
    (note,) = job.fallbacks
    assert (note.wanted, note.used) == ("first", "second")
    assert note.why == "first was not done with write in 0.2 s"


async def test_one_deadline_holds_for_all_attempts_together(
    pool: Pool, limit: Callable[[float, float], None]
) -> None:
    limit(0.3, 0.4)
    third = Writer("third")
    hands = crew(pool, Writer("first", hangs), Writer("second", hangs), third)

    with pytest.raises(TryLater, match="No time was left for anybody else"):
        async with asyncio.timeout(20):
            await write(hands, pool)

    assert third.runs["write"] == 0


async def test_a_chain_that_failed_reads_in_one_line(pool: Pool) -> None:
    hands = crew(
        pool,
        Writer("first", raises(ToolFailed("no\nink"))),
        Writer("second", raises(ToolFailed("no paper"))),
    )

    with pytest.raises(ToolFailed) as caught:
        await write(hands, pool)

    assert str(caught.value) == (
        "write failed. Tried first: no ink; second: no paper. Nobody else can do it: the job "
        "stops here."
    )


async def test_a_chain_is_tried_again_when_one_of_it_may_work_later(pool: Pool) -> None:
    hands = crew(
        pool,
        Writer("first", raises(TryLater("the model loads", after_s=7))),
        Writer("second", raises(ToolFailed("no paper"))),
    )

    with pytest.raises(TryLater, match="the job waits and is tried again") as caught:
        await write(hands, pool)

    assert caught.value.after_s == 7


async def test_when_all_fails_at_once_nobody_else_is_tried(pool: Pool) -> None:
    second = Writer("second")
    hands = crew(pool, Writer("first", raises(ToolFailed("no ink"))), second)
    while hands.members.budget.spend():
        pass

    with pytest.raises(ToolFailed, match="too much fails at present"):
        await write(hands, pool)

    assert second.runs["write"] == 0


async def test_an_answer_without_the_steps_field_is_no_answer(pool: Pool) -> None:
    class Empty(Writer):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            return {}

    job = await write(crew(pool, Empty("first"), Writer("second")), pool)

    assert [note.why for note in job.fallbacks] == ["it came back without script"]
    first, _ = await executions.attempts(pool, job.job_id, "write")
    assert (first.outcome, first.fault) == ("failed", "quality")


@pytest.mark.parametrize("error", [ValueError("a defect"), ConnectionResetError(), KeyError("x")])
async def test_a_defect_of_one_agent_is_no_reason_not_to_ask_another(
    pool: Pool, error: Exception
) -> None:
    job = await write(crew(pool, Writer("first", raises(error)), Writer("second")), pool)

    (note,) = job.fallbacks
    assert note.used == "second"
    assert type(error).__name__ in note.why


async def test_a_character_that_nothing_can_keep_does_not_stop_the_next(pool: Pool) -> None:
    bad = raises(ToolFailed("bad \x00 byte, \x1b[31mred"))

    job = await write(crew(pool, Writer("first", bad), Writer("second")), pool)

    assert [note.why for note in job.fallbacks] == ["bad byte, [31mred"]
    first, _ = await executions.attempts(pool, job.job_id, "write")
    assert first.outcome == "failed"


async def test_an_answer_with_a_character_that_nothing_can_keep_is_no_answer(pool: Pool) -> None:
    class Odd(Writer):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            script = RESULTS[capability]["script"]
            return {"script": script.model_copy(update={"title": "nul \x00"})}

    job = await write(crew(pool, Odd("first"), Writer("second")), pool)

    (note,) = job.fallbacks
    assert "NUL" in note.why


@pytest.mark.parametrize("change", [{"seconds_est": float("inf")}, {"language": "Klingon!"}])
async def test_an_answer_that_the_database_refuses_is_no_success(
    pool: Pool, change: dict[str, object]
) -> None:
    class Odd(Writer):
        async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
            return {"script": RESULTS[capability]["script"].model_copy(update=change)}

    hands = crew(pool, Odd("first"), Writer("second"))
    job = await write(hands, pool)

    assert [note.used for note in job.fallbacks] == ["second"]
    past = await executions.attempts(pool, job.job_id, "write")
    assert [(one.outcome, one.fault) for one in past] == [("failed", "quality"), ("ok", None)]
    first = next(s for s in hands.members.router.explain("write", 1e10) if s.name == "first")
    assert first.success < 0.9


async def test_one_that_is_always_busy_takes_nothing_from_the_retries(pool: Pool) -> None:
    busy = Writer("a_writer", raises(TryLater("429", after_s=600)))
    hands = crew(pool, busy, Writer("writer"))
    before = hands.members.budget.tokens

    for _ in range(3):
        await write(hands, pool)

    assert hands.members.budget.tokens >= before
    assert busy.runs["write"] == 1


async def test_an_account_that_must_wait_keeps_its_agent_from_no_other_job(
    pool: Pool, limit: Callable[[float, float], None]
) -> None:
    limit(1, 1)
    writer, second = Writer("a_writer"), Writer("writer")
    hands = crew(pool, writer, second)
    writer.instead = raises(NotYet("no more posts of it for an hour", after_s=3600))

    with pytest.raises(NotYet) as caught:
        await write(hands, pool)
    writer.instead = None
    await write(hands, pool)

    assert caught.value.after_s == 3600
    assert (writer.runs["write"], second.runs["write"]) == (2, 0), "nobody else, and no rest"


async def test_progress_without_end_or_sense_costs_nothing(pool: Pool) -> None:
    class Chatty(Writer):
        async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
            for fraction in (nan, inf, *(n / 10_000 for n in range(10_000))):
                await ctx.progress(fraction, "")
            return await super().run(capability, job, ctx)

    async with asyncio.timeout(10):
        assert (await write(crew(pool, Chatty("writer")), pool)).script is not None


async def test_whoever_leaves_while_it_is_being_asked_still_does_its_step(pool: Pool) -> None:
    writer = Writer("a_writer")
    hands = crew(pool, writer)
    doing = asyncio.ensure_future(write(hands, pool))
    for _ in count():
        if in_flight(hands):
            break
        await asyncio.sleep(0)

    hands.members.leave("a_writer")

    assert (await doing).script is not None


class HostGone(BookAIError):
    """An error that knows what it says about whom it concerns."""

    outcome = "infra"


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        (Refused("an interview"), ("refused", None)),
        (ToolFailed("no ink"), ("failed", "quality")),
        (TryLater("503"), ("failed", "busy")),
        (NotYet("the account rests"), ("failed", "client")),
        (OperatorNeeded("no disk"), ("failed", "client")),
        (HostGone("connection reset"), ("failed", "infra")),
        (Broken("first", KeyError("a defect")), ("failed", "quality")),
        (Broken("first", ConnectionResetError()), ("failed", "infra")),
        (Stalled("a query"), ("failed", "infra")),
    ],
)
async def test_what_an_error_says_about_the_agent_is_stored(
    pool: Pool, error: Exception, stored: tuple[str, str | None]
) -> None:
    hands = crew(pool, Writer("first", raises(error)))

    with pytest.raises(type(error)):
        await write(hands, pool)

    (past,) = await executions.attempts(pool, 1, "write")
    assert (past.outcome, past.fault) == stored


async def test_an_agent_has_no_more_steps_than_it_takes_and_the_next_waits(pool: Pool) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def held() -> None:
        begun.set()
        await go.wait()

    writer = Writer("first", held)
    writer.capacity = 1
    hands = crew(pool, writer)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(write(hands, pool))
        await begun.wait()
        second = group.create_task(write(hands, pool))
        await _waits(hands, second)
        assert writer.runs["write"] == 1

        go.set()

    assert writer.runs["write"] == 2


async def _waits(hands: Crew, task: "asyncio.Task[VideoJob]") -> None:
    """Return when a second task exists and its step waits in the queue."""
    while await hands.pool.fetchval("SELECT count(*) FROM tasks") < 2:
        assert not task.done()
    for _ in range(20):  # what is left of its way to the queue needs no database
        await asyncio.sleep(0)


async def test_a_step_for_which_nobody_is_free_is_tried_later(
    pool: Pool, limit: Callable[[float, float], None]
) -> None:
    limit(5, 5)
    begun = asyncio.Event()

    async def held() -> None:
        begun.set()
        await asyncio.Event().wait()

    writer = Writer("first", held)
    writer.capacity = 1
    hands = crew(pool, writer)
    async with asyncio.timeout(10):
        first = asyncio.create_task(write(hands, pool))
        await begun.wait()
        limit(5, 0.3)

        with pytest.raises(TryLater, match="nobody was free for"):
            await write(hands, pool)

        first.cancel()
        await asyncio.wait({first})


async def test_a_cancelled_step_leaves_no_slot_taken(pool: Pool) -> None:
    begun = asyncio.Event()

    async def held() -> None:
        begun.set()
        await asyncio.Event().wait()

    hands = crew(pool, Writer("first", held))
    step = asyncio.create_task(write(hands, pool))
    await begun.wait()
    assert in_flight(hands) == 1

    step.cancel()
    await asyncio.wait({step})

    assert in_flight(hands) == 0
    (past,) = await executions.attempts(pool, 1, "write")
    assert past.outcome == "cancelled"


async def test_whoever_left_is_asked_no_more(pool: Pool) -> None:
    gone = Writer("a_writer")
    hands = crew(pool, gone, Writer("writer"))

    hands.members.leave("a_writer")
    await write(hands, pool)

    assert gone.runs["write"] == 0


async def test_a_choice_is_audited_with_every_candidate_and_who_was_tried(pool: Pool) -> None:
    hands = crew(pool, Writer("first", raises(ToolFailed("no ink"))), Writer("second"))

    job = await write(hands, pool)

    second, first = await audit.search(pool, kind="agent.chosen", job_id=job.job_id)
    assert '"attempt":1' in first.body
    assert '"tried":[]' in first.body
    assert all(f'"name":"{name}"' in first.body for name in ("first", "second"))
    assert '"attempt":2' in second.body
    assert '"tried":["first"]' in second.body
    assert (await jobs.load(pool, job.job_id)).script is not None
