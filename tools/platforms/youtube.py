import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import Field

from bookai.errors import BookAIError, OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.models import Post, Publication, Record, Report
from tools.base import ToolContext
from tools.google import videos
from tools.google.answers import problem
from tools.google.channel import MAX_LOOK_BACK, Channel
from tools.google.token import Tokens
from tools.net.api import Answer, open_api
from tools.net.secrets import read_secret
from tools.platforms.base import (
    ACCOUNTS,
    Files,
    Gone,
    LeaseLost,
    Limits,
    NotSent,
    Platform,
    Sent,
    Ticket,
    read_config,
    reference_of,
)
from tools.uploads import resumable
from tools.uploads.resumable import Handle, Pause, Rejected, SessionGone, Upload

CALL_S = 120.0
_URL = r"^https?://[^\s]+$"


class YoutubeConfig(Record):
    """`[plugins.youtube]`: the channel, and where its secrets lie.

    Who may see a video, and whether it is for children, is in the post: an operator approves it.
    """

    account: str = Field(default="", max_length=200)
    category: str = Field(default="27", pattern=r"^\d{1,3}$")
    client_id: str = Field(default="", max_length=500)
    client_secret_file: str = Field(default="", max_length=4096)
    client_secret_env: str = Field(default="", max_length=128)
    refresh_token_file: str = Field(default="", max_length=4096)
    refresh_token_env: str = Field(default="", max_length=128)
    credentials: str = Field(default="", max_length=500)
    api_url: str = Field(default="https://www.googleapis.com", max_length=500, pattern=_URL)
    token_url: str = Field(
        default="https://oauth2.googleapis.com/token", max_length=500, pattern=_URL
    )


class Youtube(Platform):
    """YouTube, by its resumable upload: a session is stored before the first byte and resumed.

    A session makes one video at most. Only when its server has forgotten it, and the last chunk was
    never begun, is there a second session.
    """

    name = "youtube"
    resend = "ask_witness"
    shows: ClassVar = {"ai_made": "flag", "paid_promotion": "flag"}
    sees: ClassVar = frozenset({"private", "unlisted", "public"})
    knows_kids: ClassVar = True
    finds_restored: ClassVar = True
    limits: ClassVar = Limits(
        title_characters=videos.MAX_TITLE,
        text_bytes=videos.MAX_DESCRIPTION_BYTES,
        tags_characters=videos.MAX_TAGS,
    )

    def __init__(
        self,
        now: Callable[[], datetime],
        pause: Pause = asyncio.sleep,
        chunk_bytes: int = resumable.CHUNK_BYTES,
    ) -> None:
        self._now = now
        self._pause = pause
        self._chunk_bytes = chunk_bytes

    async def find(self, post: Post, ticket: Ticket, ctx: ToolContext) -> Sent | None:
        if ticket.handle is None:
            # A session is kept before the first byte: without one nothing ever left.
            return None
        channel = self._channel(post, ctx)
        if ticket.is_restored:
            return await _marked(channel, ticket, "The studio was restored from a backup")
        handle = Handle.model_validate_json(ticket.handle)
        where = await channel.ask_where(handle)
        if where.answer is not None:
            return _sent(channel, where.answer.json(), ticket.key)
        if where.kind == "at" or not handle.may_be_complete:
            return None
        return await _marked(
            channel, ticket, "YouTube has forgotten the upload after its last part was begun"
        )

    async def send(self, post: Post, files: Files, ticket: Ticket, ctx: ToolContext) -> Sent:
        async def keep(handle: Handle) -> None:
            await ticket.hold(handle.model_dump_json())

        async def told(fraction: float) -> None:
            await ctx.progress(0.2 + 0.75 * fraction, "uploading")

        try:
            channel = self._channel(post, ctx)
            handle = await _resumed(ticket, files, post)
            if handle is None:
                await ticket.hold(None)
                size = (await asyncio.to_thread(files.video.stat)).st_size
                handle = await channel.open_session(ticket.key, size)
                await keep(handle)
        except LeaseLost:
            raise
        except BookAIError as error:
            raise NotSent(error) from error
        upload = Upload(
            call=channel.tokens.call,
            path=files.video,
            sha256=post.video_sha256,
            handle=handle,
            keep=keep,
            told=told,
            pause=self._pause,
            chunk_bytes=self._chunk_bytes,
        )
        return _sent(channel, (await self._complete(upload, keep)).json(), ticket.key)

    async def report(self, publication: Publication, ctx: ToolContext) -> Report:
        channel = self._channel(None, ctx, await _account_of(publication, ctx))
        video = await channel.video(publication.external_id, "status,statistics")
        if video is None:
            raise Gone(f"the video {publication.url} is not there any more")
        status, counted = video.get("status", {}), video.get("statistics", {})
        if status.get("uploadStatus") in ("failed", "rejected", "deleted"):
            why = status.get("rejectionReason") or status.get("failureReason") or "no reason given"
            raise Gone(f"YouTube says that {publication.url} is {status['uploadStatus']} ({why})")
        views = counted.get("viewCount")
        likes, comments = counted.get("likeCount", "no"), counted.get("commentCount", "no")
        note = f"{likes} likes, {comments} comments; it is {status.get('privacyStatus', 'there')}"
        return Report(views=int(views) if str(views).isdigit() else None, note=note)

    async def _complete(self, upload: Upload, keep: Callable[[Handle], Awaitable[None]]) -> Answer:
        """Send the bytes; what certainly left nothing behind is told apart from what is open."""
        try:
            return await upload.send()
        except LeaseLost:
            raise
        except BookAIError as error:
            if upload.handle.may_be_complete:
                raise self._named(error) from error
            if isinstance(error, SessionGone):
                await keep(upload.handle.model_copy(update={"session": ""}))
            raise NotSent(self._named(error)) from error

    def _named(self, error: BookAIError) -> BookAIError:
        match error:
            case Rejected():
                return problem(error.answer, self._now())
            case SessionGone():
                return TryLater(f"{error} A new one is opened where that is safe.", after_s=5)
            case _:
                return error

    def _channel(self, post: Post | None, ctx: ToolContext, account: str = "") -> Channel:
        config = _config(ctx, post.account if post else account)
        if not (config.account and config.client_id):
            raise OperatorNeeded(
                "[plugins.youtube] needs account and client_id.",
                mend="See docs/how-to/publish-to-youtube.md.",
            )
        if post is not None and post.account != config.account:
            raise Refused(
                f"the post was approved for {post.account!r}, and [plugins.youtube] is the channel "
                f"{config.account!r}: nothing was published."
            )
        secret = read_secret(
            "[plugins.youtube] client_secret", config.client_secret_file, config.client_secret_env
        )
        refresh = read_secret(
            "[plugins.youtube] refresh_token",
            config.refresh_token_file,
            config.refresh_token_env,
            config.credentials,
        )
        api = open_api(ctx.config.get("allow_private", ()), timeout_s=CALL_S)
        tokens = Tokens(api, config.token_url, config.client_id, secret, refresh)

        def order(key: str) -> dict[str, Any]:
            assert post is not None
            return videos.metadata(post, key, config.category)

        return Channel(config.api_url.rstrip("/"), tokens, order, self._now)


