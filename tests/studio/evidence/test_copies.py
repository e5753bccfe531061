"""The driver: in its own rhythm, one process at a time, later when it failed."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bookai.db import audit
from bookai.db.pool import Pool
from bookai.db.seal import exports
from bookai.db.seal.exports import SignedNote
from bookai.errors import OperatorNeeded, TryLater
from bookai.settings import Settings
from studio.evidence.base import Divergence, Own, Place
from studio.evidence.copies import AT_ONCE, Copy, open_copies, push_due
from studio.steer.checks import is_late
from tests.studio.evidence.conftest import NOON

Grow = Callable[[], Awaitable[Path]]


class Drawer(Place):
    """Keeps notes; fails while `wrong` holds an error, hangs while `stuck`."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.wrong: Exception | None = None
        self.stuck = False
        self.cancelled = 0

    async def push(self, note: SignedNote, own: Own) -> None:
        if self.stuck:
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled += 1
        if self.wrong:
            raise self.wrong
        self.sizes.append(note.tree_size)

    async def fetch(self) -> str:
        return ""


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


def copy(drawer: Drawer, *, timeout_s: float = 5.0) -> Copy:
    return Copy("drawer", "git", 60.0, timeout_s, drawer)


async def kinds(pool: Pool) -> list[str]:
    found = await audit.search(pool, kind="evidence.")
    return [event.kind for event in reversed(found)]


async def test_the_newest_checkpoint_is_brought_once_an_interval(
    pool: Pool, grow: Grow, drawer: Drawer
) -> None:
    for seconds in (0, 30, 59, 61, 90, 125):
        await grow()
        await push_due(pool, [copy(drawer)], NOON + timedelta(seconds=seconds))

    (row,) = await exports.list_(pool)
    newest = await exports.newest(pool)
    assert newest is not None
    assert len(drawer.sizes) == 3
    assert drawer.sizes == sorted(drawer.sizes)
    assert row.tree_size == drawer.sizes[-1] == newest.tree_size


async def test_with_nothing_new_nothing_is_brought(pool: Pool, grow: Grow, drawer: Drawer) -> None:
    await push_due(pool, [copy(drawer)], NOON)
    assert drawer.sizes == []

    await grow()
    for hours in range(3):
        await push_due(pool, [copy(drawer)], NOON + timedelta(hours=hours))

    assert len(drawer.sizes) == 1


async def test_a_failure_is_tried_later_each_time_and_audited_once(
    pool: Pool, grow: Grow, drawer: Drawer
) -> None:
    await grow()
    drawer.wrong = TryLater("the place is away")
    waits = []
    now = NOON
    for _ in range(5):
        (row,) = await push_due(pool, [copy(drawer)], now)
        waits.append((row.next_at - now).total_seconds())
        assert (row.error, row.tree_size) == ("the place is away", 0)
        now = row.next_at
    drawer.wrong = None

    (row,) = await push_due(pool, [copy(drawer)], now)

    assert waits == [60, 120, 240, 480, 960]
    assert (row.failures, row.error) == (0, None)
    assert await kinds(pool) == ["evidence.failed", "evidence.works"]


async def test_an_alarm_is_not_hidden_behind_a_failure(
    pool: Pool, grow: Grow, drawer: Drawer
) -> None:
    await grow()
    later = NOON
    for wrong in (TryLater("away"), Divergence("rewritten"), Divergence("rewritten")):
        drawer.wrong = wrong
        (row,) = await push_due(pool, [copy(drawer)], later)
        later = row.next_at

    assert row.diverged
    assert await kinds(pool) == ["evidence.failed", "evidence.diverged"]


async def test_a_place_that_hangs_is_cut_off_and_holds_up_no_other(
    pool: Pool, grow: Grow, drawer: Drawer
) -> None:
    await grow()
    drawer.stuck = True
    other = Drawer()
    second = Copy("other", "git", 60.0, 5.0, other)

    rows = await push_due(pool, [copy(drawer, timeout_s=0.2), second], NOON)

    assert drawer.cancelled == 1
    assert len(other.sizes) == 1
    assert [row.error for row in rows] == ["it took longer than 0.2 s", None]


async def test_places_that_are_driven_apart_do_not_wait_for_each_other(
    pool: Pool, grow: Grow, drawer: Drawer
) -> None:
    await grow()
    drawer.stuck = True
    other, turn = Drawer(), asyncio.Semaphore(AT_ONCE)
    stuck = asyncio.create_task(push_due(pool, [copy(drawer)], NOON, turn=turn))

    await push_due(pool, [Copy("other", "git", 60.0, 5.0, other)], NOON, turn=turn)

    assert len(other.sizes) == 1
    assert not stuck.done()
    stuck.cancel()
    await asyncio.wait([stuck])


async def test_a_place_that_breaks_is_a_failure_and_not_the_end(
    pool: Pool, grow: Grow, drawer: Drawer, caplog: pytest.LogCaptureFixture
) -> None:
    await grow()
    drawer.wrong = UnicodeError("a name with an empty part")

    (row,) = await push_due(pool, [copy(drawer)], NOON)

    assert row.failures == 1
    assert row.error == "it broke (UnicodeError); the program's own log says where"
    assert "evidence_broke" in [getattr(one, "action", "") for one in caplog.records]


