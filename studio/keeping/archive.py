"""One file that holds a studio: a plain tar, with the SHA-256 of everything in it as its last part.

Films do not shrink and the dump is compressed already, so the tar is not. It gets its name when it
is whole and on the disk; until then it is called `.bookai-….part`, and the next backup takes away
what a killed one left. What has no manifest at its end is no backup.
"""

import fcntl
import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from secrets import token_hex
from threading import Event
from typing import IO, Any, BinaryIO

from bookai.db.pg.home import try_flock
from bookai.errors import OperatorNeeded, Refused, TryLater

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database.dump"
HOME = "home/"
MOST_MANIFEST = 256 * 2**20
_PART = ".bookai-{}.part"
_CHUNK = 1 << 20


class Writer:
    """Fills one archive; `files` are the SHA-256 and the bytes of what is in; `stop` ends it."""

    def __init__(self, file: BinaryIO, stop: Event) -> None:
        self.files: dict[str, tuple[str, int]] = {}
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115  # closed by `close`
        self._stop = stop

    def add(self, name: str, source: IO[bytes]) -> None:
        """Put in an open file, as long as it is now.

        Raises:
            TryLater: it became shorter while it was read, or the writer was stopped.
        """
        found = os.fstat(source.fileno())
        member = tarfile.TarInfo(name)
        member.size, member.mtime = found.st_size, found.st_mtime
        member.mode = found.st_mode & 0o755
        hashing = _Hashing(source, self._stop)
        try:
            self._tar.addfile(member, hashing)
        except OSError as error:
            if error.errno is not None:
                raise
            # tarfile's own word for a file that ended too soon.
            raise TryLater(f"{name} changed while it was copied: try again.") from error
        self.files[name] = (hashing.digest.hexdigest(), found.st_size)

    def close(self, facts: dict[str, Any]) -> str:
        """Put in the manifest and end the archive; return the manifest's digest."""
        listed = {name: list(sum_) for name, sum_ in self.files.items()}
        text = json.dumps({"format": FORMAT, **facts, "files": listed}, indent=1, sort_keys=True)
        data = text.encode()
        member = tarfile.TarInfo(MANIFEST)
        member.size, member.mode = len(data), 0o600
        self._tar.addfile(member, BytesIO(data))
        self._tar.close()
        return hashlib.sha256(data).hexdigest()


@contextmanager
def new_archive(folder: Path, name: str, stop: Event) -> Iterator[Writer]:
    """Lend a writer; the file has its name once the block ends without an error.

    Only its owner can read it. A process that is killed leaves a part that no one takes for whole.

    Raises:
        OperatorNeeded: there is such a file already, or the folder cannot be written to.
    """
    _clear_parts(folder)
    final, part = folder / name, folder / _PART.format(token_hex(6))
    if final.exists():
        raise OperatorNeeded(f"{final} is there already.", mend="Try again in a second.")
    handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # while we live, nobody clears it away
            yield Writer(file, stop)
            file.flush()
            os.fsync(file.fileno())
            part.rename(final)
        _sync_folder(folder)
    finally:
        part.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Found:
    """What an archive says of itself, after each of its sums was checked."""

    facts: dict[str, Any]
    digest: str


def unpack(path: Path, into: Path | None, stop: Event) -> Found:
    """Check every part of an archive, and write its files below `into`, where it is given.

    Raises:
        Refused: it is no whole backup, a part is damaged, or a name leads out of `into`.
        OperatorNeeded: it was made by a newer studio.
    """
    sums, manifest = dict[str, tuple[str, int]](), b""
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                name = _checked_name(path, member)
                if manifest:
                    raise Refused(f"{path} has something behind its manifest: it was changed.")
                source = tar.extractfile(member)
                assert source is not None  # a regular file
                if name == MANIFEST:
                    manifest = source.read(MOST_MANIFEST)
                    continue
                sums[name] = (_copied(source, into, name, member, stop), member.size)
    except tarfile.TarError as error:
        raise Refused(f"{path} is no backup, or is damaged: {error}.") from error
    facts = _facts_of(path, manifest)
    listed = {name: (str(sha), int(size)) for name, (sha, size) in facts["files"].items()}
    wrong = sorted(name for name in listed.keys() | sums if listed.get(name) != sums.get(name))
    if wrong:
        raise Refused(f"{path} is damaged: {len(wrong)} parts are not what it says: {wrong[0]!r} …")
    return Found(facts, hashlib.sha256(manifest).hexdigest())


def said_of(path: Path) -> dict[str, Any] | None:
    """Return what an archive says of itself, unchecked; None where it is no whole backup."""
    try:
        with tarfile.open(path, "r:") as tar:  # skips from part to part
            source = tar.extractfile(MANIFEST)
            return _facts_of(path, source.read(MOST_MANIFEST)) if source else None
    except (tarfile.TarError, KeyError, OSError, Refused, OperatorNeeded):
        return None


def newest(place: Path) -> Path:
    """Return a backup: the file itself, or the newest whole one of a folder.

    Raises:
        OperatorNeeded: there is none.
    """
    if place.is_file():
        return place
    found = sorted(place.glob("bookai-*.tar")) if place.is_dir() else []
    if not found:
        raise OperatorNeeded(f"there is no backup in {place}.", mend="Make one: bookai backup")
    return found[-1]


def _facts_of(path: Path, manifest: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(manifest)
        is_ours = isinstance(facts["files"], dict) and isinstance(facts["counts"], dict)
        number = int(facts["format"])
    except (ValueError, KeyError, TypeError):
        is_ours, number = False, 0
    if not is_ours:
        raise Refused(f"{path} is no whole backup: it has no manifest at its end.")
    if number > FORMAT:
        raise OperatorNeeded(
            f"{path} was made by a newer studio ({facts.get('studio')}).",
            mend="Restore it with that release.",
        )
    return dict(facts)


def _checked_name(path: Path, member: tarfile.TarInfo) -> str:
    name = member.name
    parts = PurePosixPath(name).parts
    is_plain = bool(parts) and not name.startswith("/") and ".." not in parts and "\0" not in name
    is_known = name in (MANIFEST, DATABASE) or (name.startswith(HOME) and len(parts) > 1)
    if not member.isreg() or not is_plain or not is_known:
        raise Refused(f"{path} holds {name!r}, which no backup of ours has: it is not opened.")
    return name


def _copied(
    source: IO[bytes], into: Path | None, name: str, member: tarfile.TarInfo, stop: Event
) -> str:
    hashing = _Hashing(source, stop)
    if into is None:
        while hashing.read(_CHUNK):
            pass
        return hashing.digest.hexdigest()
    target = into / (name.removeprefix(HOME) if name != DATABASE else DATABASE)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 | member.mode & 0o755)
    with os.fdopen(handle, "wb") as file:
        while data := hashing.read(_CHUNK):
            file.write(data)
    os.utime(target, (member.mtime, member.mtime))
    return hashing.digest.hexdigest()


def _clear_parts(folder: Path) -> None:
    for part in folder.glob(_PART.format("*")):
        with suppress(OSError), part.open("rb") as file:
            if try_flock(file.fileno(), fcntl.LOCK_EX):
                part.unlink()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Hashing:
    """Reads on behalf of tarfile, and remembers what it read."""

    def __init__(self, source: IO[bytes], stop: Event) -> None:
        self.digest = hashlib.sha256()
        self._source, self._stop = source, stop

    def read(self, size: int = -1, /) -> bytes:
        if self._stop.is_set():
            raise TryLater("stopped before the archive was whole.")
        data = self._source.read(size)
        self.digest.update(data)
        return data