def _config(ctx: ToolContext, account: str) -> YoutubeConfig:
    """Return the plug-in's table; with a channel's own account and token where it has them."""
    config = read_config(YoutubeConfig, ctx.config, PLATFORM.name)
    reference = reference_of(ctx.config, PLATFORM.name, account)
    own = {"account": account, "credentials": reference}
    return config.model_copy(update=own) if reference else config


async def _account_of(publication: Publication, ctx: ToolContext) -> str:
    """Return as whom it was published; a receipt does not say so."""
    if ACCOUNTS not in ctx.config:
        return ""
    rows = await ctx.desk.list_publications(1, publication.post_id + 1)
    return rows[0].account if rows and rows[0].post_id == publication.post_id else ""


async def _marked(channel: Channel, ticket: Ticket, why: str) -> Sent:
    """Return the receipt of our video among the newest; that it is not there proves nothing."""
    found = await channel.find_marked(videos.marker(ticket.key))
    if found is None:
        raise OperatorNeeded(
            f"{why}, and the channel's newest {MAX_LOOK_BACK} videos hold none of it: nobody knows "
            "whether it is out.",
            mend="Look in YouTube Studio, then: bookai outbox resolve",
        )
    return _sent(channel, found, ticket.key)


def _sent(channel: Channel, video: Mapping[str, Any], key: str) -> Sent:
    """Return the receipt, with an alarm when the video is not as it was ordered."""
    video_id = video.get("id")
    if not isinstance(video_id, str) or not video_id:
        raise ToolFailed("YouTube says the upload is complete, but names no video")
    wrong = channel.wrong_with(video, key)
    alarm = f"{wrong}. Set it right: https://studio.youtube.com/video/{video_id}/edit"
    return Sent(
        external_id=video_id,
        url=f"https://www.youtube.com/watch?v={video_id}",
        alarm=alarm if wrong else "",
    )


async def _resumed(ticket: Ticket, files: Files, post: Post) -> Handle | None:
    """Return the session of an earlier attempt, if what it was given are the approved bytes."""
    if ticket.handle is None or ticket.is_restored:
        return None
    handle = Handle.model_validate_json(ticket.handle)
    if not handle.session:
        return None
    prefix = await asyncio.to_thread(resumable.prefix_sha256, files.video, handle.begun)
    if prefix == handle.sha256:
        return handle
    if handle.may_be_complete:
        raise Refused("an earlier attempt sent other bytes than were approved")
    return None


def _utc_now() -> datetime:
    return datetime.now(UTC)


PLATFORM = Youtube(_utc_now)
