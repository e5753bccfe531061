"""The operator's file on the disk: read whole, changed by one at a time, replaced at one stroke."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bookai.errors import OperatorNeeded, TryLater


@contextmanager
def locked(toml: Path) -> Iterator[None]:
    """Let one at a time change the file; the kernel frees the lock of a dead one.

    Raises:
        TryLater: somebody else changes it at this moment.
        OperatorNeeded: nothing can be written beside it.
    """
    try:
        handle = os.open(
            toml.with_name(f".{toml.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise _unwritable(toml, error) from error
    try:
        _lock(toml, handle)
        yield
    finally:
        os.close(handle)


def _lock(toml: Path, handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise TryLater(f"somebody else changes {toml} at this moment.", after_s=2) from error
    except OSError as error:  # some network file systems know no locks
        raise _unwritable(toml, error) from error


def read(toml: Path) -> str:
    """Return the file's text, with its line ends as they are; none when there is no file.

    Raises:
        OperatorNeeded: it cannot be read.
    """
    try:
        with toml.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorNeeded(f"{toml} cannot be read: {error}.", mend="Correct it.") from error


@contextmanager
def replacing(toml: Path, text: str) -> Iterator[Callable[[], None]]:
    """Write a whole new file beside the old one, with its owner and rights; lend what swaps them.

    A full disk or a missing right is found here, before anything is promised. A block that never
    calls what it is lent leaves the old file alone.

    Raises:
        OperatorNeeded: it cannot be written.
    """
    toml = toml.resolve()  # a link stays a link
    part: Path | None = None
    try:
        try:
            part = _write_beside(toml, text)
        except OSError as error:
            raise _unwritable(toml, error) from error
        fresh = part

        def swap() -> None:
            try:
                fresh.replace(toml)
                folder = os.open(toml.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
            except OSError as error:
                raise _unwritable(toml, error) from error

        yield swap
    finally:
        if part is not None:
            with suppress(FileNotFoundError):
                part.unlink()


def _write_beside(toml: Path, text: str) -> Path:
    old = toml.stat() if toml.exists() else None
    handle, name = tempfile.mkstemp(prefix=f".{toml.name}.", dir=toml.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            if old is not None:
                os.fchmod(handle, old.st_mode & 0o777)
                if old.st_uid != os.geteuid():
                    os.fchown(handle, old.st_uid, old.st_gid)
            file.flush()
            os.fsync(handle)
    except BaseException:
        part.unlink()
        raise
    return part


def _unwritable(toml: Path, error: OSError) -> OperatorNeeded:
    return OperatorNeeded(
        f"{toml} cannot be written: {error.strerror}.",
        mend="Change it by hand where you have the right to.",
    )
