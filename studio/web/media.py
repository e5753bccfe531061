"""The files of a post: only this job's, only what the approval names, only those very bytes."""

import asyncio
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from bookai.errors import Refused
from bookai.models import VideoJob
from tools.base import ApprovalRow
from tools.media.paths import inside

Kind = Literal["video", "thumbnail", "captions"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MEDIA_TYPES = {"video": "video/mp4", "thumbnail": "image/jpeg", "captions": "text/vtt"}
MAX_BYTES = 1024 * 1024 * 1024

_MOST_KNOWN = 512
_BLOCK_BYTES = 1024 * 1024
_Identity = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class Named:
    """A file as an approval or a job's record names it."""

    path: str
    sha256: str
    kind: Kind


class Shelf:
    """Finds and verifies the files of posts; what was hashed once is known until it changes."""

    def __init__(self, work_dir: Path) -> None:
        self._work_dir = work_dir
        self._known: dict[_Identity, str] = {}

    async def find(self, row: ApprovalRow, job: VideoJob, kind: Kind) -> Path:
        """Return where a post's file lies, certain to be the one that was asked about.

        Raises:
            Refused: it is gone, lies elsewhere, is of another type, or its bytes have changed.
        """
        named = asked(row, job, kind)
        return await self.verified(row.job_id, named, f"approval {row.approval_id}")

    async def verified(self, job_id: int, named: Named, about: str) -> Path:
        """Return where a named file lies, certain to have the bytes that it is named with.

        Raises:
            Refused: as `find`; `about` says in the message who named it.
        """
        path = inside(self._work_dir, job_id, named.path)
        # A thread: hashing a long video takes a good part of a second.
        sha256 = await asyncio.to_thread(self._hash, path, named.kind)
        if sha256 != named.sha256:
            raise Refused(
                f"The {named.kind} on this machine is not the one that {about} is about: its "
                "bytes have changed. Reject it, and make the video again."
            )
        return path

    async def problem(self, row: ApprovalRow, job: VideoJob) -> str:
        """Return why what would be published cannot be looked at, or nothing."""
        try:
            for kind in KINDS:
                await self.find(row, job, kind)
        except Refused as error:
            return str(error)
        return ""

    def _hash(self, path: Path, kind: Kind) -> str:
        try:
            # Non-blocking: a named pipe in its place must not hold us up.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise Refused(f"The {kind} is not there any more ({error.strerror}).") from error
        try:
            return self._hash_open(handle, path, kind)
        finally:
            os.close(handle)

    def _hash_open(self, handle: int, path: Path, kind: Kind) -> str:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            raise Refused(f"The {kind} is no file that can be shown.")
        identity = (str(path), found.st_ino, found.st_size, found.st_mtime_ns)
        if known := self._known.get(identity):
            return known
        with os.fdopen(handle, "rb", closefd=False) as file:
            head = file.read(12)
            if not _looks_like(kind, head):
                raise Refused(f"The {kind} is no {MEDIA_TYPES[kind]} file.")
            digest = hashlib.sha256(head)
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
        return self._note(identity, digest.hexdigest())

    def _note(self, identity: _Identity, sha256: str) -> str:
        # Several threads come here: one plain step each, and never a key that has just gone.
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[identity] = sha256
        return sha256


def rendered(job: VideoJob, kind: Kind) -> Named:
    """Return a file as the job's record names it.

    Raises:
        Refused: nothing is rendered yet.
    """
    made = job.render
    if made is None:
        raise Refused(f"Job {job.job_id} has no {kind} yet.")
    match kind:
        case "video":
            return Named(made.video_path, made.sha256, kind)
        case "thumbnail":
            return Named(made.thumbnail_path, made.thumbnail_sha256, kind)
        case "captions":
            return Named(made.captions_path, made.captions_sha256, kind)


def asked(row: ApprovalRow, job: VideoJob, kind: Kind) -> Named:
    """Return a file as the approval names it.

    Raises:
        Refused: the job has no such file any more.
    """
    if kind == "video":
        return Named(row.video_path, row.post.video_sha256, kind)
    if job.render is None:
        raise Refused(f"Job {row.job_id} has no {kind}.")
    if kind == "thumbnail":
        return Named(job.render.thumbnail_path, row.post.thumbnail_sha256, kind)
    return Named(job.render.captions_path, row.post.captions_sha256, kind)


def _looks_like(kind: Kind, head: bytes) -> bool:
    match kind:
        case "video":
            return head[4:8] == b"ftyp"
        case "thumbnail":
            return head.startswith(b"\xff\xd8\xff")
        case "captions":
            return head.startswith(b"WEBVTT")
