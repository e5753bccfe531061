"""The arithmetic of the audit log: leaves, an RFC 6962 tree, signed notes. Pure, no database.

A leaf is the hash of one event's exact bytes. The tree over all leaves has one root; a note says
"so many events, this root" and is signed. Whoever kept an old note can prove that nothing before
it was changed since, whatever happened to the database.

Notes are C2SP signed notes (ed25519), so that tools that we did not write can read them.
"""

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

ORIGIN = "bookai-studio/audit"
"""First line of every note: which log it speaks of, and that leaves are made by `event_leaf`."""

KEY_NAME = "bookai-studio"

EMPTY_ROOT = hashlib.sha256(b"").digest()

_ED25519 = b"\x01"
_HEAD = struct.Struct(">qq?qI")
_LENGTH = struct.Struct(">I")
_sha256 = hashlib.sha256


class NoteError(ValueError):
    """A note is malformed, or its signature is not by the key at hand."""


def event_leaf(
    event_id: int, at_us: int, kind: str, actor: str, job_id: int | None, body: str
) -> bytes:
    """Return the leaf hash of one event. `at_us` is microseconds since 1970 UTC.

    Each variable part but the last goes with its length: no two events share their bytes.
    """
    kind_bytes, actor_bytes = kind.encode(), actor.encode()
    head = _HEAD.pack(event_id, at_us, job_id is not None, job_id or 0, len(kind_bytes))
    return _sha256(
        b"\x00" + head + kind_bytes + _LENGTH.pack(len(actor_bytes)) + actor_bytes + body.encode()
    ).digest()


def tree_node(left: bytes, right: bytes) -> bytes:
    """Return the root over two subtrees."""
    return _sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of the tree: the roots of its full subtrees, largest first.

    All that is needed to go on appending, so a restart reads a few dozen hashes, not the log.
    """

    __slots__ = ("roots", "size")

    def __init__(self, size: int = 0, roots: Sequence[bytes] = ()) -> None:
        if len(roots) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} roots at its edge")
        self.size = size
        self.roots = list(roots)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the right."""
        below = self.size
        while below & 1:
            leaf = tree_node(self.roots.pop(), leaf)
            below >>= 1
        self.roots.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over everything appended so far."""
        if not self.roots:
            return EMPTY_ROOT
        root = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            root = tree_node(left, root)
        return root


def split_size(size: int) -> int:
    """Return the largest power of two below `size`: where RFC 6962 parts the leaves."""
    return int(1 << ((size - 1).bit_length() - 1))


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over `leaves`, by the definition of the RFC."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    at = split_size(len(leaves))
    return tree_node(tree_root(leaves[:at]), tree_root(leaves[at:]))


def prove_inclusion(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the hashes that lead from leaf `index` to the root over `leaves`, lowest first."""
    if len(leaves) == 1:
        return ()
    at = split_size(len(leaves))
    if index < at:
        return (*prove_inclusion(leaves[:at], index), tree_root(leaves[at:]))
    return (*prove_inclusion(leaves[at:], index - at), tree_root(leaves[:at]))


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether `proof` leads from `leaf` at `index` to the root of a tree of `size` leaves."""
    if not 0 <= index < size:
        return False
    last, computed = size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if index & 1 or index == last:
            computed = tree_node(step, computed)
            # A last leaf without a sibling climbs for free: those levels have no step.
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            computed = tree_node(computed, step)
        index >>= 1
        last >>= 1
    return last == 0 and computed == root


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name. Its text form is the one line kept in `signing.pub`."""

    name: str
    key: Ed25519PublicKey

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys apart, as signed notes define them."""
        return _sha256(
            self.name.encode() + b"\n" + _ED25519 + self.key.public_bytes_raw()
        ).digest()[:4]

    def __str__(self) -> str:
        """Return the line for `signing.pub`."""
        encoded = base64.b64encode(_ED25519 + self.key.public_bytes_raw()).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Read the line of `signing.pub`.

        Raises:
            NoteError: it is not such a line.
        """
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
            verifier = cls(name, Ed25519PublicKey.from_public_bytes(raw[1:]))
        except (ValueError, binascii.Error) as error:
            raise NoteError(f"not a note verifier key: {text.strip()[:80]!r}") from error
        if raw[:1] != _ED25519 or verifier.key_id.hex() != key_id:
            raise NoteError(f"the key id {key_id!r} does not belong to this key")
        return verifier


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a note says: `size` events have this `root`, and are all of those before `hi_xid`.

    Transaction ids begin again when the log is restored into another cluster: the next `era`.
    """

    size: int
    root: bytes
    hi_xid: int
    era: int = 1

    def text(self) -> str:
        """Return the signed text, one fact a line; the first era is not spelled out."""
        era = f"era {self.era}\n" if self.era > 1 else ""
        root = base64.b64encode(self.root).decode()
        return f"{ORIGIN}\n{self.size}\n{root}\nxid {self.hi_xid}\n{era}"


def sign_note(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Return the note for `checkpoint`, signed."""
    text = checkpoint.text()
    signature = Verifier(KEY_NAME, key.public_key()).key_id + key.sign(text.encode())
    return f"{text}\n\N{EM DASH} {KEY_NAME} {base64.b64encode(signature).decode()}\n"


def read_note(note: str) -> Checkpoint:
    """Return what a note says, without asking who signed it.

    Raises:
        NoteError: it is not a note of this log, or not spelled the one way we spell it.
    """
    text, _, _ = note.partition("\n\n")
    try:
        origin, size, root, xid, *more = text.split("\n")
        found = Checkpoint(
            int(size),
            base64.b64decode(root, validate=True),
            int(xid.removeprefix("xid ")),
            int(more[0].removeprefix("era ")) if more else 1,
        )
    except (ValueError, binascii.Error) as error:
        raise NoteError(f"not a checkpoint: {text[:80]!r}") from error
    if origin != ORIGIN or found.text() != f"{text}\n":
        raise NoteError(f"not a checkpoint of {ORIGIN!r}: {text[:80]!r}")
    return found


def open_note(note: str, verifier: Verifier) -> Checkpoint:
    """Return what a note says, once its signature has been checked.

    Raises:
        NoteError: malformed, signed by another key, or the signature does not fit the text.
    """
    checkpoint = read_note(note)
    prefix = f"{checkpoint.text()}\n\N{EM DASH} {verifier.name} "
    if not (note.startswith(prefix) and note.endswith("\n")):
        raise NoteError(f"no signature by {verifier.name!r}")
    try:
        signature = base64.b64decode(note[len(prefix) : -1], validate=True)
    except binascii.Error as error:
        raise NoteError("the signature is not base64") from error
    if signature[:4] != verifier.key_id:
        raise NoteError(f"signed by key {signature[:4].hex()}, not {verifier.key_id.hex()}")
    try:
        verifier.key.verify(signature[4:], checkpoint.text().encode())
    except InvalidSignature as error:
        raise NoteError("the signature does not fit the text") from error
    return checkpoint


def split_notes(text: str) -> Iterator[str]:
    """Yield each complete note of an export file; a torn one at the end is left out."""
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if line == f"{ORIGIN}\n":
            lines = []
        lines.append(line)
        if line.startswith("\N{EM DASH} ") and line.endswith("\n"):
            yield "".join(lines).lstrip("\n")
            lines = []
