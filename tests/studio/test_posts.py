"""What an operator does to a post wakes its job, in the same transaction and never twice."""

from collections.abc import Callable

import asyncpg
import pytest
from click.testing import CliRunner

from bookai.db import jobs, outbox
from bookai.errors import Refused
from bookai.models import NotPosted, Post
from studio.cli import bookai
from studio.engine import Inline
from studio.posts import PostDesk
from tests.bookai.db.test_outbox import URL
from tests.peers.approving import approve
from tests.peers.posting import POST

ANN = "operator:ann"


class Case:
    """A job whose post began to be sent."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.engine = Inline(pool)
        self.desk = PostDesk(pool, self.engine)
        self.job_id = self.post_id = 0

    async def begin(self, post: Post = POST) -> None:
        async with self.pool.acquire() as con, con.transaction():
            self.job_id = await jobs.create(con, "a.md", "default", ANN)
        await approve(self.pool, self.job_id, post)
        armed = await self.desk.arm_post(self.job_id, post)
        self.post_id = armed.post_id
        await self.desk.mark_sending(armed.post_id, armed.attempt, "host:1")

    async def end(self, status: str) -> None:
        async with self.pool.acquire() as con, con.transaction():
            await jobs.set_status(con, self.job_id, status)

    async def status(self) -> str:
        return (await jobs.get(self.pool, self.job_id)).status


@pytest.fixture
async def case(pool: asyncpg.Pool) -> Case:
    found = Case(pool)
    await found.begin()
    return found


async def test_a_replayed_dead_letter_is_armed_and_its_job_queued(case: Case) -> None:
    await case.desk.mark_not_posted(
        case.post_id, 1, NotPosted(reason="no", again="never"), "host:1"
    )
    await case.end("failed")

    row = await case.desk.replay_post(case.post_id, ANN)

    assert (row.state, await case.status()) == ("armed", "queued")
    assert case.job_id in case.engine.queued


async def test_an_operators_no_lets_the_job_send_it_again(case: Case) -> None:
    await case.desk.mark_unknown(case.post_id, 1, "the answer got lost")
    await case.end("failed")

    row = await case.desk.resolve_not_posted(case.post_id, ANN, "I looked")

    assert (row.state, await case.status()) == ("failed", "queued")


async def test_an_operators_yes_is_the_receipt_and_the_job_goes_on(case: Case) -> None:
    await case.desk.mark_unknown(case.post_id, 1, "the answer got lost")
    await case.end("failed")

    receipt = await case.desk.resolve_posted(case.post_id, ANN, external_id="v1", url=URL)

    assert (receipt.url, await case.status()) == (URL, "queued")
    (shown,) = await case.desk.list_publications(5)
    assert (shown.state, shown.url, shown.attempt) == ("posted", URL, 1)


@pytest.mark.parametrize("status", ["running", "waiting", "done", "cancelled"])
async def test_a_job_that_somebody_has_or_nobody_wants_is_left_alone(
    status: str, case: Case
) -> None:
    await case.desk.mark_unknown(case.post_id, 1, "the answer got lost")
    await case.end(status)

    await case.desk.resolve_not_posted(case.post_id, ANN, "I looked")

    assert (await case.status(), case.engine.queued) == (status, {})


async def test_what_is_refused_wakes_nobody(case: Case) -> None:
    await case.end("failed")

    with pytest.raises(Refused):
        await case.desk.replay_post(case.post_id, ANN)

    assert (await case.status(), case.engine.queued) == ("failed", {})
    assert (await outbox.get(case.pool, case.post_id)).state == "sending"


@pytest.mark.parametrize(
    "options",
    [
        "",
        "--posted",
        "--posted --id v1",
        "--not-posted",
        "--not-posted --reason x --id v1",
        "--posted --id v --url u --reason x",
    ],
)
def test_settling_a_post_needs_a_clear_word(options: str) -> None:
    run: Callable[..., object] = CliRunner().invoke
    done = run(bookai, ["outbox", "resolve", "1", *options.split()])

    assert getattr(done, "exit_code", None) == 2
