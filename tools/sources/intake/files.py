"""The one gate to the operator's disk: ordinary files only, opened once, never beyond a limit.

A path is an operator's word, but it may arrive over MCP. So what is certainly no article is not
even opened: hidden files and folders (keys, settings), the studio's own memory, system folders.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bookai.errors import Refused
from tools.sources.base import MIB, Clue

HEAD_BYTES = 4096
_SYSTEM = tuple(Path(folder) for folder in ("/proc", "/sys", "/dev"))
_OWN = ("audit", "postgres", "studio.toml")
# Absent on Windows: there a pipe cannot be opened by path anyway.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file's content and what it is called in messages."""

    clue: Clue
    where: str
    body: bytes


def read_path(text: str, home: Path, limit_of: Callable[[Clue], int]) -> OpenedFile:
    """Read a file whole; `limit_of` says from its first bytes how large it may be, in bytes.

    `home` is the studio's own folder.

    Raises:
        Refused: no such file, no ordinary file, not ours to read, empty, or over the limit.
    """
    path, where = _find(text, home)
    with _open(path, where) as (descriptor, size):
        head = os.read(descriptor, HEAD_BYTES)
        if not head:
            raise Refused(f"{where} is empty.")
        clue = Clue(name=path.name, content_type="", head=head)
        limit = limit_of(clue)
        if size <= limit:
            body = _read_rest(descriptor, head, limit)
            size = max(size, len(body))
        if size > limit:
            raise Refused(
                f"{where} is {size / MIB:.1f} MiB; the limit for this kind of source is "
                f"{limit / MIB:g} MiB. Cut the article out of it into a file of its own."
            )
    return OpenedFile(clue, where, body)


def _find(text: str, home: Path) -> tuple[Path, str]:
    where = repr(text if len(text) <= 300 else f"{text[:300]}…")
    try:
        path = Path(text).expanduser().resolve(strict=True)
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Refused(
            f"there is no file {where}. Check the path; a web page needs its http:// or https://."
        ) from error
    except PermissionError as error:
        raise Refused(f"{where} may not be read by the studio's user.") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise Refused(f"{where} is no usable path ({error.__class__.__name__}).") from error
    if stat.S_ISDIR(mode):
        raise Refused(f"{where} is a folder. Give one file in it.")
    if not stat.S_ISREG(mode):
        raise Refused(f"{where} is no ordinary file but a pipe, a socket or a device.")
    _check_place(path, where, home)
    return path, where


def _check_place(path: Path, where: str, home: Path) -> None:
    own = tuple(home.resolve() / name for name in _OWN)
    hidden = any(part.startswith(".") for part in path.parts[-2:])
    if hidden or any(path.is_relative_to(place) for place in (*own, *_SYSTEM)):
        raise Refused(
            f"{where} is hidden, belongs to the system or to the studio itself; "
            "such files are not read. Copy the article elsewhere."
        )


@contextmanager
def _open(path: Path, where: str) -> Iterator[tuple[int, int]]:
    """Open without following links or waiting for a pipe; give the descriptor and the size."""
    try:
        descriptor = os.open(path, _FLAGS)
    except PermissionError as error:
        raise Refused(f"{where} may not be read by the studio's user.") from error
    except OSError as error:
        raise Refused(f"{where} cannot be opened ({error.strerror}).") from error
    try:
        # Looked at again: the name may have come to mean something else since.
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Refused(f"{where} is no ordinary file.")
        yield descriptor, found.st_size
    except OSError as error:
        raise Refused(f"{where} cannot be read ({error.strerror}).") from error
    finally:
        os.close(descriptor)


def _read_rest(descriptor: int, head: bytes, limit: int) -> bytes:
    parts, total = [head], len(head)
    while total <= limit:
        part = os.read(descriptor, min(MIB, limit + 1 - total))
        if not part:
            break
        parts.append(part)
        total += len(part)
    return b"".join(parts)
