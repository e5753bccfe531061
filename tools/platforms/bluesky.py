import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import av
from pydantic import Field

from bookai.errors import BookAIError, OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.models import Post, Publication, Record, Report
from tools.atproto.ids import blob_cid, record_key
from tools.atproto.session import Session, is_missing, problem
from tools.atproto.text import MAX_BYTES, MAX_GRAPHEMES, MAX_TAGS, compose
from tools.base import ToolContext
from tools.net.api import Api, NotReached, open_api
from tools.net.secrets import read_secret
from tools.platforms.base import (
    Files,
    Gone,
    Limits,
    NotSent,
    Platform,
    Sent,
    Ticket,
    read_config,
    reference_of,
)
from tools.uploads.reading import Streamed

COLLECTION = "app.bsky.feed.post"
MAX_VIDEO_BYTES = 300_000_000
MAX_CAPTIONS_BYTES = 20_000
MAX_ALT = 1000
UPLOAD_S = 240.0
# No answer of the server's own: who stood in between gave up, and the record may be written.
_OPEN = frozenset({408, 425, 499})
_URL = r"^https?://[^\s]+$"


class BlueskyConfig(Record):
    """`[plugins.bluesky]`: whose account it is, and where its app password lies."""

    handle: str = Field(default="", max_length=253)
    password_file: str = Field(default="", max_length=4096)
    password_env: str = Field(default="", max_length=128)
    credentials: str = Field(default="", max_length=500)
    service: str = Field(default="https://bsky.social", max_length=500, pattern=_URL)
    web_url: str = Field(default="https://bsky.app", max_length=500, pattern=_URL)
    appview_url: str = Field(default="https://public.api.bsky.app", max_length=500)


class Bluesky(Platform):
    """Bluesky, or any server that speaks the AT protocol.

    A post is a record under a key that the outbox key alone decides: writing it again writes the
    same record, so a lost answer costs nothing.
    """

    name = "bluesky"
    resend = "same_key_is_same_post"
    # The protocol has no flag for either; tools/atproto/text.py puts both into the text.
    shows: ClassVar = {"ai_made": "text", "paid_promotion": "text"}
    finds_restored: ClassVar = True
    limits: ClassVar = Limits(
        text_characters=MAX_GRAPHEMES,
        text_bytes=MAX_BYTES,
        tags=MAX_TAGS,
        video_bytes=MAX_VIDEO_BYTES,
        captions_bytes=MAX_CAPTIONS_BYTES,
    )

    async def find(self, post: Post, ticket: Ticket, ctx: ToolContext) -> Sent | None:
        if ticket.handle is None:
            # The key is kept before the first byte: without it nothing ever left.
            return None
        if ticket.is_restored:
            config = _own_account(post, ctx)
            session = await _logged_in(ctx, config)
            return await _look(session, _place_of(session, ticket), config)
        place = _Place.model_validate_json(ticket.handle)
        config = read_config(BlueskyConfig, ctx.config, self.name)
        return await _look(Session(_api(ctx, 30), place.service), place, config)

    async def send(self, post: Post, files: Files, ticket: Ticket, ctx: ToolContext) -> Sent:
        try:
            config = _own_account(post, ctx)
            text = compose(post)
            await asyncio.to_thread(_check_sizes, files)
            session = await _logged_in(ctx, config)
        except BookAIError as error:
            raise NotSent(error) from error
        place = _place_of(session, ticket)
        await ticket.hold(place.model_dump_json())
        work = _Publishing(session, ctx, post, files)
        try:
            video = await work.upload(files.video, "video/mp4", post.video_sha256)
            captions = await work.upload(files.captions, "text/vtt", post.captions_sha256)
            record = await work.record(text.text, text.facets, video, captions)
        except BookAIError as error:
            raise NotSent(error) from error
        record["createdAt"] = f"{ticket.armed_at:%Y-%m-%dT%H:%M:%S.000Z}"
        await ctx.progress(0.9, "writing the post")
        await ticket.hold(None)
        await _put(session, place, record)
        return _sent(place, config)

    async def report(self, publication: Publication, ctx: ToolContext) -> Report:
        config = read_config(BlueskyConfig, ctx.config, self.name)
        parts = publication.external_id.removeprefix("at://").split("/")
        if len(parts) != 3:
            raise ToolFailed(f"{publication.external_id!r} is no address of a Bluesky post")
        # Who knows its counts knows that it is there; else the server is asked that holds it.
        counted = await _counts(ctx, config, publication.external_id)
        place = _Place(service=config.service, did=parts[0], rkey=parts[2])
        session = Session(_api(ctx, 30), place.service)
        if counted is None and await _look(session, place, config) is None:
            raise Gone(f"the post {publication.url} is not there any more")
        found = counted or "no app view that counts likes knows it yet"
        return Report(views=None, note=f"the post is there; Bluesky counts no views; {found}")


