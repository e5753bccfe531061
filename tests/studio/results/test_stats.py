"""What comes home of posts: the platform's own word and its time, never a guess."""

import json
from datetime import datetime, timedelta

import pytest

from bookai.db import audit, outbox
from bookai.db.results import posts
from bookai.db.results.posts import PostResult
from bookai.errors import NotYet, OperatorNeeded, ToolFailed, TryLater
from studio.office import Office
from studio.results import read_stats
from tests.studio.results.posted import Counting, later, publish
from tools.platforms.base import Gone


async def result(office: Office, post_id: int) -> PostResult:
    found = await posts.list_(office.database.pool, None, 100)
    return next(one for one in found if one.post_id == post_id)


async def test_a_post_is_asked_after_once_it_is_due_and_the_word_is_kept_with_its_time(
    office: Office, platform: Counting
) -> None:
    out = await publish(office.database.pool, "v1")
    await publish(office.database.pool, "v2", "news")
    platform.says["v1"] = 41

    early = await read_stats(office, "default", later(minutes=10))
    at = later(hours=2)
    said = await read_stats(office, "default", at)
    again = await read_stats(office, "default", at)

    assert (early, said, again) == ("no post is due", "1 read", "no post is due")
    found = await result(office, out.post_id)
    assert (found.state, found.views, found.read_at) == ("there", 41, at)
    assert found.next_at == at + timedelta(hours=1)
    assert platform.questions == ["v1"], "no other channel's"


async def test_counts_are_remembered_when_they_change(office: Office, platform: Counting) -> None:
    pool = office.database.pool
    out = await publish(pool, "v1")
    for hours, views in ((2, 10), (4, 10), (6, 25)):
        platform.says["v1"] = views
        await read_stats(office, "default", later(hours=hours))

    rows = await pool.fetch(
        "SELECT views FROM post_marks WHERE post_id = $1 ORDER BY seen_at", out.post_id
    )
    assert [row["views"] for row in rows] == [10, 25]


async def test_what_a_platform_does_not_count_is_not_zero(
    office: Office, platform: Counting
) -> None:
    out = await publish(office.database.pool, "v1")
    platform.says["v1"] = None

    await read_stats(office, "default", later(hours=2))

    found = await result(office, out.post_id)
    assert (found.state, found.views, found.note) == ("there", None, "3 likes")


async def test_a_word_that_cannot_be_renewed_stays_and_is_called_stale(
    office: Office, platform: Counting
) -> None:
    out = await publish(office.database.pool, "v1")
    platform.says["v1"] = 41
    await read_stats(office, "default", later(hours=2))
    platform.says["v1"] = TryLater("scripted is away.", after_s=60)

    said = await read_stats(office, "default", later(hours=4))

    found = await result(office, out.post_id)
    assert said == "1 not read. scripted: scripted is away."
    assert (found.state, found.views, found.error) == ("there", 41, "scripted is away.")
    assert not found.is_stale(later(hours=2, minutes=30))
    assert found.is_stale(later(hours=5))


async def test_an_account_that_may_not_ask_may_not_send_either(
    office: Office, platform: Counting
) -> None:
    await publish(office.database.pool, "v1")
    platform.says["v1"] = NotYet("scripted answered 429.", after_s=3600)

    await read_stats(office, "default", later(hours=2))

    (rest,) = await outbox.list_rests(office.database.pool)
    assert (rest.platform, rest.why) == ("scripted", "scripted answered 429.")


async def test_a_platform_that_is_away_is_asked_once_in_a_tick(
    office: Office, platform: Counting
) -> None:
    for name in ("v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8"):
        await publish(office.database.pool, name)
        platform.says[name] = OperatorNeeded("the token is expired.", mend="Make a new one.")

    said = await read_stats(office, "default", later(hours=2))

    assert said == "8 not read. scripted: the token is expired. Make a new one."
    assert len(platform.questions) <= 4, "those that were under way when the first failed"


async def test_one_bad_post_keeps_no_other_from_being_read(
    office: Office, platform: Counting
) -> None:
    for name in ("v1", "v2"):
        await publish(office.database.pool, name)
    platform.says |= {"v1": ToolFailed("it shows another video"), "v2": 7}

    assert await read_stats(office, "default", later(hours=2)) == "1 not read, 1 read"


async def test_a_post_that_vanished_is_looked_for_twice_before_it_is_gone(
    office: Office, platform: Counting
) -> None:
    pool, since = office.database.pool, later(hours=1)
    out = await publish(pool, "v1")
    platform.says["v1"] = Gone("v1 is not there any more")

    first = await read_stats(office, "default", later(hours=2))
    known = await posts.gone(pool, "default", since)
    second = await read_stats(office, "default", later(hours=2, minutes=11))

    assert (first, known, second) == ("1 not found", (), "1 gone")
    [gone] = await posts.gone(pool, "default", since)
    assert (gone.post_id, gone.error) == (out.post_id, "v1 is not there any more")
    [event] = await audit.search(pool, kind="post.gone")
    assert json.loads(event.body)["post_id"] == out.post_id


async def test_a_post_that_comes_back_is_there_again(office: Office, platform: Counting) -> None:
    pool = office.database.pool
    out = await publish(pool, "v1")
    platform.says["v1"] = Gone("v1 is not there any more")
    for minutes in (120, 131):
        await read_stats(office, "default", later(minutes=minutes))
    platform.says["v1"] = 5

    await read_stats(office, "default", later(hours=9))

    assert (await result(office, out.post_id)).state == "there"
    assert await posts.gone(pool, "default", later(hours=-1)) == ()
    assert [one.kind for one in await audit.search(pool, kind="post.")][:2] == [
        "post.back",
        "post.gone",
    ]


async def test_an_old_post_is_left_alone(office: Office, platform: Counting) -> None:
    out = await publish(office.database.pool, "v1")
    platform.says["v1"] = 5

    await read_stats(office, "default", later(days=29))

    found = await result(office, out.post_id)
    assert (found.next_at, found.is_stale(later(days=400))) == (None, False)


@pytest.mark.parametrize(
    ("age", "apart"),
    [
        (timedelta(minutes=1), timedelta(hours=1)),
        (timedelta(hours=7), timedelta(hours=6)),
        (timedelta(days=3), timedelta(days=1)),
        (timedelta(days=9), timedelta(days=3)),
    ],
)
def test_young_posts_are_asked_after_often_and_old_ones_seldom(
    age: timedelta, apart: timedelta
) -> None:
    at = datetime.fromisoformat("2026-11-24T12:00:00+00:00")

    assert posts.next_look(at - age, at) == at + apart
