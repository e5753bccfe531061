"""What the log says of the operator's file, and what the file says itself: settled by a row.

A change is told before it is made (`changing`), so none is ever made untold. What was told and not
made, by a crash in between, and what somebody changed by hand, is found by the file's digest.
"""

import hashlib
import logging
import socket
from dataclasses import dataclass
from pathlib import Path

from bookai.db import audit
from bookai.db.keeping.looking import newest_of_file
from bookai.db.pool import Con, Pool
from bookai.errors import OperatorNeeded, TryLater
from studio.channels.file import locked, read

logger = logging.getLogger(__name__)

ADDED, CHANGED, FOUND = "channel.added", "channel.changed", "channel.file_found"
FILE = "file"
"""Whom a state is laid to that nobody told the log of: who wrote it is not known."""


def digest(text: str) -> str:
    """Return the SHA-256 of a file's text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def name_of(toml: Path) -> str:
    """Return what tells a file from those of other machines with the same database; no path."""
    return digest(f"{socket.gethostname()}\0{toml.resolve()}")[:16]


def states(toml: Path, before: str, after: str) -> dict[str, str]:
    """Return what a row says of the file itself: which it is, its digests before and after."""
    return {"file": name_of(toml), "file_sha256_before": before, "file_sha256": after}


async def settle(con: Con, toml: Path, text: str) -> None:
    """Write a row about the file's text if the log's last word about it is another.

    Whoever calls holds the file's lock: nobody else is between telling and making a change.
    """
    found = digest(text)
    newest = await newest_of_file(con, (ADDED, CHANGED, FOUND), name_of(toml))
    if newest is None and not text:
        return
    last = newest[1]["file_sha256"] if newest else ""
    if newest is None:
        why = "the log has not told of it before"
    elif found == last:
        return
    elif found == newest[1]["file_sha256_before"]:
        why = f"what event {newest[0]} tells of is not in it: never made, or taken back"
    else:
        why = "it was changed by hand"
    await audit.append(con, FOUND, FILE, {**states(toml, last, found), "why": why})
    logger.warning("The file of the channels: %s", why, extra={"action": "file_found"})


@dataclass(slots=True)
class Settler:
    """Looks at the file again and again, and asks the database only when it has changed."""

    pool: Pool
    toml: Path
    _settled: str | None = None

    async def look(self) -> None:
        """Let the log tell what the file is; one that cannot be looked at now is left for later."""
        try:
            if self._settled == digest(read(self.toml)):
                return
            with locked(self.toml):
                text = read(self.toml)
                async with self.pool.acquire() as con, con.transaction():
                    await settle(con, self.toml, text)
        except (TryLater, OperatorNeeded) as error:
            logger.debug("%s", error, extra={"action": "file_not_settled"})
            return
        self._settled = digest(text)
