"""Read the file of rows, one at a time: a wrong one is its own error, never the batch's."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from bookai.errors import OperatorNeeded
from studio.batch.records import Made, Row, Setup, Task
from tools.media.gather import CATALOGUE
from tools.media.intake import media_folder
from tools.render.engine.store import key_of

LONGEST_ROW = 1 << 20
LARGEST_READ = 256 << 20  # of a larger file its size and time stand for what is in it


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

    Raises:
        OperatorNeeded: the folder of pictures and clips is none.
    """
    look = _look(setup)
    with path.open("rb") as file:
        number = 0
        for line in _lines(file):
            if line.strip():
                number += 1
                yield _read(number, line, path.parent, look)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield lines; of one that is too long only its beginning, so that it takes no memory."""
    while line := file.readline(LONGEST_ROW + 1):
        yield line
        while len(line) > LONGEST_ROW and not line.endswith(b"\n"):
            line = file.readline(LONGEST_ROW + 1)
            if not line:
                return


def _read(number: int, line: bytes, folder: Path, look: Mapping[str, Any]) -> Task | Made:
    digest = hashlib.sha256(line).hexdigest()
    if len(line) > LONGEST_ROW:
        return _wrong(number, digest, "it is longer than 1 MB")
    try:
        row = Row.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "".join(f"{part}: " for part in first["loc"])
        return _wrong(number, digest, where + first["msg"].removeprefix("Value error, ").lower())
    if row.source:
        try:
            source = folder / Path(row.source).expanduser()
        except (RuntimeError, ValueError) as error:  # a home that nobody has
            return _wrong(number, digest, f"source: {error}")
        row = row.model_copy(update={"source": str(source)})
    return Task(number=number, digest=_digest(row, look), row=row)


def _wrong(number: int, digest: str, why: str) -> Made:
    return Made(row=number, digest=digest, ok=False, error=f"Row {number} is not understood: {why}")


def _look(setup: Setup) -> dict[str, Any]:
    """Return what all videos depend on: the settings, and what is in the files that they name."""
    shelf = media_folder(setup.config)
    files = (
        setup.kit.font,
        setup.kit.logo,
        str(setup.config.get("render_video", {}).get("font", "")),
        str(setup.config.get("speak", {}).get("music", "")),
        str(shelf / CATALOGUE) if shelf else "",
    )
    return {
        "settings": setup.model_dump(mode="json", exclude={"out", "work"}),
        "files": [_content(name) for name in files],
    }


def _digest(row: Row, look: Mapping[str, Any]) -> str:
    """Return the digest of all that a video depends on: what changed since is made again.

    With it goes the release of the engine, so that a newer one makes every video again.
    """
    facts = {"row": row.model_dump(mode="json"), "source": _content(row.source), "look": look}
    return key_of(facts)


def _content(name: str) -> str:
    """Return the digest of a file; one that cannot be read fails later, where it is needed."""
    path = Path(name)
    try:
        if not path.is_file():
            return ""
        facts = path.stat()
        if facts.st_size > LARGEST_READ:
            return f"{facts.st_size} bytes of {facts.st_mtime_ns}"
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""
