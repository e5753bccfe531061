import asyncio
import errno
import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import av
from pydantic import Field

from bookai.errors import BookAIError, OperatorNeeded, ToolFailed
from bookai.models import Post, Publication, Record, Report
from tools.base import ToolContext
from tools.platforms.base import Files, Gone, NotSent, Platform, Sent, Ticket, read_config
from tools.site import pages, store


class GalleryConfig(Record):
    """`[plugins.gallery]`: the site's name, and its address where it is served from a host."""

    name: str = Field(default="BookAI Studio", max_length=80)
    base_url: str = Field(default="", max_length=500, pattern=r"^(https?://.*/)?$")


class Gallery(Platform):
    """A static site in the studio's own folder; works from the disk and from any host."""

    name = "gallery"
    resend = "same_key_is_same_post"
    # Every page has a line of its own for each; see tools/site/pages.py.
    shows: ClassVar = {"ai_made": "text", "paid_promotion": "text"}
    finds_restored: ClassVar = True  # by its key, always

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    async def find(self, post: Post, ticket: Ticket, ctx: ToolContext) -> Sent | None:
        root, config = ctx.gallery_dir, _config(ctx.config)

        def look() -> Sent | None:
            with store.locked(root):
                entry = next((one for one in store.entries(root) if one.key == ticket.key), None)
                if entry is None:
                    return None
                # Whoever died after the page was out may have left the index behind it.
                _rebuild(root, config)
                return _sent(root, entry.folder, config)

        try:
            return await asyncio.to_thread(look)
        except OSError as error:
            raise _named(error, root, "it is not known yet whether the page is out") from error

    async def send(self, post: Post, files: Files, ticket: Ticket, ctx: ToolContext) -> Sent:
        root = ctx.gallery_dir
        work = _Publishing(root, post, files, ticket.key, self._now)
        await ticket.hold(None)
        try:
            config = _config(ctx.config)
            return await asyncio.to_thread(work.publish, config)
        except BookAIError as error:
            raise NotSent(error) from error
        except OSError as error:
            if await asyncio.to_thread(work.is_out):
                # The page took its place; only the index is old. The next look mends that.
                raise _named(error, root, "the page is out, the index is old") from error
            raise NotSent(_named(error, root, "nothing was published")) from error

    async def report(self, publication: Publication, ctx: ToolContext) -> Report:
        folder = ctx.gallery_dir / "v" / Path(publication.external_id).name
        problem = await asyncio.to_thread(_problem, folder)
        if problem:
            kind = Gone if problem == _MISSING else ToolFailed
            raise kind(f"the page {folder / store.PAGE} {problem}")
        note = "the page and its video are there; the local gallery counts no views"
        return Report(views=None, note=note)


@dataclass(frozen=True, slots=True)
class _Publishing:
    """One post on its way into the gallery; publishing it again changes nothing."""

    root: Path
    post: Post
    files: Files
    key: str
    now: Callable[[], datetime]

    @property
    def name(self) -> str:
        return store.folder_name(self.post, self.key)

    def is_out(self) -> bool:
        entry = store.entry_of(self.root / "v" / self.name)
        return entry is not None and entry.key == self.key

    def publish(self, config: GalleryConfig) -> Sent:
        with store.locked(self.root):
            if not self.is_out():
                with store.new_folder(self.root, self.name) as part:
                    self._fill(part, config)
            _rebuild(self.root, config)
            return _sent(self.root, self.name, config)

    def _fill(self, part: Path, config: GalleryConfig) -> None:
        post, files = self.post, self.files
        store.copy(files.video, part / store.VIDEO, post.video_sha256)
        store.copy(files.thumbnail, part / store.THUMBNAIL, post.thumbnail_sha256)
        store.copy(files.captions, part / store.CAPTIONS, post.captions_sha256)
        entry = store.Entry(
            key=self.key,
            folder=self.name,
            digest=post.digest(),
            published_at=self.now(),
            duration_s=_duration_s(part / store.VIDEO),
            size_bytes=(part / store.VIDEO).stat().st_size,
            signer=store.signer_of(part / store.VIDEO),
            post=post,
        )
        store.write(part / store.PAGE, pages.video_page(entry, config.name))
        store.write(part / store.ENTRY, entry.model_dump_json(indent=1))


def _rebuild(root: Path, config: GalleryConfig) -> None:
    found = store.entries(root)
    store.write(root / "style.css", pages.style())
    store.write(root / "feed.xml", pages.feed(found, config.name, config.base_url))
    store.write(root / store.PAGE, pages.index_page(found, config.name))


def _sent(root: Path, name: str, config: GalleryConfig) -> Sent:
    page = f"v/{name}/{store.PAGE}"
    url = config.base_url + page if config.base_url else (root / page).absolute().as_uri()
    return Sent(external_id=name, url=url)


_MISSING = "is not there any more"


def _problem(folder: Path) -> str | None:
    """Return what is wrong with a published page, or None."""
    if not (folder / store.PAGE).is_file() or not (folder / store.VIDEO).is_file():
        return _MISSING
    entry = store.entry_of(folder)
    if entry is None or entry.digest != entry.post.digest():
        return f"is damaged: {store.ENTRY} beside it is not what was written"
    try:
        with (folder / store.VIDEO).open("rb") as video:
            digest = hashlib.file_digest(video, "sha256").hexdigest()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if digest == entry.post.video_sha256 else "shows another video than was approved"


def _duration_s(video: Path) -> float | None:
    try:
        with av.open(str(video)) as container:
            return container.duration / av.time_base if container.duration else None
    except av.error.FFmpegError:
        return None  # the length is only shown beside the title


def _named(error: OSError, root: Path, state: str) -> OperatorNeeded:
    if error.errno == errno.ENOSPC:
        there = next(path for path in (root, *root.parents) if path.exists())
        free = shutil.disk_usage(there).free // 1024**2
        return OperatorNeeded(
            f"the gallery {root} has no space left ({free} MiB free); {state}.",
            mend="Free some space, then carry on with: bookai make --resume ID",
        )
    return OperatorNeeded(
        f"the gallery {root} cannot be written to: {error.strerror}; {state}.",
        mend="Mend the folder's rights.",
    )


def _config(config: Mapping[str, Any]) -> GalleryConfig:
    return read_config(GalleryConfig, config, "gallery")


def _utc_now() -> datetime:
    return datetime.now(UTC)


PLATFORM = Gallery(_utc_now)