class _Place(Record):
    """Where a post's record is, or will be: what the next attempt needs to look for it."""

    service: str
    did: str
    rkey: str


@dataclass(frozen=True, slots=True)
class _Publishing:
    """What is uploaded before the record; nothing of it shows until that is written."""

    session: Session
    ctx: ToolContext
    post: Post
    files: Files

    async def upload(self, path: Path, kind: str, sha256: str) -> dict[str, Any]:
        """Upload a file and prove that what was sent and what was stored are what was approved."""
        await self.ctx.progress(0.4, f"uploading {path.name}")
        size = (await asyncio.to_thread(path.stat)).st_size
        stream = Streamed(path)
        answer = await self.session.call(
            "POST",
            "com.atproto.repo.uploadBlob",
            body=stream,
            headers={"Content-Type": kind, "Content-Length": str(size)},
        )
        if not answer.is_ok:
            raise problem(answer)
        blob = answer.json().get("blob")
        if not isinstance(blob, dict):
            raise ToolFailed(f"{answer.where} stored {path.name} but named no blob")
        stored = blob.get("ref", {}).get("$link")
        if stream.sha256 != sha256 or stored != blob_cid(sha256):
            raise Refused(
                f"{path.name} is not what was approved any more: {stream.sha256[:12]}… was sent, "
                f"{str(stored)[:80]!r} was stored, {sha256[:12]}… was approved."
            )
        if (blob.get("mimeType"), blob.get("size")) != (kind, size):
            raise Refused(
                f"{answer.where} takes {path.name} for {str(blob.get('mimeType'))[:80]!r} of "
                f"{str(blob.get('size'))[:20]} bytes; it is {kind} of {size}."
            )
        return blob

    async def record(
        self,
        text: str,
        facets: list[dict[str, Any]],
        video: dict[str, Any],
        captions: dict[str, Any],
    ) -> dict[str, Any]:
        width, height = await asyncio.to_thread(_size, self.files.video)
        alt = f"{self.post.title}. {self.post.transcript}"[:MAX_ALT]
        return {
            "$type": COLLECTION,
            "text": text,
            "facets": facets,
            "langs": [self.post.language],
            "embed": {
                "$type": "app.bsky.embed.video",
                "video": video,
                "captions": [{"lang": self.post.language, "file": captions}],
                "alt": alt,
                "aspectRatio": {"width": width, "height": height},
            },
        }


def _place_of(session: Session, ticket: Ticket) -> _Place:
    rkey = record_key(ticket.key, ticket.armed_at)
    return _Place(service=session.service, did=session.did, rkey=rkey)


async def _put(session: Session, place: _Place, record: Mapping[str, Any]) -> None:
    """Write the record under its key. Anything but a clear no leaves the outcome open."""
    wanted = {"repo": place.did, "collection": COLLECTION, "rkey": place.rkey, "record": record}
    try:
        answer = await session.call(
            "POST",
            "com.atproto.repo.putRecord",
            body=json.dumps(wanted).encode(),
            headers={"Content-Type": "application/json"},
        )
    except (NotReached, OperatorNeeded) as error:
        raise NotSent(error) from error
    if answer.is_ok:
        return
    no = problem(answer)
    if 400 <= answer.status < 500 and answer.status not in _OPEN:
        raise NotSent(no)
    raise no if isinstance(no, TryLater) else TryLater(str(no))


