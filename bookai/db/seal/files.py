"""The audit log's files outside the database: the signing key and the exported notes.

The notes are what makes the log more than a promise: copy that file to where whoever runs the
database cannot write.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from bookai.db.seal.merkle import KEY_NAME, NoteError, Verifier, read_note, split_notes
from bookai.errors import OperatorNeeded

logger = logging.getLogger(__name__)

_TAIL_BYTES = 8192
_TORN_BYTES = 1024
"""A note is shorter than this: more than this without a complete note is damage, not a tear."""


@dataclass(frozen=True, slots=True)
class SealKeys:
    """The key that signs checkpoints."""

    private: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        """The public half, under the name that stands in the notes."""
        return Verifier(KEY_NAME, self.private.public_key())


def open_keys(key_path: Path, public_path: Path) -> SealKeys:
    """Read the signing key, creating both files on first use; safe when several processes start.

    Raises:
        OperatorNeeded: the key is unreadable, open to other users, or not that of `public_path`.
    """
    if not key_path.exists():
        _create_key(key_path)
    if os.name == "posix" and key_path.stat().st_mode & 0o077:
        raise OperatorNeeded(
            f"other users can read the audit signing key {key_path}.", mend=f"chmod 600 {key_path}"
        )
    try:
        private = load_pem_private_key(key_path.read_bytes(), password=None)
    except ValueError as error:
        raise OperatorNeeded(
            f"{key_path} is not a signing key.", mend="Put it back from a backup."
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise OperatorNeeded(
            f"{key_path} is not an ed25519 key.", mend="Put it back from a backup."
        )
    keys = SealKeys(private)
    if not public_path.exists():
        _write_whole(public_path, f"{keys.verifier}\n".encode(), mode=0o644)
    elif str(read_verifier(public_path)) != str(keys.verifier):
        raise OperatorNeeded(
            f"{public_path} does not belong to {key_path}.",
            mend="Put the pair back from a backup, or remove the .pub file if the key is right.",
        )
    return keys


def read_verifier(public_path: Path) -> Verifier:
    """Read the public key from its file.

    Raises:
        OperatorNeeded: the file is missing or is not a public key.
    """
    try:
        return Verifier.parse(public_path.read_text(encoding="utf-8"))
    except (OSError, NoteError, UnicodeDecodeError) as error:
        raise OperatorNeeded(
            f"the audit public key {public_path} cannot be read ({error}).",
            mend="Put it back from a backup; it is made anew from signing.key when removed.",
        ) from error


def last_note(path: Path) -> str | None:
    """Return the last complete note of the export file, cutting off a torn one after it.

    Raises:
        OperatorNeeded: the file ends in something that is no note.
    """
    if not path.exists():
        return None
    damaged = OperatorNeeded(
        f"the exported audit notes {path} are damaged.",
        mend="Look at the end of that file, then: bookai audit verify",
    )
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        start = file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read(_TAIL_BYTES)
        notes = list(split_notes(tail.decode("utf-8", "replace")))
        last = notes[-1].encode() if notes else b""
        end = tail.rfind(last) + len(last) if notes else 0
        rest = tail[end:].strip(b"\n")
        if len(rest) > _TORN_BYTES or (size > _TAIL_BYTES and not notes):
            raise damaged
        if rest:
            file.truncate(start + end)
    if not notes:
        return None
    try:
        read_note(notes[-1])
    except NoteError as error:
        raise damaged from error
    return notes[-1]


def append_notes(path: Path, notes: Sequence[str]) -> None:
    """Append notes durably, all or none.

    Raises:
        OperatorNeeded: the file cannot be written, for example because the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A blank line between notes; the leading one also parts us from a cut-off end.
    data = "".join(f"\n{note}" for note in notes).encode()
    with path.open("ab", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            if file.write(data) != len(data):
                raise OSError(f"only a part of the notes fitted into {path}")
            os.fsync(file.fileno())
        except OSError as error:
            file.truncate(size)
            raise OperatorNeeded(
                f"audit checkpoints cannot be written to {path} ({error}).",
                mend="Free some disk space; the next seal writes them again.",
            ) from error


def _create_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    _write_whole(path, pem, mode=0o600)


def _write_whole(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file that appears complete or not at all; an existing one, if faster, stays."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces the key that another process has just made.
        os.link(draft, path)
    except FileExistsError:
        logger.info("%s was made by another process", path, extra={"action": "file_exists"})
    finally:
        draft.unlink()
