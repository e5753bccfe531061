from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bookai.db.seal.merkle import (
    KEY_NAME,
    Checkpoint,
    Frontier,
    NoteError,
    Verifier,
    event_leaf,
    is_included,
    open_note,
    prove_inclusion,
    read_note,
    sign_note,
    split_notes,
    tree_root,
)

HASHES = st.binary(min_size=32, max_size=32)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
VERIFIER = Verifier(KEY_NAME, KEY.public_key())
SAID = Checkpoint(size=5, root=b"r" * 32, hi_xid=812)


def leaves_of(count: int) -> list[bytes]:
    return [sha256(bytes([n])).digest() for n in range(count)]


@given(st.lists(HASHES, max_size=80))
def test_the_frontier_has_the_root_that_the_definition_gives(leaves: list[bytes]) -> None:
    frontier = Frontier()

    for count, leaf in enumerate(leaves, start=1):
        frontier.append(leaf)
        assert frontier.root() == tree_root(leaves[:count])

    assert frontier.size == len(leaves)
    assert frontier.root() == tree_root(leaves)


@given(st.lists(HASHES, max_size=60), st.lists(HASHES, max_size=60))
def test_a_frontier_read_back_goes_on_as_if_never_stopped(
    before: list[bytes], after: list[bytes]
) -> None:
    first = Frontier()
    for leaf in before:
        first.append(leaf)

    second = Frontier(first.size, first.roots)
    for leaf in after:
        second.append(leaf)

    assert second.root() == tree_root(before + after)


def test_known_roots_of_the_rfc_are_met() -> None:
    # Certificate Transparency's published test vectors for its eight leaves.
    inputs = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        bytes(range(0x50, 0x58)),
        bytes(range(0x60, 0x70)),
    ]
    leaves = [sha256(b"\x00" + data).digest() for data in inputs]

    assert tree_root([]).hex().startswith("e3b0c44298fc1c14")
    assert tree_root(leaves[:1]).hex().startswith("6e340b9cffb37a98")
    assert tree_root(leaves).hex().startswith("5dc9da79a70659a9")


def test_a_frontier_that_does_not_fit_its_size_is_refused() -> None:
    with pytest.raises(ValueError, match="6 leaves has 2 roots"):
        Frontier(6, [b"x" * 32])


@given(st.integers(1, 60), st.data())
def test_every_leaf_is_proven_and_no_other_is(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    root = tree_root(leaves)
    proof = prove_inclusion(leaves, index)

    assert is_included(leaves[index], index, size, proof, root)
    assert not is_included(sha256(b"forged").digest(), index, size, proof, root)
    assert not is_included(leaves[index], index, size, (*proof, b"x" * 32), root)
    assert not is_included(leaves[index], size, size, proof, root)
    if proof:
        assert not is_included(leaves[index], index, size, proof[:-1], root)
        assert not is_included(leaves[index], index ^ 1, size, proof, root)
        forged = (b"y" * 32, *proof[1:])
        assert not is_included(leaves[index], index, size, forged, root)


def test_an_inner_node_cannot_pass_for_a_leaf() -> None:
    leaves = leaves_of(4)
    root = tree_root(leaves)
    inner = tree_root(leaves[:2])

    # The old attack on trees without prefixes: present the two halves as a tree of two leaves.
    assert is_included(inner, 0, 2, (tree_root(leaves[2:]),), root)
    # The size is part of the signed note, so a tree of four is asked for, and that is refused.
    assert not is_included(inner, 0, 4, (tree_root(leaves[2:]),), root)


@given(
    st.tuples(st.text(max_size=9), st.text(max_size=9), st.text(max_size=9)),
    st.tuples(st.text(max_size=9), st.text(max_size=9), st.text(max_size=9)),
)
def test_two_different_events_never_share_a_leaf(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    def leaf(parts: tuple[str, str, str], job_id: int | None = None) -> bytes:
        return event_leaf(1, 2, parts[0], parts[1], job_id, parts[2])

    assert (leaf(one) == leaf(other)) == (one == other)
    assert leaf(one, None) != leaf(one, 0)
    assert event_leaf(1, 2, *one[:2], None, one[2]) != event_leaf(1, 3, *one[:2], None, one[2])


def test_a_note_says_what_was_signed() -> None:
    note = sign_note(SAID, KEY)

    assert open_note(note, VERIFIER) == SAID
    assert read_note(note) == SAID


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda note: note.replace("\n5\n", "\n6\n"), id="size"),
        pytest.param(lambda note: note.replace("xid 812", "xid 999"), id="watermark"),
        pytest.param(lambda note: note.replace("\n5\n", "\n05\n"), id="spelled another way"),
        pytest.param(lambda note: note.replace("audit", "other"), id="another log"),
        pytest.param(lambda note: note[:-9] + "AAAAAAA=\n", id="signature"),
        pytest.param(lambda note: note[:-1], id="no last newline"),
        pytest.param(lambda note: note.partition("\n\n")[0] + "\n", id="no signature"),
        pytest.param(lambda note: note[:-5] + "!!!!\n", id="not base64"),
        pytest.param(lambda note: sign_note(SAID, OTHER), id="another key"),
        pytest.param(lambda note: note.replace("\n\n", "\nextra\n\n"), id="an extra line"),
        pytest.param(lambda note: "", id="empty"),
    ],
)
def test_a_forged_note_is_refused(forge: object) -> None:
    assert callable(forge)
    note = forge(sign_note(SAID, KEY))

    with pytest.raises(NoteError):
        open_note(note, VERIFIER)


def test_a_public_key_survives_its_text_form() -> None:
    again = Verifier.parse(f"{VERIFIER}\n")

    assert str(again) == str(VERIFIER)
    assert open_note(sign_note(SAID, KEY), again) == SAID


@pytest.mark.parametrize("text", ["", "a+b", "bookai-studio+00000000+AQ==", "x+y+!!!"])
def test_a_text_that_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Verifier.parse(text)


def test_a_public_key_under_another_key_id_is_refused() -> None:
    name, key_id, encoded = str(VERIFIER).split("+", 2)

    with pytest.raises(NoteError, match="does not belong"):
        Verifier.parse(f"{name}+{'0' * len(key_id)}+{encoded}")


def test_an_export_file_is_read_note_by_note_without_its_torn_end() -> None:
    notes = [sign_note(replace(SAID, size=size), KEY) for size in (1, 2, 3)]
    file = "\n".join(notes) + "\n" + notes[0][:70]

    assert list(split_notes(file)) == notes
