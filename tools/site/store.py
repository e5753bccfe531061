"""The gallery's folder: one directory a post, whole or not there; index and feed are rebuilt.

gallery/
  index.html  feed.xml  style.css
  v/<slug>-<key>/  index.html  video.mp4  thumb.jpg  captions.vtt  post.json
"""

import fcntl
import hashlib
import os
import re
import shutil
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from bookai.errors import Refused, TryLater
from bookai.models import Post, Record
from tools.provenance.read import signer_of as signer_of

VIDEO, THUMBNAIL, CAPTIONS, ENTRY = "video.mp4", "thumb.jpg", "captions.vtt", "post.json"
PAGE = "index.html"
LOCK_WAIT_S = 60.0

_SLUG_LENGTH = 60
_NEW = ".new-"
_POLL_S = 0.1
_BLOCK_BYTES = 1024 * 1024


class Entry(Record):
    """What `post.json` keeps of a published post.

    Pages that are out stay readable only while each field that `Post` gains has a default.
    `signer` is the name in the video's Content Credentials.
    """

    key: str
    folder: str
    digest: str
    published_at: datetime
    duration_s: float | None
    size_bytes: int
    post: Post
    signer: str = ""


def folder_name(post: Post, key: str) -> str:
    """Return the directory's name: readable, safe everywhere, and the key's own."""
    plain = unicodedata.normalize("NFKD", post.title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:_SLUG_LENGTH].strip("-")
    return f"{slug or 'video'}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def entry_of(folder: Path) -> Entry | None:
    """Return the post in a folder, or None: half-written, damaged, moved, or none of ours."""
    try:
        entry = Entry.model_validate_json((folder / ENTRY).read_bytes())
    except (OSError, ValidationError):
        return None
    is_whole = all((folder / name).is_file() for name in (PAGE, VIDEO, THUMBNAIL, CAPTIONS))
    return entry if is_whole and entry.folder == folder.name else None


def entries(root: Path) -> tuple[Entry, ...]:
    """Return every whole post, newest first."""
    found = [entry for path in (root / "v").glob("*") if (entry := entry_of(path))]
    return tuple(sorted(found, key=lambda one: (one.published_at, one.folder), reverse=True))


@contextmanager
def locked(root: Path, *, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
    """Let one publisher at a time change the gallery; the kernel frees the lock of a dead one.

    Blocks the calling thread, at most `wait_s` seconds.

    Raises:
        TryLater: another publisher held it all the time.
    """
    root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root / ".gallery.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _lock(handle, root, time.monotonic() + wait_s)
        # Half-made folders belong to whoever holds the lock, so all that stand now are of the dead.
        for left in root.glob(f"{_NEW}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, root: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise TryLater(f"another publisher is still busy in {root}.") from error
            time.sleep(_POLL_S)
        else:
            return


@contextmanager
def new_folder(root: Path, name: str) -> Iterator[Path]:
    """Lend a folder that takes its place in the gallery when the block ends well.

    What stood in that place is removed first: only call it where that was no whole post, and while
    the gallery is locked.
    """
    part, final = root / f"{_NEW}{name}", root / "v" / name
    part.mkdir(parents=True)
    try:
        yield part
        for path in part.iterdir():
            _flush(path)
        _flush(part)
        final.parent.mkdir(exist_ok=True)
        if final.exists():
            shutil.rmtree(final)
        part.chmod(0o755)
        part.rename(final)
        _flush(final.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def copy(source: Path, target: Path, sha256: str) -> None:
    """Copy a file and prove that what arrived has the approved bytes.

    Raises:
        Refused: it changed since it was checked.
    """
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("xb") as writer:
        while block := reader.read(_BLOCK_BYTES):
            digest.update(block)
            writer.write(block)
    target.chmod(0o644)
    if digest.hexdigest() != sha256:
        raise Refused(f"{source.name} changed while it was published: approve it again.")


def write(path: Path, text: str) -> None:
    """Write a file whole: a reader sees the old one or the new one."""
    part = path.with_name(f".{path.name}.part")
    try:
        # A lone half of a surrogate pair has no UTF-8; it must not stop a page.
        part.write_text(text, encoding="utf-8", errors="replace", newline="\n")
        part.chmod(0o644)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Make it outlast a power cut: a page is only listed when its bytes are there."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
