"""Read the file of rows, one at a time: a wrong one is its own error, never the batch's."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from bookai.errors import OperatorNeeded
from studio.batch.records import Made, Row, Setup, Task
from tools.render.engine.store import key_of

LONGEST_ROW = 1 << 20
LARGEST_SOURCE = 64 << 20


def count_rows(path: Path) -> int:
    """Return how many rows the file has.

    Raises:
        OperatorNeeded: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return sum(1 for line in _lines(file) if line.strip())
    except OSError as error:
        raise OperatorNeeded(
            f"{str(path)!r} cannot be read: {error.strerror}.",
            mend="Give the path of a file with one JSON object a line.",
        ) from error


def read_rows(path: Path, setup: Setup) -> Iterator[Task | Made]:
    """Yield each row as a task, or as what it came to where it cannot be understood.

    A source's path is taken from the file's own folder.
    """
    with path.open("rb") as file:
        number = 0
        for line in _lines(file):
            if line.strip():
                number += 1
                yield _read(number, line, path.parent, setup)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield lines; of one that is too long only its beginning, so that it takes no memory."""
    while line := file.readline(LONGEST_ROW + 1):
        yield line
        while len(line) > LONGEST_ROW and not line.endswith(b"\n"):
            line = file.readline(LONGEST_ROW + 1)
            if not line:
                return


def _read(number: int, line: bytes, folder: Path, setup: Setup) -> Task | Made:
    digest = hashlib.sha256(line).hexdigest()
    if len(line) > LONGEST_ROW:
        return _wrong(number, digest, f"it has {len(line) / 1e6:.1f} MB; the limit is 1 MB")
    try:
        row = Row.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "".join(f"{part}: " for part in first["loc"])
        return _wrong(number, digest, where + first["msg"].removeprefix("Value error, ").lower())
    if row.source:
        try:
            source = folder / Path(row.source).expanduser()
        except RuntimeError as error:  # a home that nobody has
            return _wrong(number, digest, f"source: {error}")
        row = row.model_copy(update={"source": str(source)})
    return Task(number=number, digest=_digest(row, setup), row=row)


def _wrong(number: int, digest: str, why: str) -> Made:
    return Made(row=number, digest=digest, ok=False, error=f"Row {number} is not understood: {why}")


def _digest(row: Row, setup: Setup) -> str:
    """Return the digest of all that a video depends on: what changed since is made again."""
    look = setup.model_dump(mode="json", exclude={"out", "work"})
    digest = hashlib.sha256(key_of({"row": row.model_dump(mode="json"), "look": look}).encode())
    for name in setup.files:
        digest.update(_content(Path(name)))
    if row.source:
        digest.update(_content(Path(row.source)))
    return digest.hexdigest()


def _content(source: Path) -> bytes:
    """Return what stands in a source; one that cannot be read fails later, as its own row."""
    try:
        if not source.is_file() or source.stat().st_size > LARGEST_SOURCE:
            return b""
        return source.read_bytes()
    except (OSError, ValueError):
        return b""
