from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from bookai.db import audit, tokens
from bookai.errors import Refused

ANN = "operator:ann"
DAY = timedelta(days=1)


async def test_a_token_is_known_again_by_its_hash_alone(pool: asyncpg.Pool) -> None:
    token = await tokens.create(pool, "ci", ["read", "operate", "read"], DAY, ANN)

    row = await tokens.lookup(pool, token, datetime.now(UTC))

    assert token.startswith("bka_")
    assert len(token) == len("bka_") + 43
    assert row is not None
    assert (row.name, row.scopes, row.created_by) == ("ci", ("operate", "read"), ANN)
    assert row.expires_at - row.created_at == DAY
    assert await tokens.list_(pool) == (row,)


async def test_a_token_is_kept_with_the_address_it_was_made_for(pool: asyncpg.Pool) -> None:
    """Point 17: tokens are stored hashed and bound to one address."""
    here, there, now = "https://a.example/mcp", "https://b.example/mcp", datetime.now(UTC)
    token = await tokens.create(pool, "ci", ["read"], DAY, ANN, resource=here)

    row = await tokens.lookup(pool, token, now)

    assert row is not None
    assert row.resource == here
    assert await tokens.is_any_live(pool, here, now)
    assert not await tokens.is_any_live(pool, there, now)
    assert not await tokens.is_any_live(pool, here, row.expires_at)
    await tokens.revoke(pool, "ci", ANN)
    assert not await tokens.is_any_live(pool, here, now)


@pytest.mark.parametrize(
    "resource", ["", "studio", "ftp://a/mcp", "https://a/mcp?x", "https://a b/"]
)
async def test_a_token_is_for_an_address_and_nothing_else(
    pool: asyncpg.Pool, resource: str
) -> None:
    with pytest.raises(Refused, match="no address"):
        await tokens.create(pool, "ci", ["read"], DAY, ANN, resource=resource)


async def test_who_kept_the_hash_alone_learns_of_a_revocation_too(pool: asyncpg.Pool) -> None:
    token = await tokens.create(pool, "phone", ["read"], DAY, ANN)
    kept = tokens.hash_of(token)
    before = await tokens.lookup_hash(pool, kept, datetime.now(UTC))

    await tokens.revoke(pool, "phone", ANN)

    assert before is not None
    assert await tokens.lookup_hash(pool, kept, datetime.now(UTC)) is None


async def test_the_token_itself_is_kept_nowhere(pool: asyncpg.Pool) -> None:
    token = await tokens.create(pool, "ci", ["read"], DAY, ANN)

    rows = await pool.fetch("SELECT t::text AS text FROM tokens t")
    events = await audit.search(pool)

    assert token[4:] not in "".join(row["text"] for row in rows)
    assert token[4:] not in "".join(event.body for event in events)
    assert [(event.kind, event.actor) for event in events] == [("token.created", ANN)]


async def test_two_tokens_are_never_the_same(pool: asyncpg.Pool) -> None:
    made = {await tokens.create(pool, f"t{n}", ["read"], DAY, ANN) for n in range(5)}

    assert len(made) == 5


async def test_an_expired_token_is_unknown(pool: asyncpg.Pool) -> None:
    token = await tokens.create(pool, "ci", ["read"], DAY, ANN)
    (row,) = await tokens.list_(pool)

    last = row.expires_at - timedelta(microseconds=1)
    assert await tokens.lookup(pool, token, last) == row
    assert await tokens.lookup(pool, token, row.expires_at) is None


async def test_a_revoked_token_is_unknown_at_once_and_stays_listed(pool: asyncpg.Pool) -> None:
    token = await tokens.create(pool, "ci", ["read"], DAY, ANN)

    await tokens.revoke(pool, "ci", "operator:bob")

    assert await tokens.lookup(pool, token, datetime.now(UTC)) is None
    (row,) = await tokens.list_(pool)
    assert row.revoked_at is not None
    (event, _) = await audit.search(pool)
    assert (event.kind, event.actor) == ("token.revoked", "operator:bob")
    with pytest.raises(Refused, match="no live token"):
        await tokens.revoke(pool, "ci", "operator:bob")


async def test_a_name_is_free_again_after_revoking(pool: asyncpg.Pool) -> None:
    first = await tokens.create(pool, "ci", ["read"], DAY, ANN)
    with pytest.raises(Refused, match="revoke it first"):
        await tokens.create(pool, "ci", ["read"], DAY, ANN)
    await tokens.revoke(pool, "ci", ANN)

    second = await tokens.create(pool, "ci", ["read"], DAY, ANN)

    assert first != second
    assert [row.revoked_at is None for row in await tokens.list_(pool)] == [True, False]


async def test_a_guess_is_unknown(pool: asyncpg.Pool) -> None:
    await tokens.create(pool, "ci", ["read"], DAY, ANN)

    for guess in ("", "bka_", "bka_" + "A" * 43, "Bearer x", "bka_é", "bka_\0", "bka_" * 9999):
        assert await tokens.lookup(pool, guess, datetime.now(UTC)) is None


REFUSED: dict[str, tuple[str, list[str], timedelta]] = {
    "no name": ("", ["read"], DAY),
    "a name of two words": ("a b", ["read"], DAY),
    "a long name": ("x" * 65, ["read"], DAY),
    "no scope": ("ci", [], DAY),
    "an unknown scope": ("ci", ["read", "root"], DAY),
    "an agent that approves": ("ci", ["agent", "approve"], DAY),
    "an agent that administers": ("ci", ["agent", "admin"], DAY),
    "no life": ("ci", ["read"], timedelta()),
    "eleven years": ("ci", ["read"], timedelta(days=4000)),
}


async def test_a_token_that_should_not_be_is_refused(pool: asyncpg.Pool) -> None:
    for name, scopes, ttl in REFUSED.values():
        with pytest.raises(Refused):
            await tokens.create(pool, name, scopes, ttl, ANN)

    assert await tokens.list_(pool) == ()


async def test_the_database_itself_gives_no_agent_the_right_to_approve(
    pool: asyncpg.Pool,
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(
            "INSERT INTO tokens (name, sha256, scopes, created_by, expires_at)"
            " VALUES ('x', sha256('x'), '{agent,approve}', 'x', now() + interval '1 day')"
        )
    token = await tokens.create(pool, "ci", ["agent"], DAY, ANN)
    assert token
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("UPDATE tokens SET scopes = '{admin}'")
