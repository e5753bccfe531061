"""Tokens: who may call over HTTP. Shown once when made; only a hash is kept."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import asyncpg

from bookai.db import audit
from bookai.db.pool import Con, Pool
from bookai.errors import Refused
from bookai.models import Record

Scope = Literal["read", "operate", "approve", "agent", "admin"]
SCOPES: frozenset[str] = frozenset(get_args(Scope))

PREFIX = "bka_"
"""Lets secret scanners, and people, recognise a token of ours."""

MAX_TTL = timedelta(days=3650)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_RESOURCE = re.compile(r"https?://[^\s/?#@]+/[^\s?#]{0,400}")
_MAX_TOKEN = 200

_COLUMNS = """
       t.token_id, t.name, t.scopes, t.created_by, t.created_at, t.expires_at, t.revoked_at,
       t.resource
"""

INSERT_TOKEN = """
INSERT INTO tokens (name, sha256, scopes, created_by, expires_at, resource)
VALUES ($1, $2, $3, $4, now() + $5::interval, $6)
RETURNING token_id, expires_at
"""
SELECT_LIVE = f"""
SELECT {_COLUMNS}
  FROM tokens t
 WHERE t.sha256 = $1
   AND t.revoked_at IS NULL
   AND t.expires_at > $2
"""  # noqa: S608  # a constant of ours
SELECT_IS_LIVE = """
SELECT EXISTS (
    SELECT
      FROM tokens
     WHERE name = $1
       AND revoked_at IS NULL
       AND expires_at > $2
)
"""
SELECT_ALL = f"SELECT {_COLUMNS} FROM tokens t ORDER BY t.token_id DESC"  # noqa: S608  # as above
SELECT_ANY_LIVE = """
SELECT EXISTS (SELECT
                 FROM tokens
                WHERE resource = $1
                  AND revoked_at IS NULL
                  AND expires_at > $2)
"""
REVOKE_TOKEN = """
UPDATE tokens
   SET revoked_by = $2, revoked_at = now()
 WHERE name = $1
   AND revoked_at IS NULL
RETURNING token_id
"""


class TokenRow(Record):
    """A token without its secret.

    `resource` is the address it was made for; None is this machine's own doors.
    """

    token_id: int
    name: str
    scopes: tuple[Scope, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    resource: str | None = None


async def create(  # whose, for what, how long, by whom, for which address
    db: Pool | Con,
    name: str,
    scopes: Iterable[str],
    ttl: timedelta,
    by: str,
    *,
    resource: str | None = None,
) -> str:
    """Make a token for one address and return it, the only time anyone sees it.

    Without a `resource` it is for this machine's own doors.

    Raises:
        Refused: the name is taken or no plain word, a scope does not exist, an agent's token
            could approve, `ttl` is not between now and ten years, or `resource` is no address.
    """
    wanted = sorted(set(scopes))
    _check(name, wanted, ttl)
    if resource is not None and not (_RESOURCE.fullmatch(resource) and len(resource) <= 500):
        raise Refused(f"{resource[:80]!r} is no address of a server: https://HOST/mcp")
    token = PREFIX + secrets.token_urlsafe(32)
    try:
        async with audit.transaction(db) as con:
            row = await con.fetchrow(INSERT_TOKEN, name, hash_of(token), wanted, by, ttl, resource)
            body = {
                "token_id": row["token_id"],
                "name": name,
                "scopes": wanted,
                "expires_at": row["expires_at"],
                "resource": resource,
            }
            await audit.append(con, "token.created", by, body)
    except asyncpg.UniqueViolationError as error:
        raise Refused(
            f"there is a token called {name!r}: revoke it first, or choose another name"
        ) from error
    return token


async def lookup(db: Pool | Con, token: str, now: datetime) -> TokenRow | None:
    """Return whose token this is, or None when it is unknown, revoked or expired."""
    return await lookup_hash(db, hash_of(token), now) if is_token(token) else None


async def lookup_hash(db: Pool | Con, sha256: bytes, now: datetime) -> TokenRow | None:
    """Return whose token has this hash, or None: for one who keeps the hash and not the token."""
    row = await db.fetchrow(SELECT_LIVE, sha256, now)
    return _row(row) if row else None


async def is_any_live(db: Pool | Con, resource: str, now: datetime) -> bool:
    """Tell whether anybody holds a live token for this address."""
    return bool(await db.fetchval(SELECT_ANY_LIVE, resource, now))


async def is_live(db: Pool | Con, name: str, now: datetime) -> bool:
    """Tell whether a token of this name still counts: for what was lent to its holder."""
    found: bool = await db.fetchval(SELECT_IS_LIVE, audit.clean(name), now)
    return found


def is_token(text: str) -> bool:
    """Tell whether a text has a token's form, so that nothing else is ever looked up."""
    return text.startswith(PREFIX) and len(text) <= _MAX_TOKEN and text.isascii()


def hash_of(token: str) -> bytes:
    """Return what is kept of a token."""
    # Plain SHA-256: with 256 random bits there is nothing to guess that a slow hash would protect.
    return hashlib.sha256(token.encode()).digest()


async def revoke(db: Pool | Con, name: str, by: str) -> None:
    """Revoke the token of this name; it stops working at once.

    Raises:
        Refused: there is no live token of this name.
    """
    async with audit.transaction(db) as con:
        token_id = await con.fetchval(REVOKE_TOKEN, audit.clean(name), by)
        if token_id is None:
            raise Refused(f"there is no live token called {name[:80]!r}")
        await audit.append(con, "token.revoked", by, {"token_id": token_id, "name": name})


async def list_(db: Pool | Con) -> tuple[TokenRow, ...]:
    """Return every token ever made, newest first."""
    return tuple(_row(row) for row in await db.fetch(SELECT_ALL))


def _check(name: str, scopes: list[str], ttl: timedelta) -> None:
    if not _NAME.fullmatch(name):
        raise Refused(f"{name[:80]!r} is no name for a token: 1 to 64 letters, digits or _ . @ -")
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        known = ", ".join(sorted(SCOPES))
        raise Refused(f"a token needs scopes out of {known}, not {unknown or 'none'}")
    if "agent" in scopes and {"approve", "admin"} & set(scopes):
        raise Refused("an agent's token can neither approve nor administer: make two tokens")
    if not timedelta() < ttl <= MAX_TTL:
        raise Refused(f"a token lives more than zero and at most {MAX_TTL.days} days, not {ttl}")


def _row(row: Mapping[str, Any]) -> TokenRow:
    return TokenRow(**{name: row[name] for name in TokenRow.model_fields})
