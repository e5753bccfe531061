import json
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookai.db import audit
from bookai.db.audit import MAX_TEXT, canonical, scrub
from bookai.errors import Refused
from bookai.models import Span

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcXYZ_ .-", min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


async def test_an_event_is_found_again_as_it_was_written(pool: asyncpg.Pool) -> None:
    before = datetime.now(UTC)

    event_id = await audit.append(
        pool, "tool.called", "agent:writer", {"b": 1, "a": "é", "ms": 0.5}
    )

    (event,) = await audit.search(pool)
    assert event.event_id == event_id
    assert (event.kind, event.actor, event.job_id) == ("tool.called", "agent:writer", None)
    assert event.body == '{"a":"é","b":1,"ms":"0.5"}'
    assert event.sealed is False
    assert abs((event.at - before).total_seconds()) < 60


async def test_an_event_is_undone_with_the_transaction_it_tells_of(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as con:
        attempt = con.transaction()
        await attempt.start()
        await audit.append(con, "job.created", "operator:ann", {"job_id": 1})
        await attempt.rollback()

    assert await audit.search(pool) == ()


async def test_a_search_narrows_by_kind_actor_and_job(pool: asyncpg.Pool) -> None:
    first = await audit.append(pool, "post.armed", "studio", {"job_id": 7})
    second = await audit.append(pool, "post.sending", "studio", {"job_id": 8})
    third = await audit.append(pool, "posting", "agent:publisher", {}, job_id=7)

    async def ids(**narrow: object) -> list[int]:
        return [event.event_id for event in await audit.search(pool, **narrow)]  # type: ignore[arg-type]

    assert await ids() == [third, second, first]
    assert await ids(kind="post.armed") == [first]
    assert await ids(kind="post.") == [second, first]
    assert await ids(actor="agent:publisher") == [third]
    assert await ids(job_id=7) == [third, first]
    assert await ids(limit=1) == [third]


async def test_a_tail_goes_on_after_the_last_event_seen(pool: asyncpg.Pool) -> None:
    numbers = [await audit.append(pool, "tick", "studio", {"n": n}) for n in range(4)]

    tail = await audit.search(pool, after_id=numbers[1])

    assert [event.event_id for event in tail] == numbers[2:]


async def test_a_flag_or_a_text_is_not_taken_for_a_job(pool: asyncpg.Pool) -> None:
    await audit.append(pool, "tick", "studio", {"job_id": True})
    await audit.append(pool, "tick", "studio", {"job_id": "7"})

    assert [event.job_id for event in await audit.search(pool)] == [None, None]


async def test_text_that_postgres_cannot_hold_does_not_break_the_insert(pool: asyncpg.Pool) -> None:
    await audit.append(pool, "tick", "agent:\0\ud800", {"title": "a\0b\ud83dc", "ok": "\U0001f600"})

    (event,) = await audit.search(pool)
    assert event.actor == "agent:\ufffd\ufffd"
    assert json.loads(event.body) == {"title": "a\ufffdb\ufffdc", "ok": "\U0001f600"}


async def test_totals_count_what_no_checkpoint_covers(pool: asyncpg.Pool) -> None:
    for _ in range(3):
        await audit.append(pool, "tick", "studio", {})

    assert await audit.totals(pool) == audit.Totals(events=3, unsealed=3)


async def test_a_kind_that_is_no_plain_word_is_refused(pool: asyncpg.Pool) -> None:
    for kind in ("", "Post", "1a", "a b", "a\n", "é", "x" * 65, "a'; DROP TABLE"):
        with pytest.raises(Refused, match="no kind"):
            await audit.append(pool, kind, "studio", {})


async def test_an_event_without_an_actor_is_refused(pool: asyncpg.Pool) -> None:
    with pytest.raises(Refused, match="needs an actor"):
        await audit.append(pool, "tick", "", {})


FORBIDDEN = (
    "UPDATE audit_log SET body = '{}'",
    "DELETE FROM audit_log",
    "TRUNCATE audit_log",
    "TRUNCATE audit_leaf",
    "DELETE FROM audit_leaf",
    "UPDATE audit_checkpoint SET note = ''",
    "DROP TABLE audit_log",
    "ALTER TABLE audit_log DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
    "INSERT INTO audit_log (kind, actor, body, at) VALUES ('a', 'b', '{}', '2020-01-01')",
    "INSERT INTO audit_log (kind, actor, body, xid) VALUES ('a', 'b', '{}', '3')",
    "INSERT INTO audit_log (id, kind, actor, body) OVERRIDING SYSTEM VALUE"
    " VALUES (1, 'a', 'b', '{}')",
    "INSERT INTO audit_leaf VALUES (0, 1, sha256('x'))",
    "INSERT INTO audit_checkpoint (tree_size, prev_size, root, frontier, hi_xid, note)"
    " VALUES (1, 0, sha256('x'), '{}', '1', '')",
)


async def test_the_program_may_append_and_nothing_else(pool: asyncpg.Pool) -> None:
    for statement in FORBIDDEN:
        with pytest.raises(
            asyncpg.InsufficientPrivilegeError, match=r"permission denied|must be owner"
        ):
            await pool.execute(statement)


async def test_the_sealer_adds_leaves_and_checkpoints_and_changes_nothing(
    pool: asyncpg.Pool,
) -> None:
    async with pool.acquire() as con:
        await con.execute("SET ROLE bookai_sealer")
        await con.execute("INSERT INTO audit_leaf VALUES (0, 1, sha256('x'))")
        for statement in (
            "INSERT INTO audit_log (kind, actor, body) VALUES ('a', 'b', '{}')",
            "DELETE FROM audit_log",
            "TRUNCATE audit_leaf",
            "UPDATE audit_leaf SET leaf = sha256('y')",
            "DELETE FROM audit_checkpoint",
            "SELECT * FROM tokens",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                await con.execute(statement)


async def test_even_the_owner_is_stopped_by_the_triggers(
    pool: asyncpg.Pool, admin_dsn: str
) -> None:
    await audit.append(pool, "tick", "studio", {})
    owner = await asyncpg.connect(admin_dsn)

    try:
        for statement in (
            "UPDATE audit_log SET body = '{}'",
            "DELETE FROM audit_log",
            "TRUNCATE audit_log",
            "TRUNCATE audit_leaf",
            "TRUNCATE audit_checkpoint",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await owner.execute(statement)
    finally:
        await owner.close()


@given(st.dictionaries(st.text("abc_", min_size=1, max_size=6), JSON_VALUES, max_size=5))
def test_a_body_has_one_text_and_reading_it_back_gives_the_same_text(
    body: dict[str, object],
) -> None:
    text = canonical(body)

    again = json.loads(text, parse_float=_no_floats)
    assert canonical(again) == text
    assert canonical(dict(reversed(body.items()))) == text
    assert "\0" not in text
    assert text.encode().decode() == text


def _no_floats(text: str) -> float:
    raise AssertionError(f"a float was written: {text}")


def test_values_become_plain_data() -> None:
    body = {
        "at": datetime(2026, 11, 24, 8, tzinfo=UTC),
        "path": Path("a/b"),
        "record": Span(start=1, end=2),
        "big": 2**60,
        "nan": float("nan"),
        "list": (1, None, True),
    }

    assert json.loads(canonical(body)) == {
        "at": "2026-11-24T08:00:00+00:00",
        "path": "a/b",
        "record": {"start": 1, "end": 2},
        "big": str(2**60),
        "nan": "nan",
        "list": [1, None, True],
    }


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"é": 1}, id="key that is not ASCII"),
        pytest.param({1: "a"}, id="key that is no text"),
        pytest.param({"": 1}, id="empty key"),
        pytest.param({"a": b"bytes"}, id="bytes"),
        pytest.param({"a": {1, 2}}, id="a set"),
        pytest.param({"a": object()}, id="an object"),
        pytest.param({"a": ["x" * 100] * 1000}, id="100 kB"),
    ],
)
def test_what_has_no_faithful_text_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(Refused):
        canonical(body)


