"""The desk: one row, whichever door the answer comes through."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bookai.db import approvals, jobs
from bookai.errors import OperatorNeeded, Refused
from bookai.models import PostEdit
from bookai.settings import Settings
from studio.office import Office, open_office
from tests.bookai.db.approvals.asked import ANN, BOB, POST

HOUR = timedelta(hours=1)
CY = "operator:cy"


@pytest.fixture
async def office(settings: Settings) -> AsyncIterator[Office]:
    channel = {"approvals_needed": 2, "approvers": [ANN, BOB], "own_jobs": False}
    values = settings.model_dump() | {"channels": {"default": {}, "news": channel}}
    async with open_office(Settings.model_validate(values)) as opened:
        yield opened


async def ask(office: Office, channel: str = "news") -> int:
    desk = office.desk
    async with desk.pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "a.md", channel, CY)
        approval_id = await approvals.request(
            con, job_id, POST, "/v.mp4", desk.now(), HOUR, desk.rules_of(channel)
        )
        await jobs.set_status(con, job_id, "waiting", stage="approval")
    return approval_id


async def status_of(office: Office, approval_id: int) -> str:
    row = await office.desk.get_approval(approval_id)
    return (await office.desk.get_job(row.job_id)).job.status


async def test_an_approver_who_is_struck_off_the_file_decides_no_more(
    settings: Settings,
) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    toml = settings.home / "studio.toml"
    toml.write_text(f"[channels.news]\napprovers = ['{ANN}', '{BOB}']\n")
    values = settings.model_dump() | {"channels": {"news": {"approvers": [ANN, BOB]}}}

    async with open_office(Settings.model_validate(values)) as office:
        approval_id = await ask(office)
        toml.write_text(f"[channels.news]\napprovers = ['{ANN}']\n")
        with pytest.raises(Refused, match="operator:bob may not decide on channel 'news'"):
            await office.desk.decide_approval(approval_id, True, "", BOB)
        toml.write_text("[channels.news\n")
        with pytest.raises(OperatorNeeded, match=r"studio\.toml:1: it cannot be read"):
            await office.desk.decide_approval(approval_id, True, "", ANN)


async def test_an_approval_that_ends_after_its_job_leaves_the_jobs_reason(office: Office) -> None:
    desk = replace(office.desk, now=lambda: office.desk.now() + 2 * HOUR)
    job_id = (await office.desk.get_approval(await ask(office))).job_id
    async with desk.pool.acquire() as con, con.transaction():
        await jobs.set_status(con, job_id, "failed", reason="the platform said no")

    assert await desk.expire_approvals() == 1

    job = (await desk.get_job(job_id)).job
    assert (job.status, job.reason) == ("failed", "the platform said no")


async def test_the_channels_rules_hold_and_the_last_yes_queues_the_job(office: Office) -> None:
    approval_id = await ask(office)
    desk = office.desk

    with pytest.raises(Refused, match="may not decide on channel 'news'"):
        await desk.decide_approval(approval_id, True, "", CY)
    first = await desk.decide_approval(approval_id, True, "", ANN, via="web")
    waiting = await status_of(office, approval_id)
    token = await desk.create_link(approval_id, BOB, HOUR, BOB)
    view = await desk.open_link(token)
    second = await desk.decide_by_link(token, True, "seen on the train")

    assert (first.state, first.needed, waiting) == ("pending", 2, "waiting")
    assert (view.operator, view.approval) == (BOB, first)
    assert (second.state, second.decided_by) == ("approved", BOB)
    assert [(vote.by, vote.via) for vote in second.votes] == [(ANN, "web"), (BOB, "link")]
    assert await status_of(office, approval_id) == "queued"
    assert sum((await office.engine.depth()).values()) == 1


async def test_the_second_of_two_doors_is_told_who_when_and_why(office: Office) -> None:
    approval_id = await ask(office, "default")
    token = await office.desk.create_link(approval_id, BOB, HOUR, BOB)
    await office.desk.decide_approval(approval_id, False, "too loud", ANN, via="mcp")

    for late in (
        office.desk.open_link(token),
        office.desk.decide_by_link(token, True, ""),
        office.desk.decide_approval(approval_id, True, "", BOB, via="cli"),
    ):
        with pytest.raises(Refused, match=r"was rejected by operator:ann at .* UTC \(too loud\)"):
            await late


async def test_an_edit_and_a_bundle_go_through_the_desk(office: Office) -> None:
    first, second = [await ask(office, "default") for _ in range(2)]

    edited = await office.desk.decide_approval(first, True, "", ANN, edit=PostEdit(title="Better"))
    report = await office.desk.decide_bundle([first, second], {}, "", BOB, via="web")

    assert (edited.title, edited.state) == ("Better", "approved")
    assert [one.after for one in edited.edits] == ["Better"]
    assert [row.outcome for row in report.rows] == ["refused", "approved"]
    assert (await office.desk.get_approval(second)).batch_id == report.batch_id


async def test_a_lent_right_is_seen_used_and_taken_back(office: Office) -> None:
    desk = office.desk
    lent = await desk.create_delegation("news", "operator:dee", 3, HOUR, ANN)
    approval_id = await ask(office)

    row = await desk.decide_approval(approval_id, True, "", "operator:dee")
    revoked = await desk.revoke_delegation(lent.delegation_id, BOB)

    assert [(vote.by, vote.lent_by) for vote in row.votes] == [("operator:dee", ANN)]
    assert (revoked.used, revoked.state) == (1, "revoked")
    assert await desk.list_delegations() == (revoked,)
    with pytest.raises(Refused, match="may not decide"):
        await desk.decide_approval(await ask(office), True, "", "operator:dee")


@pytest.mark.parametrize(
    "channel",
    [
        {"approvals_needed": 6},
        {"approvals_needed": 0},
        {"approvals_needed": 2, "approvers": ["operator:ann"]},
        {"approvers": ["operator:ann", "operator:ann"]},
        {"approvers": ["agent:writer"]},
    ],
    ids=["six", "none", "too-few", "twice", "agent"],
)
def test_rules_that_nobody_can_keep_are_refused_at_the_start(
    channel: dict[str, object], settings: Settings
) -> None:
    values = settings.model_dump() | {"channels": {"default": channel}}

    with pytest.raises(ValueError, match="approv"):
        Settings.model_validate(values)


async def test_a_channel_that_is_gone_lets_nothing_out(office: Office) -> None:
    approval_id = await ask(office, "default")
    await office.desk.pool.execute("UPDATE video_jobs SET channel = 'gone'")
    async with office.desk.pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "b.md", "gone", CY)
        other = await approvals.request(con, job_id, POST, "/v.mp4", office.desk.now(), HOUR)

    with pytest.raises(OperatorNeeded, match="no channel 'gone'"):
        await office.desk.decide_approval(other, True, "", ANN)

    assert (await office.desk.get_approval(other)).state == "pending"
    assert (await office.desk.get_approval(approval_id)).channel == "default"
