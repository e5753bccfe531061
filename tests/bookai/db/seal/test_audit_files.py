import asyncio
import os
import resource
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bookai.db.seal.files import SealKeys, append_notes, last_note, open_keys, read_verifier
from bookai.db.seal.merkle import Checkpoint, sign_note
from bookai.errors import OperatorNeeded

KEYS = SealKeys(Ed25519PrivateKey.from_private_bytes(b"k" * 32))
THIEF = SealKeys(Ed25519PrivateKey.from_private_bytes(b"t" * 32))


def test_a_full_disk_leaves_no_half_note(notes: Path) -> None:
    whole = sign_note(Checkpoint(1, b"r" * 32, 1), KEYS.private)
    append_notes(notes, [whole])
    before = notes.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))
    try:
        with pytest.raises(OperatorNeeded, match="disk space"):
            append_notes(notes, [whole])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert notes.read_bytes() == before


def test_the_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    key, public = tmp_path / "audit" / "signing.key", tmp_path / "audit" / "signing.pub"

    first, second = open_keys(key, public), open_keys(key, public)

    assert str(first.verifier) == str(second.verifier) == public.read_text().strip()
    assert str(read_verifier(public)) == str(first.verifier)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert sorted(path.name for path in key.parent.iterdir()) == ["signing.key", "signing.pub"]


async def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    key, public = tmp_path / "signing.key", tmp_path / "signing.pub"

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.to_thread(open_keys, key, public)) for _ in range(8)]

    assert len({str(task.result().verifier) for task in tasks}) == 1


def test_a_lost_public_key_is_made_anew_from_the_private_one(tmp_path: Path) -> None:
    key, public = tmp_path / "signing.key", tmp_path / "signing.pub"
    keys = open_keys(key, public)
    public.unlink()

    open_keys(key, public)

    assert str(read_verifier(public)) == str(keys.verifier)


@pytest.mark.parametrize("damage", ["open to others", "no key", "no ed25519", "another's public"])
def test_a_key_that_cannot_be_trusted_is_refused_with_the_mend(damage: str, tmp_path: Path) -> None:
    key, public = tmp_path / "signing.key", tmp_path / "signing.pub"
    open_keys(key, public)
    if damage == "open to others":
        key.chmod(0o644)
    elif damage == "no key":
        key.write_text("hello")
    elif damage == "no ed25519":
        key.write_bytes(_p256_key())
    else:
        public.write_text(f"{THIEF.verifier}\n")

    with pytest.raises(OperatorNeeded) as refused:
        open_keys(key, public)

    assert refused.value.mend


def _p256_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def test_a_missing_public_key_is_named_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(OperatorNeeded, match=r"signing\.pub"):
        read_verifier(tmp_path / "signing.pub")


def test_a_damaged_export_is_not_mended_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_bytes(os.urandom(20_000))

    with pytest.raises(OperatorNeeded, match="damaged"):
        last_note(path)

    path.write_text("hello\n\N{EM DASH} x y\n")
    with pytest.raises(OperatorNeeded, match="damaged"):
        last_note(path)