def test_endless_nesting_is_refused() -> None:
    loop: dict[str, object] = {}
    loop["a"] = loop

    with pytest.raises(Refused, match="nested"):
        canonical(loop)


def test_a_long_text_is_kept_as_its_digest() -> None:
    kept = scrub("x" * (MAX_TEXT + 1))

    assert isinstance(kept, str)
    assert kept.startswith("x" * 500 + "… (2001 characters, sha256 ")
    assert scrub("x" * MAX_TEXT) == "x" * MAX_TEXT


@pytest.mark.parametrize(
    "key",
    [
        *("password", "db_password", "client_secret", "Authorization", "api_key", "apiKey"),
        *("API-KEY", "access_token", "token", "dsn", "BOOKAI_DSN", "private_key", "cookie"),
    ],
)
def test_what_is_called_a_secret_is_masked(key: str) -> None:
    assert scrub({key: "hunter2"}) == {key: "***"}
    assert scrub({"a": [{key: ["hunter2"]}]}) == {"a": [{key: "***"}]}


@pytest.mark.parametrize("key", ["tokens", "max_tokens", "feedsnapshot", "title", "actor"])
def test_what_only_sounds_like_a_secret_is_kept(key: str) -> None:
    assert scrub({key: 12}) == {key: 12}


@pytest.mark.parametrize(
    "text",
    [
        "cannot reach postgresql://user:hunter2@db/x",
        "cannot reach postgres://user:hun/ter2@p@db/x?a=hunter2@b",
        "amqp://u:hunter2@host",
        "Authorization: Basic hunter2",
        "Authorization: Bearer hunter2",
        "header Bearer hunter2",
        "host=db password=hunter2 user=x",
        "https://x.example/?api_key=hunter2&b=1",
        '{"token": "hunter2"}',
        "bka_hunter2hunter2hunter2",
    ],
)
def test_a_secret_inside_a_text_is_masked(text: str) -> None:
    masked = scrub(text)

    assert isinstance(masked, str)
    assert "hunter2" not in masked.replace("x?a=hunter2@b", "")
    assert "***" in masked


@pytest.mark.parametrize(
    "text",
    [
        "The secret: be kind, and a token of love",
        "http://example.org:8080/a@b",
        "https://example.org/a?b=c",
        "the bearer of news",
    ],
)
def test_an_innocent_text_is_left_as_it_is(text: str) -> None:
    assert scrub(text) == text


def test_masking_a_hostile_text_ends_within_the_limit_of_a_test() -> None:
    for text in ("postgres://a:", "a", "token=", "://:", "Bearer ", "api_key", '"token":"'):
        masked = scrub(text * 100_000)
        assert isinstance(masked, str)
        assert len(masked) < 1000
