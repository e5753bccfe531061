"""The loop's tick for a channel: what it lets out, what it leaves to people, what locks it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bookai.db import approvals, audit, control, jobs
from bookai.db.autonomy import ladder
from bookai.errors import Refused
from bookai.models import (
    CheckReport,
    Finding,
    OfferChoice,
    PostEdit,
)
from bookai.settings import Settings
from studio import autonomy
from studio.autonomy import ladder_tick
from studio.office import Office, open_office
from tests.bookai.db.autonomy.clock import StandingClock, standing_clock
from tests.graphs.crew import ARTICLE, POST, RENDER, SCRIPT, review
from tools.base import Armed

ANN = "operator:ann"
RULE = "rule:publish:news"
PASSPORT = {"autonomy": {"after": 3, "per_day": 2}, "time_zone": "Asia/Kathmandu"}
GREEN = CheckReport(ok=True, findings=(Finding(check="loudness", ok=True),))


@pytest.fixture
def clock(admin_dsn: str) -> Iterator[StandingClock]:
    with standing_clock(admin_dsn, datetime.now(UTC)) as clock:
        yield clock


@pytest.fixture
async def office(settings: Settings, clock: StandingClock) -> AsyncIterator[Office]:
    values = settings.model_dump() | {"channels": {"news": PASSPORT, "plain": {}}}
    async with open_office(Settings.model_validate(values), clock) as opened:
        yield opened


async def asked(office: Office, channel: str = "news", **changes: object) -> int:
    """A job of the channel that was made and checked, and its approval that waits."""
    async with office.database.pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", channel, "schedule")
        post = POST.model_copy(update={"title": f"Story {job_id}"})
        values = {
            "article": ARTICLE,
            "script": SCRIPT,
            "review": review("accept"),
            "offer": OfferChoice(offer=None, reason="nothing fits"),
            "render": RENDER,
            "check": GREEN,
            "post": post,
            **changes,
        }
        job = (await jobs.load(con, job_id)).model_copy(update=values)
        approval_id = await approvals.request(
            con, job_id, job.post or post, "/v.mp4", office.clock(), timedelta(days=3)
        )
        await jobs.save(con, job.model_copy(update={"approval_id": approval_id}))
        await jobs.set_status(con, job_id, "waiting", stage="approval")
    return approval_id


async def earned(office: Office) -> None:
    await autonomy.grant(office, "news", ANN)
    for _ in range(3):
        await office.desk.decide_approval(await asked(office), True, "", ANN)


async def state(office: Office, approval_id: int) -> tuple[str, str | None]:
    row = await office.desk.get_approval(approval_id)
    return row.state, row.decided_by


async def level(office: Office) -> str:
    rows = {one.channel: one for one in await autonomy.ladder_of(office)}
    return rows["news"].level


async def test_what_lies_below_the_line_is_approved_up_to_the_cap_and_its_job_wakes(
    office: Office, clock: StandingClock
) -> None:
    await earned(office)
    ids = [await asked(office) for _ in range(3)]

    note = await ladder_tick(office, "news", clock())
    again = await ladder_tick(office, "news", clock())

    states = [await state(office, one) for one in ids]
    assert states == [("approved", RULE), ("approved", RULE), ("pending", None)]
    assert note == "limited: 2 approved by rule, 2 of 2 today; 0 above the risk line"
    assert again.startswith("limited: 0 approved by rule")
    job_id = (await office.desk.get_approval(ids[0])).job_id
    assert (await office.desk.get_job(job_id)).job.status == "queued"
    queued = "SELECT count(*) FROM procrastinate_jobs WHERE queueing_lock LIKE '%' || $1::text"
    assert await office.database.pool.fetchval(queued, str(job_id)) == 1
    events = await audit.search(office.database.pool, kind="approval.decided", actor=RULE)
    assert json.loads(events[0].body)["rule"]["checks"][-2:] == ["length", "loudness"]
    clock.at += timedelta(days=1)
    await ladder_tick(office, "news", clock())
    assert await state(office, ids[2]) == ("approved", RULE)


async def test_two_ticks_at_once_say_no_more_than_one(office: Office, clock: StandingClock) -> None:
    await earned(office)
    for _ in range(4):
        await asked(office)

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(ladder_tick(office, "news", clock()))

    said = await audit.search(office.database.pool, kind="approval.decided", actor=RULE)
    assert len(said) == 2


async def test_what_lies_above_the_line_is_left_to_people(
    office: Office, clock: StandingClock
) -> None:
    await earned(office)
    wanted = POST.model_copy(update={"caption": "A gunman was arrested."})
    approval_id = await asked(office, post=wanted)

    note = await ladder_tick(office, "news", clock())

    assert note.endswith("0 of 2 today; 1 above the risk line")
    assert await state(office, approval_id) == ("pending", None)


async def test_nothing_is_approved_without_a_grant_or_while_paused(
    office: Office, clock: StandingClock
) -> None:
    first = await asked(office)
    assert await ladder_tick(office, "news", clock()) == "manual: nothing is granted"
    await earned(office)
    async with office.database.pool.acquire() as con:
        await control.pause(con, "news", "holidays", ANN)

    assert "0 approved by rule" in await ladder_tick(office, "news", clock())

    assert await state(office, first) == ("pending", None)


async def test_a_post_that_is_gone_from_its_platform_locks_and_stops_what_is_not_sent(
    office: Office, clock: StandingClock
) -> None:
    await earned(office)
    waiting = await asked(office)
    await ladder_tick(office, "news", clock())
    await taken_down(office, waiting, clock() + timedelta(minutes=1))
    clock.at += timedelta(minutes=5)

    note = await ladder_tick(office, "news", clock())

    assert note.startswith("locked: 0 of 3 in a row; post ")
    assert note.endswith("is gone from its platform; 1 not sent, ask anew")
    assert await state(office, waiting) == ("expired", RULE)
    for _ in range(4):
        await office.desk.decide_approval(await asked(office), True, "", ANN)
    assert await level(office) == "locked"
    await autonomy.grant(office, "news", ANN)
    assert "0 of 3 in a row; granted by" in await ladder_tick(office, "news", clock())


async def test_the_database_sends_nothing_for_a_rule_that_was_locked(
    office: Office, clock: StandingClock
) -> None:
    await earned(office)
    sent, stopped = await asked(office), await asked(office)
    clock.at += timedelta(minutes=1)
    await ladder_tick(office, "news", clock())
    posts = [await armed_of(office, one) for one in (sent, stopped)]
    await office.desk.mark_sending(posts[0].post_id, posts[0].attempt, "me")

    await autonomy.strike(office, "news", "a complaint", ANN)

    with pytest.raises(Refused, match="approv"):
        await office.desk.mark_sending(posts[1].post_id, posts[1].attempt, "me")
    assert (await ladder_tick(office, "news", clock())).endswith("1 not sent, ask anew")
    assert [await state(office, one) for one in (sent, stopped)] == [
        ("approved", RULE),
        ("expired", RULE),
    ]


async def armed_of(office: Office, approval_id: int) -> Armed:
    row = await office.desk.get_approval(approval_id)
    return await office.desk.arm_post(row.job_id, row.post)


async def taken_down(office: Office, waiting: int, at: datetime) -> None:
    """An earlier post of the channel went out, and is not there any more."""
    job_id = min(row.job_id for row in await office.desk.list_approvals("approved", 50))
    assert job_id != (await office.desk.get_approval(waiting)).job_id
    post = (await jobs.load(office.database.pool, job_id)).post
    assert post is not None
    armed = await office.desk.arm_post(job_id, post)
    await office.desk.mark_sending(armed.post_id, armed.attempt, "me")
    await office.desk.mark_posted(armed.post_id, "x", "https://p.example/x", armed.attempt)
    await office.database.pool.execute(
        "UPDATE post_results SET state = 'gone', read_at = $2, gone_at = $2, next_at = NULL"
        " WHERE post_id = $1",
        armed.post_id,
        at,
    )


async def test_a_passport_with_other_terms_ends_the_rule(
    office: Office, settings: Settings, clock: StandingClock
) -> None:
    await earned(office)
    approval_id = await asked(office)
    channel = PASSPORT | {"brand_voice": {"version": 2}}
    told = settings.model_dump() | {"channels": {"news": channel}}
    async with open_office(Settings.model_validate(told), clock) as other:
        note = await ladder_tick(other, "news", clock())

        assert note.startswith("manual: 0 of 3 in a row; the passport")
        assert await state(other, approval_id) == ("pending", None)
        assert await level(other) == "manual"


async def test_a_strike_is_told_even_where_nothing_was_granted(office: Office) -> None:
    assert not await autonomy.strike(office, "plain", "a complaint", ANN)
    with pytest.raises(Refused, match="needs a reason"):
        await autonomy.strike(office, "news", " ", ANN)
    with pytest.raises(Refused, match="only an operator may"):
        await autonomy.strike(office, "news", "x", "agent:editor")

    (event,) = await audit.search(office.database.pool, kind="autonomy.strike")
    assert (event.actor, json.loads(event.body)["channel"]) == (ANN, "plain")


async def test_only_a_passport_that_asks_for_it_can_be_granted_and_only_by_a_person(
    office: Office,
) -> None:
    with pytest.raises(Refused, match="has no rule to grant"):
        await autonomy.grant(office, "plain", ANN)
    with pytest.raises(Refused, match="only an operator may"):
        await autonomy.grant(office, "news", "agent:editor")

    rows = {one.channel: one for one in await autonomy.ladder_of(office)}
    assert rows["news"].why == "not granted: bookai autonomy grant news"
    assert rows["plain"].why == "off: no `autonomy` in [channels.plain]"


async def test_an_edit_by_a_person_takes_it_away_again(
    office: Office, clock: StandingClock
) -> None:
    await earned(office)

    await office.desk.decide_approval(
        await asked(office), True, "", ANN, edit=PostEdit(title="Better")
    )

    assert await level(office) == "locked"
    assert (await ladder_tick(office, "news", clock())).startswith("locked: 0 of 3")
    found = await ladder.get(office.database.pool, "news", clock())
    assert found is not None
    assert found.granted