def test_a_copy_is_late_after_three_intervals_and_a_time_out(drawer: Drawer) -> None:
    one = copy(drawer)

    assert not is_late(one, None, NOON)
    assert not is_late(one, NOON, NOON + timedelta(seconds=185))
    assert is_late(one, NOON, NOON + timedelta(seconds=186))


async def test_a_copy_is_behind_since_the_first_checkpoint_that_it_lacks(
    pool: Pool, grow: Grow
) -> None:
    await grow()
    first = await exports.newest(pool)
    await grow()
    newest = await exports.newest(pool)
    assert first is not None
    assert newest is not None

    assert await exports.behind_since(pool, 0) == first.at
    assert await exports.behind_since(pool, first.tree_size) == newest.at
    assert await exports.behind_since(pool, newest.tree_size) is None
    assert await exports.note_over(pool, first.tree_size) == first.note
    assert await exports.note_over(pool, first.tree_size + 1) is None


async def test_of_two_processes_one_pushes(pool: Pool, grow: Grow, drawer: Drawer) -> None:
    await grow()

    async with exports.hold(pool, "drawer") as held:
        await push_due(pool, [copy(drawer)], NOON)
        assert held
        assert drawer.sizes == []

    await push_due(pool, [copy(drawer)], NOON)
    assert len(drawer.sizes) == 1


async def test_stopping_in_the_middle_of_a_push_leaves_no_lock(
    pool: Pool, grow: Grow, drawer: Drawer
) -> None:
    await grow()
    drawer.stuck = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await push_due(pool, [copy(drawer)], NOON)
    drawer.stuck = False

    await push_due(pool, [copy(drawer)], NOON)

    assert len(drawer.sizes) == 1


async def test_a_database_with_fewer_checkpoints_than_were_copied_is_an_alarm(
    pool: Pool, grow: Grow, drawer: Drawer
) -> None:
    await grow()
    newest = await exports.newest(pool)
    assert newest is not None
    ahead = newest.tree_size + 10
    await exports.note_success(pool, "drawer", "git", ahead, NOON, NOON)

    (row,) = await push_due(pool, [copy(drawer)], NOON)

    assert drawer.sizes == []
    assert "checkpoints were removed" in (row.error or "")


async def test_the_application_may_not_forget_a_copy(pool: Pool, grow: Grow) -> None:
    await exports.note_success(pool, "drawer", "git", 1, NOON, NOON)

    for statement in ("DELETE FROM audit_exports", "TRUNCATE audit_exports"):
        with pytest.raises(Exception, match="permission denied"):
            await pool.execute(statement)


GIT = {"kind": "git", "name": "offsite", "url": "https://example.org/x.git"}


def settings(tmp_path: Path, *tables: Mapping[str, Any]) -> Settings:
    return Settings.model_validate({"home": tmp_path, "audit": {"exports": tables}})


def test_each_kind_is_opened_with_what_it_needs(tmp_path: Path) -> None:
    key = {"env": "X"}
    opened = open_copies(
        settings(
            tmp_path,
            GIT,
            {
                "kind": "s3",
                "name": "vault",
                "endpoint": "s3.example.org",
                "bucket": "notes",
                "access_key": key,
                "secret_key": key,
                "lock_days": 365,
            },
            {
                "kind": "mail",
                "name": "post",
                "every_s": 900,
                "host": "mail.example.org",
                "sender": "a@example.org",
                "to": "b@example.com",
            },
            {"kind": "journal", "name": "logs", "url": "https://logs.example.org:19532"},
        )
    )

    assert [(one.name, one.every_s) for one in opened] == [
        ("offsite", 60),
        ("vault", 60),
        ("post", 900),
        ("logs", 60),
    ]


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ([{**GIT, "kind": "ftp"}], "Known kinds: git, journal, mail, s3"),
        ([GIT, GIT], "two .* 'offsite'"),
        ([{**GIT, "bucket": "x"}], "bucket"),
        ([{**GIT, "token": "hunter2"}], "token: .*env ="),
        (
            [{**GIT, "kind": "mail", "every_s": 60}],
            "takes 300 or more",
        ),
    ],
)
def test_what_is_not_understood_is_named_and_no_secret_repeated(
    tmp_path: Path, tables: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(OperatorNeeded, match=words) as caught:
        open_copies(settings(tmp_path, *tables))

    assert "hunter2" not in str(caught.value)


async def test_no_secret_reaches_the_audit_log(pool: Pool, grow: Grow, drawer: Drawer) -> None:
    await grow()
    drawer.wrong = TryLater("git push to https://git:hunter2@example.org/x.git failed")

    await push_due(pool, [copy(drawer)], NOON)

    (event,) = await audit.search(pool, kind="evidence.failed")
    assert "hunter2" not in event.body
    assert json.loads(event.body)["copy"] == "drawer"