async def _look(session: Session, place: _Place, config: BlueskyConfig) -> Sent | None:
    answer = await session.call(
        "GET",
        "com.atproto.repo.getRecord",
        query={"repo": place.did, "collection": COLLECTION, "rkey": place.rkey},
    )
    if answer.is_ok:
        return _sent(place, config)
    if is_missing(answer):
        return None
    raise problem(answer)


async def _logged_in(ctx: ToolContext, config: BlueskyConfig) -> Session:
    password = read_secret(
        "[plugins.bluesky] password", config.password_file, config.password_env, config.credentials
    )
    session = Session(_api(ctx, UPLOAD_S), config.service)
    await session.log_in(config.handle, password)
    return session


async def _counts(ctx: ToolContext, config: BlueskyConfig, uri: str) -> str | None:
    """Return what the network counts of a post, or None where it does not know it."""
    if not config.appview_url:
        return None
    url = f"{config.appview_url.rstrip('/')}/xrpc/app.bsky.feed.getPosts?uris={quote(uri, safe='')}"
    try:
        answer = await _api(ctx, 30).call("GET", url)
    except TryLater:
        return None
    posts = (answer.json_or_nothing() or {}).get("posts") if answer.is_ok else None
    if not isinstance(posts, list) or not posts or not isinstance(posts[0], dict):
        return None
    told = {
        name: posts[0].get(f"{kind}Count")
        for kind, name in (
            *(("like", "likes"), ("repost", "reposts")),
            *(("reply", "replies"), ("quote", "quotes")),
        )
    }
    return ", ".join(f"{count} {name}" for name, count in told.items() if isinstance(count, int))


def _own_account(post: Post, ctx: ToolContext) -> BlueskyConfig:
    """Return the account that was approved: a channel's own, else that of the plug-in's table.

    Raises:
        Refused: it is somebody else's.
    """
    config = read_config(BlueskyConfig, ctx.config, PLATFORM.name)
    if reference := reference_of(ctx.config, PLATFORM.name, post.account):
        return config.model_copy(update={"handle": post.account, "credentials": reference})
    if not config.handle:
        raise OperatorNeeded(
            "[plugins.bluesky] names no handle.",
            mend="See docs/how-to/publish-to-bluesky.md for the three lines it needs.",
        )
    if post.account.removeprefix("@").lower() != config.handle.removeprefix("@").lower():
        raise Refused(
            f"the post was approved for {post.account!r}, and [plugins.bluesky] is the account "
            f"{config.handle!r}: nothing was published."
        )
    return config


def _check_sizes(files: Files) -> None:
    for path, limit in ((files.video, MAX_VIDEO_BYTES), (files.captions, MAX_CAPTIONS_BYTES)):
        size = path.stat().st_size
        if size > limit:
            raise Refused(f"{path.name} has {size} bytes, and Bluesky takes {limit}.")


def _size(video: Path) -> tuple[int, int]:
    try:
        with av.open(str(video)) as container:
            picture = container.streams.video[0]
            return picture.width, picture.height
    except (av.error.FFmpegError, IndexError) as error:
        raise Refused(f"{video.name} cannot be read as a video.") from error


def _sent(place: _Place, config: BlueskyConfig) -> Sent:
    return Sent(
        external_id=f"at://{place.did}/{COLLECTION}/{place.rkey}",
        url=f"{config.web_url.rstrip('/')}/profile/{place.did}/post/{place.rkey}",
    )


def _api(ctx: ToolContext, timeout_s: float) -> Api:
    return open_api(ctx.config.get("allow_private", ()), timeout_s=timeout_s)


PLATFORM = Bluesky()
