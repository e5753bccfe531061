"""Personal data: committed to in the log, erasable beside it."""

import hashlib
import json

import asyncpg
import pytest

from bookai.db import audit
from bookai.errors import Refused

ANN = {"email": "ann@example.org", "name": "Ann Ö"}


async def test_a_personal_text_is_not_in_the_log_but_is_shown(pool: asyncpg.Pool) -> None:
    event_id = await audit.append(
        pool, "reader.asked", "studio", {"job_id": 3}, personal=ANN, subject="reader:12"
    )

    (event,) = await audit.search(pool)
    assert event.event_id == event_id
    assert event.personal == ANN
    assert "ann@" not in event.body
    row = await pool.fetchrow("SELECT salt, value FROM audit_personal WHERE field = 'name'")
    said = hashlib.sha256(row["salt"] + row["value"].encode()).hexdigest()
    assert json.loads(event.body)["name"] == {"commitment": said}
    assert json.loads(event.body)["job_id"] == 3


async def test_the_same_text_has_another_commitment_each_time(pool: asyncpg.Pool) -> None:
    for _ in range(2):
        await audit.append(pool, "a", "studio", {}, personal={"x": "same"}, subject="p")

    first, second = await audit.search(pool)
    assert first.body != second.body


async def test_texts_and_event_are_written_together_or_not_at_all(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as con:
        attempt = con.transaction()
        await attempt.start()
        await audit.append(con, "a", "studio", {}, personal=ANN, subject="p")
        await attempt.rollback()

    assert await audit.search(pool) == ()
    assert await pool.fetchval("SELECT count(*) FROM audit_personal") == 0


async def test_erasing_takes_all_texts_of_one_person_and_says_how_many(pool: asyncpg.Pool) -> None:
    for subject in ("ann", "ann", "bob"):
        await audit.append(pool, "a", "studio", {}, personal=ANN, subject=subject)

    erased = await audit.erase(pool, "ann", "operator:eve", 'asked for on paper "7"\n')

    assert erased == 4
    told, bob, *anns = await audit.search(pool)
    assert (told.kind, told.actor) == ("personal.erased", "operator:eve")
    assert (
        told.body == '{"approvals":0,"events":2,"fields":4,"reason":"asked for on paper \\"7\\""}'
    )
    assert audit.canonical(json.loads(told.body)) == told.body
    assert bob.personal == ANN
    assert [event.personal for event in anns] == [{}, {}]


async def test_nothing_to_erase_is_written_down_as_well(pool: asyncpg.Pool) -> None:
    assert await audit.erase(pool, "nobody", "operator:eve", "asked") == 0

    (told,) = await audit.search(pool)
    assert told.body == '{"approvals":0,"events":0,"fields":0,"reason":"asked"}'


async def test_the_program_cannot_erase_without_its_event(pool: asyncpg.Pool) -> None:
    await audit.append(pool, "a", "studio", {}, personal=ANN, subject="ann")

    for statement in (
        "DELETE FROM audit_personal",
        "TRUNCATE audit_personal",
        "UPDATE audit_personal SET value = 'x'",
        "DROP FUNCTION audit_erase(text, text, text)",
    ):
        with pytest.raises(
            asyncpg.InsufficientPrivilegeError, match=r"permission denied|must be owner"
        ):
            await pool.execute(statement)


async def test_a_table_of_the_caller_does_not_lead_the_erasure_astray(pool: asyncpg.Pool) -> None:
    await audit.append(pool, "a", "studio", {}, personal=ANN, subject="ann")
    async with pool.acquire() as con:
        await con.execute("CREATE TEMP TABLE audit_log (kind text, actor text, body text)")
        await con.execute("SET search_path = pg_temp, public")
        await con.execute("SELECT public.audit_erase('ann', 'operator:eve', 'asked')")
        await con.execute("DROP TABLE pg_temp.audit_log")

    assert [event.kind for event in await audit.search(pool)] == ["personal.erased", "a"]


@pytest.mark.parametrize(
    ("personal", "subject", "body"),
    [
        pytest.param(ANN, None, {}, id="about nobody"),
        pytest.param(ANN, "", {}, id="about an empty name"),
        pytest.param(ANN, "x" * 201, {}, id="a subject of 201 characters"),
        pytest.param(ANN, "ann", {"email": "in the open"}, id="in the body as well"),
        pytest.param({"a": "x" * 10_001}, "ann", {}, id="too long"),
        pytest.param({"é": "x"}, "ann", {}, id="a field that is no key"),
    ],
)
async def test_what_could_not_be_erased_again_is_refused(
    pool: asyncpg.Pool, personal: dict[str, str], subject: str | None, body: dict[str, object]
) -> None:
    with pytest.raises(Refused):
        await audit.append(pool, "a", "studio", body, personal=personal, subject=subject)

    assert await audit.search(pool) == ()


async def test_to_erase_needs_a_name_and_a_reason(pool: asyncpg.Pool) -> None:
    for subject, by, reason in (("", "o", "r"), ("s", "", "r"), ("s", "o", " \n")):
        with pytest.raises(Refused, match="whose, by whom and why"):
            await audit.erase(pool, subject, by, reason)
