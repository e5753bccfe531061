"""A log with a few seals, and what tests of its proof ask of it."""

from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bookai.db import audit
from bookai.db.seal.files import SealKeys
from bookai.db.seal.merkle import Checkpoint, Frontier, event_leaf, sign_note, split_notes
from bookai.db.seal.sealer import seal
from bookai.db.seal.verify import VerifyReport, verify

KEYS = SealKeys(Ed25519PrivateKey.from_private_bytes(b"k" * 32))
THIEF = SealKeys(Ed25519PrivateKey.from_private_bytes(b"t" * 32))


def exported(notes: Path) -> list[str]:
    return list(split_notes(notes.read_text(encoding="utf-8")))


async def fill(pool: asyncpg.Pool, notes: Path, seals: int = 3, each: int = 4) -> None:
    for _ in range(seals):
        for number in range(each):
            await audit.append(pool, "tick", "studio", {"n": number}, job_id=number)
        assert await seal(pool, KEYS, notes) == each


async def check(pool: asyncpg.Pool, notes: Path | None) -> VerifyReport:
    return await verify(pool, KEYS.verifier, notes)


def write(notes: Path, lines: list[str]) -> None:
    notes.write_text("\n".join(lines), encoding="utf-8")


# What an owner with the triggers off can do, and the words of the report that name the first bad
# row. `#6` is the sixth event; checkpoints cover 4, 8 and 12 of them (and 5, where an era begins).


async def rewrite(attacker: asyncpg.Connection, keys: SealKeys) -> None:
    """Change an event, then make every leaf, root and signature fit again."""
    await attacker.execute("UPDATE audit_log SET body = '{}' WHERE id = 6")
    tree = Frontier()
    for row in await attacker.fetch(
        "SELECT id, (extract(epoch FROM at) * 1000000)::bigint, kind, actor, job_id, body"
        "  FROM audit_log ORDER BY id"
    ):
        leaf = event_leaf(*row)
        tree.append(leaf)
        await attacker.execute(
            "UPDATE audit_leaf SET leaf = $1 WHERE event_id = $2", leaf, row["id"]
        )
        xid = await attacker.fetchval(
            "SELECT hi_xid::text::bigint FROM audit_checkpoint WHERE tree_size = $1", tree.size
        )
        if xid is not None:
            note = sign_note(Checkpoint(tree.size, tree.root(), xid), keys.private)
            await attacker.execute(
                "UPDATE audit_checkpoint SET root = $1, note = $2, frontier = $3"
                " WHERE tree_size = $4",
                tree.root(),
                note,
                tree.roots,
                tree.size,
            )
