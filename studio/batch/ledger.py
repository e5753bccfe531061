"""results.jsonl: one line a finished row, on the disk before the next row counts as done."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from pydantic import ValidationError

from bookai.errors import OperatorNeeded, Refused
from studio.batch.records import Made

NAME = "results.jsonl"
OURS = b'{"row":'


class Ledger:
    """The open file, held by one batch at a time. `with Ledger(folder, resume=...) as ledger`."""

    def __init__(self, folder: Path, *, resume: bool) -> None:
        self._folder, self._resume = folder, resume
        self._made: dict[int, Made] = {}
        self._file: IO[bytes]

    def __enter__(self) -> "Ledger":
        """Open it and read what earlier runs wrote.

        Raises:
            OperatorNeeded: it cannot be written.
            Refused: it has results and nobody asked to resume, another batch writes it, or the
                folder or the file is not a batch's.
        """
        path = self._folder / NAME
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            foreign = not path.exists() and next(self._folder.iterdir(), None)
            if not foreign:
                self._file = path.open("a+b")
        except OSError as error:
            raise OperatorNeeded(
                f"{str(path)!r} cannot be written: {error.strerror}.",
                mend="Correct the rights of that folder, or give another one: --out DIR",
            ) from error
        if foreign:
            raise Refused(
                f"{str(self._folder)!r} is not empty and no batch's: {foreign.name!r} lies there."
                " Give a new folder: --out DIR"
            )
        try:
            self._take()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it, which lets the next batch in."""
        self._file.close()

    def finished(self, number: int, digest: str) -> Made | None:
        """Return what a row came to where its video is whole and nothing has changed since."""
        made = self._made.get(number)
        if made is None or not made.ok or made.digest != digest:
            return None
        whole = all((self._folder / name).is_file() for name in made.files)
        return made if whole else None

    def write(self, made: Made) -> None:
        """Append a line; it is on the disk when this returns.

        Raises:
            OperatorNeeded: it cannot be written.
        """
        try:
            self._file.write(made.model_dump_json().encode("utf-8") + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OperatorNeeded(
                f"{str(self._folder / NAME)!r} cannot be written: {error.strerror}.",
                mend="Free some space, then go on with --resume.",
            ) from error
        self._made[made.row] = made

    def _take(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused(
                f"Another batch writes to {str(self._folder)!r}: wait for it, or give --out DIR."
            ) from error
        self._file.seek(0)
        lines = self._file.read().split(b"\n")
        whole, torn = lines[:-1], lines[-1]
        if (any(whole) or torn) and not self._resume:
            raise Refused(
                f"{str(self._folder)!r} has results: go on with --resume, or give --out DIR."
            )
        for line in whole:
            # A line that a crash of the machine left unreadable is a row to be made again.
            with suppress(ValidationError):
                made = Made.model_validate_json(line)
                self._made[made.row] = made
        first = next(filter(None, lines), OURS)
        if not self._made and not first.startswith(OURS):
            raise Refused(
                f"{str(self._folder / NAME)!r} is no batch's: move it away, or give --out DIR."
            )
        if torn:
            self._file.truncate(self._file.tell() - len(torn))
