"""Notes that were exported out of the database: read them, compare them with the stored ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bookai.db.seal.merkle import NoteError, Verifier, open_note, split_notes


def read_notes(path: Path) -> tuple[str, ...]:
    """Return the notes of a file, or of all files of a folder such as a clone of a git export."""
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if one.is_file() and ".git" not in one.parts)
        return tuple(note for file in files for note in read_notes(file))
    if not path.exists():
        return ()
    return tuple(split_notes(path.read_text(encoding="utf-8", errors="replace")))


def compare(
    exported: Sequence[str],
    stored: Mapping[int, str],
    base: int,
    verifier: Verifier,
    where: str,
    *,
    is_complete: bool = True,
) -> list[str]:
    """Name what contradicts; `stored` are the database's notes by size, from size `base` on.

    A complete export has every stored note but perhaps the newest; another may lack any.
    """
    newest = max(stored, default=0)
    problems: list[str] = []
    seen: set[int] = set()
    for note in exported:
        try:
            size = open_note(note, verifier).size
        except NoteError as error:
            problems.append(f"a note in {where} is not ours: {error}")
            continue
        seen.add(size)
        if size in stored:
            if note != stored[size]:
                problems.append(
                    f"history up to checkpoint {size} was rewritten: {where} has another note"
                )
        elif size > newest:
            problems.append(
                f"the end was cut off: {where} has a checkpoint over {size} events, "
                f"the database covers {newest}"
            )
        elif size > base:
            problems.append(f"checkpoint {size} in {where} is unknown to the database")
    return problems + (_gaps(seen, stored, where) if is_complete else [])


def _gaps(seen: set[int], stored: Mapping[int, str], where: str) -> list[str]:
    if stored and not seen:
        return [f"{where} has no notes, the database has {len(stored)}"]
    newest = max(seen, default=0)
    return [
        f"{where} lacks checkpoint {size}" for size in stored if size < newest and size not in seen
    ]
