"""One-time links: a signed way for one named operator to answer one approval, once.

Opening a link spends nothing, as mail programs and messengers open links to preview them; the
decision does, in its own transaction. Only the token's hash is kept, and its signature covers what
it is for: a changed row in the database makes no other link of it.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from bookai.db import audit
from bookai.db.approvals.deciding import count, say, too_late
from bookai.db.approvals.rights import Word, check_maker
from bookai.db.approvals.rows import (
    Approval,
    OnDecided,
    check_operator,
    get,
    locked,
    moment,
    not_pending,
    unchanged,
)
from bookai.db.approvals.rules import RulesOf, anyone
from bookai.db.pool import Con, Pool
from bookai.errors import OperatorNeeded, Refused

PREFIX = "bkl_"
MAX_TTL = timedelta(days=14)
_NONCE_BYTES = 16
_MAC_BYTES = 32
_KEY_BYTES = 32

_COLUMNS = """
       l.link_id, l.approval_id, l.digest, l.operator, l.made_by, l.expires_at, l.used_at
"""
INSERT_LINK = """
INSERT INTO approval_links (approval_id, digest, operator, made_by, sha256, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING link_id
"""
SELECT_LINK = f"SELECT {_COLUMNS} FROM approval_links l WHERE l.sha256 = $1"  # noqa: S608  # a constant of ours
SPEND_LINK = """
UPDATE approval_links
   SET used_at = $2
 WHERE link_id = $1
"""


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it stands in the database."""

    link_id: int
    approval_id: int
    digest: str
    operator: str
    made_by: str
    expires_at: datetime
    used_at: datetime | None

    def message(self) -> bytes:
        """Return what the signature covers besides the token's own random part."""
        until_us = round(self.expires_at.timestamp() * 1_000_000)
        parts = (str(self.approval_id), self.digest, self.operator, self.made_by, str(until_us))
        return "\0".join(parts).encode()


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link shows."""

    approval: Approval
    link: Link


def open_key(path: Path) -> bytes:
    """Read the key that signs links, creating it on first use.

    Raises:
        OperatorNeeded: other users can read it, or it is no such key.
    """
    if not path.exists():
        _create_key(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise OperatorNeeded(
            f"other users can read the key of the links {path}.", mend=f"chmod 600 {path}"
        )
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise OperatorNeeded(
            f"{path} is no key for links.", mend="Remove it: a new one is made, old links end."
        )
    return key


async def create(  # noqa: PLR0913  # one link: signed how, to what, for whom, by whom, from when, how long
    pool: Pool,
    key: bytes,
    approval_id: int,
    operator: str,
    by: str,
    now: datetime,
    ttl: timedelta,
    *,
    rules_of: RulesOf = anyone,
) -> str:
    """Make a link for `operator` to answer a pending approval; return its token, shown only now.

    It never outlives the approval. Whether the operator may decide is asked when he does; who makes
    a link for another has to be an approver himself, then and now.

    Raises:
        Refused: not a person, no approver, not pending, or the time is out of bounds.
    """
    check_operator(by)
    check_operator(operator)
    if not timedelta() < ttl <= MAX_TTL:
        raise Refused(f"a link lives more than zero and at most {MAX_TTL.days} days, not {ttl}")
    async with audit.transaction(pool) as con:
        approval = unchanged(await locked(con, approval_id))
        if approval.state != "pending":
            raise not_pending(approval)
        if approval.expires_at <= now:
            raise Refused(too_late(approval))
        check_maker(approval, by, operator, rules_of(approval.channel))
        until = min(now + ttl, approval.expires_at)
        link = Link(0, approval_id, approval.digest, operator, by, until, None)
        token = _token(key, link, secrets.token_bytes(_NONCE_BYTES))
        link_id: int = await con.fetchval(
            INSERT_LINK, approval_id, link.digest, operator, by, _hash(token), now, until
        )
        body = {
            "link_id": link_id,
            "approval_id": approval_id,
            "job_id": approval.job_id,
            "digest": link.digest,
            "operator": operator,
            "expires_at": until,
        }
        await audit.append(con, "link.created", by, body)
    return token


async def open_(db: Pool | Con, key: bytes, token: str, now: datetime) -> Opened:
    """Return what a link is about; nothing is changed by looking.

    Raises:
        Refused: it is none of ours, used, over, or what it was for was decided or has changed.
    """
    link = await _find(db, key, token)
    approval = await get(db, link.approval_id)
    if approval.state != "pending":
        raise not_pending(approval)
    if link.used_at is not None:
        raise Refused(f"this link was used at {moment(link.used_at)}: it works once")
    unchanged(approval)
    if approval.digest != link.digest:
        raise Refused("this link is for a post that has changed since: ask for a new one")
    if approval.expires_at <= now:
        raise Refused(too_late(approval))
    if link.expires_at <= now:
        raise Refused(f"this link ended at {moment(link.expires_at)}: ask for a new one")
    return Opened(approval, link)


async def decide(  # noqa: PLR0913  # one decision: by which link, what, why, when, and then what
    pool: Pool,
    key: bytes,
    token: str,
    approve: bool,
    reason: str,
    now: datetime,
    on_decided: OnDecided | None = None,
    *,
    rules_of: RulesOf = anyone,
) -> Approval:
    """Decide as the operator whom the link names, and spend the link, in one transaction.

    Raises:
        Refused: as `open_` and as any other decision; the link is then not spent.
    """
    async with audit.transaction(pool) as con:
        found = await _find(con, key, token)
        approval = await locked(con, found.approval_id)
        if approval.expires_at > now:
            await open_(con, key, token, now)
            await con.execute(SPEND_LINK, found.link_id, now)
        word = Word(
            approve,
            audit.clean(reason).strip(),
            found.operator,
            now,
            via="link",
            link_id=found.link_id,
            hand=found.made_by,
        )
        after = await say(con, approval, word.checked(), rules_of, on_decided)
    if after.state == "expired":
        raise Refused(too_late(after))
    count(after)
    return after


async def _find(db: Pool | Con, key: bytes, token: str) -> Link:
    """Return the link whose token this is; guessed, cut and forged ones are told alike."""
    nonce, mac = _parts(token)
    row = await db.fetchrow(SELECT_LINK, _hash(token))
    link = _link(row) if row else None
    if link is None or not hmac.compare_digest(mac, _sign(key, link, nonce)):
        raise Refused("this link is none of ours, or was not copied whole: ask for a new one")
    return link


def _token(key: bytes, link: Link, nonce: bytes) -> str:
    return PREFIX + base64.urlsafe_b64encode(nonce + _sign(key, link, nonce)).decode()


def _parts(token: str) -> tuple[bytes, bytes]:
    try:
        data = base64.b64decode(token.removeprefix(PREFIX), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        data = b""
    return data[:_NONCE_BYTES], data[_NONCE_BYTES:]


def _sign(key: bytes, link: Link, nonce: bytes) -> bytes:
    return hmac.digest(key, b"bookai link v1\0" + nonce + link.message(), "sha256")


def _hash(token: str) -> bytes:
    # errors: a token that is no text of ours may hold halves of characters.
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _link(row: Mapping[str, Any]) -> Link:
    return Link(**dict(row))


def _create_key(path: Path) -> None:
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces the key that another process has just made.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
