"""Numbered SQL files, and what of them a database still lacks.

A release can be taken back while its files say that the program before works with them: see
docs/how-to/upgrade-the-studio.md.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bookai.errors import Refused


class MigrationRefused(Refused):
    """The files and the database do not belong together, or a file does not work."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file. `in_transaction` is off for files that say `-- bookai: no-transaction`.

    `works_with` is what a file says by `-- bookai: works-with 019`: a program that knows the files
    up to that one can work on the database after this one. None: only programs that know it can.
    """

    version: int
    name: str
    sql: str
    sha256: bytes
    in_transaction: bool
    works_with: int | None = None

    @property
    def title(self) -> str:
        """The file's name without its ending."""
        return f"{self.version:03d}_{self.name}"


@dataclass(frozen=True, slots=True)
class Applied:
    """What the database remembers of a file that was applied."""

    version: int
    name: str
    sha256: bytes
    works_with: int | None = None


def load(folder: Path) -> tuple[Migration, ...]:
    """Read `000_name.sql`, `001_…` and so on.

    Raises:
        MigrationRefused: a name is off, or a number is missing.
    """
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = re.fullmatch(r"(\d{3})_([a-z0-9_]+)\.sql", path.name)
        if not match:
            raise MigrationRefused(f"{path} is no migration's name; call it 007_what_it_does.sql.")
        # A checkout with Windows line ends must not look like an edit.
        text = path.read_bytes().replace(b"\r\n", b"\n")
        in_transaction = not re.search(rb"^-- bookai: no-transaction\s*$", text, re.MULTILINE)
        floor = re.search(rb"^-- bookai: works-with (\d{3})\s*$", text, re.MULTILINE)
        digest = hashlib.sha256(text).digest()
        works_with = int(floor[1]) if floor else None
        found.append(
            Migration(int(match[1]), match[2], text.decode(), digest, in_transaction, works_with)
        )
    if not found or [m.version for m in found] != list(range(len(found))):
        raise MigrationRefused(f"{folder} must hold 000_, 001_ … without gaps.")
    return tuple(found)


def is_fit(works_with: int | None, newest: int) -> bool:
    """Tell whether a program whose newest file is `newest` can work after a file it does not know.

    `works_with` is what that file says.
    """
    return works_with is not None and works_with <= newest


def plan(files: Sequence[Migration], applied: Sequence[Applied]) -> tuple[Migration, ...]:
    """Return what is still to do.

    A database with newer files is fit to work on when each of them says that it works with ours:
    so a release can be taken back without its data.

    Raises:
        MigrationRefused: an applied file was edited, or the database is newer than this program.
    """
    by_version = {migration.version: migration for migration in files}
    for expected, there in enumerate(sorted(applied, key=lambda row: row.version)):
        version, name = there.version, there.name
        if version != expected:
            raise MigrationRefused(
                f"the database has {version:03d}_{name} but no {expected:03d}: somebody changed "
                "schema_migrations by hand. Restore it from a backup."
            )
        known = by_version.get(version)
        if known is None:
            if is_fit(there.works_with, max(by_version)):
                continue
            raise MigrationRefused(
                f"the database has {version:03d}_{name}, which this program does not know: "
                "it is older than its data. Install the newer release."
            )
        if known.sha256 != there.sha256:
            raise MigrationRefused(
                f"{known.title}.sql was edited after it was applied. Take the edit back and add "
                "a new file instead."
            )
    done = {there.version for there in applied}
    return tuple(m for m in files if m.version not in done)
