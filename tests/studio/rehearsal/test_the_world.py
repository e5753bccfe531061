"""The parts of a rehearsal: its database, its home, the platform's peer, the people, the press."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from bookai.db import jobs, rehearsal
from bookai.db.migrate import migrate
from bookai.db.pool import open_pool
from bookai.errors import OperatorNeeded, Refused
from bookai.house import migrations_dir
from bookai.llm.base import ModelRequest
from bookai.llm.extractive import extract
from bookai.models import Article
from studio.rehearsal.clock import open_clock
from studio.rehearsal.home import MARK, make_home
from studio.rehearsal.peers.loopback import Asked
from studio.rehearsal.peers.press import Press, recorded
from studio.rehearsal.peers.video import VideoHost
from studio.rehearsal.platform import PLATFORM
from studio.rehearsal.run import Dsns
from studio.rehearsal.world import OPERATORS, PAPERS, START, make_world, read_channels
from tools.platforms.base import only, platforms


async def ready(dsns: Dsns) -> None:
    await rehearsal.prepare(dsns.admin, START)
    await migrate(dsns.admin, migrations_dir())
    await rehearsal.close_off(dsns.admin)


async def test_a_database_that_holds_anything_is_refused(admin_dsn: str) -> None:
    with pytest.raises(Refused, match="needs an empty one"):
        await rehearsal.prepare(admin_dsn, START)


async def test_the_database_tells_the_rehearsals_time_and_only_forward(empty: Dsns) -> None:
    await ready(empty)
    later = START + timedelta(hours=5)

    async with open_clock(empty.admin, START) as clock, open_pool(empty.app, size=1) as pool:
        await clock.jump(later)
        told = await pool.fetchrow("SELECT now() AS a, clock_timestamp() AS b")
        async with pool.acquire() as con, con.transaction():
            job_id = await jobs.create(con, "a.md", "default", "operator:ann")
        made = await jobs.get(pool, job_id)
        with pytest.raises(Refused, match="does not go back"):
            await clock.jump(START)

    assert tuple(told) == (later, later)
    assert made.created_at == later


def test_a_home_with_anything_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "studio.toml").write_text("")

    with pytest.raises(Refused, match="not empty"):
        make_home(tmp_path)

    assert (make_home(tmp_path / "new") / MARK).is_file()


def test_no_real_platform_is_known_while_it_lasts() -> None:
    with only({PLATFORM.name: PLATFORM}):
        assert list(platforms()) == ["simulated"]

    assert "gallery" in platforms()
    assert "simulated" not in platforms()


@dataclass
class Time:
    at: datetime = START

    def __call__(self) -> datetime:
        return self.at


def send(host: VideoHost, key: str) -> int:
    said = quote(json.dumps({"key": key, "account": "a", "title": key}))
    headers = {"authorization": f"Bearer {host.token}", "post": said, "title": key}
    return host.answer(Asked("POST", "/posts", headers, b"")).status


def find(host: VideoHost, key: str) -> int:
    headers = {"authorization": f"Bearer {host.token}"}
    return host.answer(Asked("GET", f"/posts/{key}", headers, b"")).status


def host_with(*faults: str, ends_h: float = 1000) -> tuple[VideoHost, Time]:
    time = Time()
    ends_at = START + timedelta(hours=ends_h)
    return VideoHost(time, faults, ends_at, Random(1)), time  # type: ignore[arg-type]  # words


def test_a_busy_platform_takes_the_post_the_second_time() -> None:
    host, _ = host_with("busy")

    assert [send(host, "a"), send(host, "a"), send(host, "b")] == [429, 201, 201]


def test_a_lost_answer_leaves_one_post_that_can_be_found() -> None:
    host, _ = host_with("lost answer")

    assert (send(host, "a"), find(host, "a"), len(host.out)) == (0, 200, 1)


def test_an_index_that_is_behind_leads_to_a_second_send_and_not_to_a_second_post() -> None:
    host, _ = host_with("late index")

    assert (send(host, "a"), find(host, "a"), send(host, "a")) == (0, 404, 409)
    assert (len(host.out), find(host, "a")) == (1, 200)


def test_an_expired_token_lets_nobody_in_until_it_is_renewed() -> None:
    host, time = host_with(ends_h=2)
    time.at += timedelta(hours=3)

    assert send(host, "a") == 401
    host.renew()
    assert send(host, "a") == 201


def test_views_grow_and_never_shrink() -> None:
    host, time = host_with()
    send(host, "a")

    seen = []
    for _ in range(48):
        time.at += timedelta(hours=1)
        seen.append(host.views_of("1") or 0)
    assert seen == sorted(seen)
    assert seen[-1] > 0


@pytest.mark.parametrize("name", [one.name for one in OPERATORS])
def test_people_sleep_at_night_and_keep_to_their_days(name: str) -> None:
    who = next(one for one in OPERATORS if one.name == name)

    at, looks = START, []
    while at < START + timedelta(days=8):  # over the night in which clocks are put forward
        before, at = at, who.next_look(at)
        assert at > before
        looks.append(at)
    local = [look.astimezone(ZoneInfo(who.zone)) for look in looks]
    assert all(who.begins <= one.time() <= who.ends for one in local)
    assert {one.weekday() for one in local} == who.days


def test_every_recorded_story_can_be_told_but_the_one_that_gives_orders() -> None:
    refused = []
    for paper in map(recorded, PAPERS):
        for story in paper.stories:
            article = Article(
                url="https://example.org/1",
                title=story.title,
                publisher=paper.title,
                text=story.text,
                language="en",
                sha256=hashlib.sha256(story.text.encode()).hexdigest(),
                fetched_at=START,
                published_at=START,
            )
            try:
                extract(ModelRequest.model_construct(article=article, seconds=35.0, objections=()))
            except Refused:
                refused.append(story.title)

    assert refused == ["Why machines have to read this page"]


def test_a_feed_shows_what_has_appeared_by_now_with_points_that_grow() -> None:
    time = Time(START)
    press = Press([recorded("low_sky")], START, time)

    def shown() -> bytes:
        return press.answer(Asked("GET", "/low_sky.xml", {}, b"")).body

    early = shown()
    time.at += timedelta(hours=30)
    late = shown()
    assert early.count(b"<item>") < late.count(b"<item>")
    assert b"100 points" in early  # 77, and four hours of a little less than 6
    assert b"100 points" not in late


def test_an_operators_own_channels_lose_what_could_reach_the_world(tmp_path: Path) -> None:
    toml = tmp_path / "studio.toml"
    toml.write_text(
        '[channels.news]\nplatform = "youtube"\naccount = "me"\ncredentials = "env:TOKEN"\n'
        'approvers = ["operator:kim"]\n'
    )

    world = make_world(1, read_channels(toml))

    settings = world.settings(tmp_path, "127.0.0.1:1", "127.0.0.1:2", {})
    found = settings.channels["news"]
    assert (found.platform, found.account, found.credentials) == (
        "simulated",
        "simulated-news",
        None,
    )
    assert found.brand == "SIMULATED"
    assert [one.principal for one in world.operators] == ["operator:simulated-kim"]
    assert found.approvers == ("operator:simulated-kim",)


def test_a_file_without_channels_is_told(tmp_path: Path) -> None:
    toml = tmp_path / "studio.toml"
    toml.write_text("[approvals]\n")

    with pytest.raises(OperatorNeeded, match=r"no \[channels"):
        read_channels(toml)


def test_the_rehearsals_time_is_aware() -> None:
    assert START.tzinfo is UTC
    assert START.weekday() == 0
