"""Checkpoints to bring somewhere, and a place that does what a test says."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bookai.db import audit
from bookai.db.pool import Pool
from bookai.db.seal.exports import SignedNote
from bookai.db.seal.files import SealKeys
from bookai.db.seal.merkle import Checkpoint, sign_note
from bookai.db.seal.sealer import seal
from studio.evidence.base import Setting

KEYS = SealKeys(Ed25519PrivateKey.from_private_bytes(b"k" * 32))
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def note(size: int, root: bytes = b"r") -> SignedNote:
    """A signed checkpoint over `size` events, a minute apart."""
    text = sign_note(Checkpoint(size, root * 32, size), KEYS.private)
    return SignedNote(tree_size=size, note=text, at=NOON + timedelta(minutes=size))


async def own(size: int) -> str | None:
    """What a database that always told `note` has over so many events."""
    return note(size).note


async def without(size: int) -> str | None:
    """What a database has that was rolled back and has grown again by other steps."""
    del size
    return None


async def rewritten_log(size: int) -> str | None:
    """What a database has whose history is another one."""
    return note(size, root=b"x").note


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting("there", tmp_path / "copies" / "there", 10.0)


@pytest.fixture
def grow(pool: Pool, tmp_path: Path) -> Callable[[], Awaitable[Path]]:
    """Each call adds events to the log and seals them; returns the studio's own file of notes."""

    async def add() -> Path:
        for number in range(3):
            await audit.append(pool, "tick", "studio", {"n": number})
        await seal(pool, KEYS, tmp_path / "own.notes")
        return tmp_path / "own.notes"

    return add
