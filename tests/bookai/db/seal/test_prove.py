import hashlib
from pathlib import Path

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bookai.db import audit
from bookai.db.seal import prove as prove_
from bookai.db.seal.files import SealKeys
from bookai.db.seal.merkle import event_leaf, is_included, open_note
from bookai.db.seal.prove import Inclusion, prove
from bookai.db.seal.sealer import seal
from bookai.errors import Refused

KEYS = SealKeys(Ed25519PrivateKey.from_private_bytes(b"k" * 32))


def holds(proof: Inclusion) -> bool:
    leaf = event_leaf(
        proof.event_id, proof.at_us, proof.kind, proof.actor, proof.job_id, proof.body
    )
    said = open_note(proof.note, KEYS.verifier)
    steps = [bytes.fromhex(step) for step in proof.hashes]
    return is_included(leaf, proof.leaf_index, proof.tree_size, steps, said.root)


async def grow(pool: asyncpg.Pool, notes: Path, sizes: tuple[int, ...]) -> list[int]:
    ids: list[int] = []
    for size in sizes:
        ids += await audit.append_many(
            pool, [audit.NewEvent("tick", "studio", {"n": n}) for n in range(size)]
        )
        await seal(pool, KEYS, notes)
    return ids


@pytest.mark.parametrize("sizes", [(1,), (2,), (3, 4), (1, 1, 1, 1, 1, 1, 1), (5, 8, 13, 3)])
async def test_every_event_of_a_small_log_is_proven(
    pool: asyncpg.Pool, notes: Path, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prove_, "_LEAVES", 1)
    ids = await grow(pool, notes, sizes)

    proofs = await prove(pool, ids)

    assert [proof.event_id for proof in proofs] == ids
    assert all(holds(proof) for proof in proofs)
    assert {proof.tree_size for proof in proofs} == {len(ids)}


async def test_subtrees_of_a_large_log_come_from_its_checkpoints(
    pool: asyncpg.Pool, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prove_, "_LEAVES", 4)
    ids = await grow(pool, notes, (100, 1, 27, 300, 72, 11))

    assert all(holds(proof) for proof in await prove(pool, ids[::17]))


async def test_a_proof_fits_no_other_event(pool: asyncpg.Pool, notes: Path) -> None:
    ids = await grow(pool, notes, (9,))

    (proof,) = await prove(pool, ids[3:4])

    assert holds(proof)
    changes: tuple[dict[str, object], ...] = (
        {"body": "{}"},
        {"actor": "operator:eve"},
        {"job_id": 1},
        {"event_id": 5},
        {"leaf_index": 4},
        {"hashes": proof.hashes[::-1]},
        {"hashes": (*proof.hashes, hashlib.sha256(b"x").hexdigest())},
    )
    for changed in changes:
        assert not holds(proof.model_copy(update=changed))


async def test_what_cannot_be_proven_is_refused_by_its_id(
    pool: asyncpg.Pool, notes: Path, attacker: asyncpg.Connection
) -> None:
    ids = await grow(pool, notes, (3,))
    late = await audit.append(pool, "tick", "studio", {})

    with pytest.raises(Refused, match=f"event {late} is not sealed yet"):
        await prove(pool, [ids[0], late])
    with pytest.raises(Refused, match="no audit event 999"):
        await prove(pool, [999])
    await attacker.execute("UPDATE audit_log SET body = '{}' WHERE id = $1", ids[1])
    with pytest.raises(Refused, match=f"event {ids[1]} cannot be proven"):
        await prove(pool, [ids[1]])
