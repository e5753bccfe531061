"""One-time links: for one person, one approval, once; opened as often as a mail program likes."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from bookai.db import approvals, audit
from bookai.db.approvals import Rules, links
from bookai.errors import OperatorNeeded, Refused
from tests.bookai.db.approvals.asked import ANN, BOB, NOW, OTHER, TTL, ask, kinds, states

CY = "operator:cy"
KEY = b"k" * 32
DAY = timedelta(hours=24)


async def link(
    pool: asyncpg.Pool, approval_id: int, operator: str = BOB, by: str = BOB, ttl: timedelta = DAY
) -> str:
    return await links.create(pool, KEY, approval_id, operator, by, NOW, ttl)


async def test_opening_shows_and_spends_nothing(pool: asyncpg.Pool, job_id: int) -> None:
    approval_id = await ask(pool, job_id)
    token = await link(pool, approval_id)
    before = await kinds(pool)

    for _ in range(3):
        opened = await links.open_(pool, KEY, token, NOW)

    assert (opened.approval.approval_id, opened.link.operator) == (approval_id, BOB)
    assert opened.link.expires_at == NOW + DAY
    assert await kinds(pool) == before


async def test_deciding_spends_it_and_counts_as_the_named_operators_word(
    pool: asyncpg.Pool, job_id: int
) -> None:
    token = await link(pool, await ask(pool, job_id), by=ANN)

    row = await links.decide(pool, KEY, token, True, "from the train", NOW)

    assert (row.state, row.decided_by, row.note) == ("approved", BOB, "from the train")
    assert [vote.via for vote in row.votes] == ["link"]
    for again in (
        links.open_(pool, KEY, token, NOW),
        links.decide(pool, KEY, token, False, "x", NOW),
    ):
        with pytest.raises(Refused, match="was approved by operator:bob"):
            await again
    (event,) = await audit.search(pool, kind="approval.decided")
    assert (event.actor, json.loads(event.body)["link_id"]) == (BOB, 1)


async def test_a_link_gives_one_word_where_more_are_needed(pool: asyncpg.Pool, job_id: int) -> None:
    token = await link(pool, await ask(pool, job_id, rules=Rules(needed=2)))
    await links.decide(pool, KEY, token, True, "", NOW)

    with pytest.raises(Refused, match="it works once"):
        await links.open_(pool, KEY, token, NOW)
    with pytest.raises(Refused, match="it works once"):
        await links.decide(pool, KEY, token, False, "changed my mind", NOW)


async def test_of_two_who_use_it_at_once_one_decides(pool: asyncpg.Pool, job_id: int) -> None:
    token = await link(pool, await ask(pool, job_id, rules=Rules(needed=2)))

    async def use() -> str:
        try:
            return (await links.decide(pool, KEY, token, True, "", NOW)).state
        except Refused:
            return "refused"

    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(use()) for _ in range(4)]

    assert sorted(run.result() for run in runs) == ["pending", "refused", "refused", "refused"]


async def test_whoever_makes_a_link_for_another_is_not_two_people(
    pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id, rules=Rules(needed=2))
    token = await link(pool, approval_id, BOB, by=ANN)
    await approvals.decide(pool, approval_id, True, "", ANN, NOW)

    with pytest.raises(Refused, match="a link counts as its maker's"):
        await links.decide(pool, KEY, token, True, "", NOW)

    own = await link(pool, approval_id, BOB, by=BOB)
    assert (await links.decide(pool, KEY, own, True, "", NOW)).state == "approved"


async def test_one_person_is_not_two_by_another_ones_link(pool: asyncpg.Pool, job_id: int) -> None:
    approval_id = await ask(pool, job_id, rules=Rules(needed=2, approvers=(ANN, BOB, CY)))
    sent_to_her = await link(pool, approval_id, ANN, by=CY)
    kept_by_her = await link(pool, approval_id, BOB, by=ANN)
    await links.decide(pool, KEY, sent_to_her, True, "", NOW)

    with pytest.raises(Refused, match="operator:ann gave, or held the means for"):
        await links.decide(pool, KEY, kept_by_her, True, "", NOW)

    assert await states(pool) == {approval_id: "pending"}
    assert (await approvals.decide(pool, approval_id, True, "", BOB, NOW)).state == "approved"


async def test_who_asked_for_the_video_says_no_yes_by_a_link_of_his_making(
    pool: asyncpg.Pool, job_id: int
) -> None:
    # The job is Ann's.
    approval_id = await ask(pool, job_id, rules=Rules(own_jobs=False))
    token = await link(pool, approval_id, BOB, by=ANN)

    with pytest.raises(Refused, match="another approver has to say yes"):
        await links.decide(pool, KEY, token, True, "", NOW)

    own = await link(pool, approval_id, BOB)
    assert (await links.decide(pool, KEY, own, True, "", NOW)).state == "approved"


async def test_only_an_approver_makes_a_link_for_another(pool: asyncpg.Pool, job_id: int) -> None:
    named = Rules(approvers=(ANN,))
    approval_id = await ask(pool, job_id, rules=named)

    with pytest.raises(Refused, match="operator:bob is no approver of channel 'default'"):
        await link(pool, approval_id, ANN, by=BOB)

    token = await link(pool, approval_id, ANN, by=ANN)
    assert (await links.decide(pool, KEY, token, True, "", NOW)).state == "approved"


@pytest.mark.parametrize("approve", [True, False])
async def test_a_link_ends_when_its_maker_is_no_approver_any_more(
    approve: bool, pool: asyncpg.Pool, job_id: int
) -> None:
    token = await link(pool, await ask(pool, job_id), ANN, by=BOB)

    with pytest.raises(Refused, match="operator:bob is no approver"):
        await links.decide(
            pool, KEY, token, approve, "so", NOW, rules_of=lambda _channel: Rules(approvers=(ANN,))
        )


async def test_a_word_that_does_not_count_leaves_the_link_unspent(
    pool: asyncpg.Pool, job_id: int
) -> None:
    token = await link(pool, await ask(pool, job_id))

    with pytest.raises(Refused, match="needs a reason"):
        await links.decide(pool, KEY, token, False, " ", NOW)

    assert (await links.decide(pool, KEY, token, False, "too loud", NOW)).state == "rejected"


async def test_what_is_no_whole_link_of_ours_is_told_alike(pool: asyncpg.Pool, job_id: int) -> None:
    token = await link(pool, await ask(pool, job_id))
    last = "A" if token[-1] != "A" else "B"

    for forged in ("", "bkl_", token[:-1], token[:-1] + last, token[4:], "ü\ud800", "A" * 5000):
        with pytest.raises(Refused, match="none of ours, or was not copied whole"):
            await links.open_(pool, KEY, forged, NOW)
    with pytest.raises(Refused, match="none of ours"):
        await links.decide(pool, b"x" * 32, token, True, "", NOW)


async def test_a_link_that_was_turned_to_another_in_the_database_is_dead(
    pool: asyncpg.Pool, admin_dsn: str, job_id: int
) -> None:
    token = await link(pool, await ask(pool, job_id))
    owner = await asyncpg.connect(admin_dsn)
    try:
        await owner.execute("ALTER TABLE approval_links DISABLE TRIGGER USER")
        await owner.execute("UPDATE approval_links SET operator = 'operator:eve'")
    finally:
        await owner.close()

    with pytest.raises(Refused, match="none of ours"):
        await links.decide(pool, KEY, token, True, "", NOW)


async def test_a_link_ends_with_its_time_and_with_the_approval(
    pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id)
    short = await link(pool, approval_id, ttl=timedelta(hours=1))
    long = await link(pool, approval_id, ttl=timedelta(days=14))

    with pytest.raises(Refused, match="this link ended at"):
        await links.decide(pool, KEY, short, True, "", NOW + timedelta(hours=1))
    with pytest.raises(Refused, match="expired at"):
        await links.open_(pool, KEY, long, NOW + TTL)
    with pytest.raises(Refused, match=f"bookai approvals renew {approval_id}"):
        await links.decide(pool, KEY, long, True, "", NOW + TTL)
    assert await states(pool) == {approval_id: "expired"}


async def test_a_link_for_what_has_changed_since_is_dead(pool: asyncpg.Pool, job_id: int) -> None:
    token = await link(pool, await ask(pool, job_id))
    await ask(pool, job_id, OTHER)

    for use in (links.open_(pool, KEY, token, NOW), links.decide(pool, KEY, token, True, "", NOW)):
        with pytest.raises(Refused, match="is void"):
            await use


async def test_links_are_made_by_people_for_people_and_for_what_waits(
    pool: asyncpg.Pool, job_id: int
) -> None:
    approval_id = await ask(pool, job_id)

    for operator, by in ((BOB, "agent:x"), ("agent:x", BOB)):
        with pytest.raises(Refused, match="only an operator"):
            await link(pool, approval_id, operator, by)
    for ttl in (timedelta(), timedelta(days=15)):
        with pytest.raises(Refused, match="at most 14 days"):
            await link(pool, approval_id, ttl=ttl)
    await approvals.decide(pool, approval_id, True, "", ANN, NOW)
    with pytest.raises(Refused, match="was approved by"):
        await link(pool, approval_id)


async def test_the_token_is_kept_nowhere(pool: asyncpg.Pool, job_id: int) -> None:
    token = await link(pool, await ask(pool, job_id))

    rows = await pool.fetch("SELECT l::text AS text FROM approval_links l")
    told = "".join(event.body for event in await audit.search(pool))

    assert token.removeprefix("bkl_")[:20] not in rows[0]["text"] + told


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "links.key"

    key = links.open_key(path)

    assert (len(key), links.open_key(path), path.stat().st_mode & 0o777) == (32, key, 0o600)
    assert [one.name for one in tmp_path.iterdir()] == ["links.key"]
    path.chmod(0o644)
    with pytest.raises(OperatorNeeded, match="chmod 600"):
        links.open_key(path)
