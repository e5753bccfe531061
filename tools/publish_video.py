import asyncio
import hashlib
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field

from bookai.errors import BookAIError, NotYet, OperatorNeeded, Refused, TryLater
from bookai.models import NotPosted, Post, Publication
from tools.base import Armed, Tool, ToolContext
from tools.media.paths import inside
from tools.platforms.base import (
    Files,
    LeaseLost,
    NotSent,
    Platform,
    Sent,
    Ticket,
    platforms,
    rest_if_told,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")

# A third of the lease: two beats may get lost.
BEAT_S = 5.0
# A yes about the lease is worth nothing later than this; well under the lease itself.
FRESH_S = 5.0
# Where there is one, a clock that goes on while the machine sleeps.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_PATH = Field(max_length=4096, description="A file in the job's folder.")


async def publish_video(
    ctx: ToolContext,
    job_id: Annotated[int, Field(ge=1, description="The job that was approved.")],
    post: Annotated[Post, Field(description="Exactly what the operator approved.")],
    video_path: Annotated[str, _PATH],
    thumbnail_path: Annotated[str, _PATH],
    captions_path: Annotated[str, _PATH],
) -> Publication:
    """Publish an approved post, once; asked again, return the receipt of the first time.

    Use it only after an operator approved this very post: the approval is bound to its bytes, and
    any difference is refused. Do not use it to look whether something is out (use
    list_publications).
    """
    platform = _platform(post.platform)
    _refuse_hidden_ad(platform, post)
    _refuse_other_viewers(platform, post)
    await ctx.progress(0.05, "looking whether it is out already")
    armed = await _claim(ctx, platform, job_id, post)
    if armed.publication is not None:
        return armed.publication
    attempt = _Attempt(ctx, platform, post, armed)
    await ctx.progress(0.1, "checking that the files are those that were approved")
    try:
        files = Files(
            video=await _verified(ctx, job_id, video_path, post.video_sha256),
            thumbnail=await _verified(ctx, job_id, thumbnail_path, post.thumbnail_sha256),
            captions=await _verified(ctx, job_id, captions_path, post.captions_sha256),
        )
    except Refused as error:
        await attempt.give_up(NotPosted(reason=str(error)))
        raise
    await ctx.progress(0.2, f"publishing on {post.platform}")
    return await attempt.send(files)


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"[-200:]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One try to send one armed post, under a lease that it prolongs while it works."""

    ctx: ToolContext
    platform: Platform
    post: Post
    armed: Armed
    owner: str = field(default_factory=_owner)

    async def send(self, files: Files) -> Publication:
        """Send and write down how it ended; what is not certain is unknown, never failed."""
        try:
            return await self._send(files)
        except BookAIError:
            raise
        except Exception as error:
            # A door: whatever broke, the database's answer or a file, the outcome is open, and
            # the next attempt asks the platform.
            logger.exception(
                "Post %s broke off", self.armed.post_id, extra={"action": "post_broke_off"}
            )
            why = f"sending post {self.armed.post_id} broke off ({type(error).__name__})"
            await self._leave_open(why)
            raise TryLater(f"{why}; see the studio's log.", after_s=20) from error

    async def _send(self, files: Files) -> Publication:
        armed = self.armed
        await self.ctx.desk.mark_sending(armed.post_id, armed.attempt, self.owner)
        ticket = Ticket(armed.key, armed.armed_at, armed.handle, self._hold)
        work = self.platform.send(self.post, files, ticket, self.ctx)
        try:
            sent = await _while_beating(work, self._hold)
        except LeaseLost:
            raise
        except NotSent as error:
            # First of all: another post of the account may be about to go out.
            await rest_if_told(error.cause, armed.post_id, self.ctx)
            raise await self._not_sent(error.cause) from error
        except BookAIError as error:
            await rest_if_told(error, armed.post_id, self.ctx)
            await self.ctx.desk.mark_unknown(
                armed.post_id, armed.attempt, str(error) or "no reason given"
            )
            raise
        return await _receive(self.ctx, armed, sent)

    async def _hold(self, handle: str | None = None) -> None:
        """Prolong the lease and keep `handle`; raises `LeaseLost`."""
        armed, is_fresh = self.armed, False
        while not is_fresh:
            asked_at = time.clock_gettime(_CLOCK)
            if not await self.ctx.desk.keep_sending(
                armed.post_id, armed.attempt, self.owner, handle
            ):
                raise LeaseLost(
                    f"post {armed.post_id} was taken over by another process: attempt "
                    f"{armed.attempt} stopped."
                )
            # A process that was frozen with the yes in its hands would send on an old word.
            is_fresh = time.clock_gettime(_CLOCK) - asked_at < FRESH_S

    async def _leave_open(self, why: str) -> None:
        """Note that it may be out; where even that fails, the house-keeping notes it later."""
        try:
            await self.ctx.desk.mark_unknown(self.armed.post_id, self.armed.attempt, why)
        except Exception:
            logger.exception("Post %s stays open", self.armed.post_id)

    async def give_up(self, why: NotPosted) -> float | None:
        """Note that certainly nothing went out."""
        return await self.ctx.desk.mark_not_posted(
            self.armed.post_id, self.armed.attempt, why, self.owner
        )

    async def _not_sent(self, cause: BookAIError) -> BookAIError:
        """Note why, and return what the caller shall see: when to come again, or whom to ask."""
        why = str(cause) or type(cause).__name__
        match cause:
            case Refused():
                again = NotPosted(reason=why, again="never")
            case OperatorNeeded():
                again = NotPosted(reason=why)
            case TryLater():
                again = NotPosted(reason=why, again="later", after_s=cause.after_s)
            case _:
                again = NotPosted(reason=why, again="later")
        after_s = await self.give_up(again)
        if after_s is None and not isinstance(cause, Refused):
            return OperatorNeeded(
                f"{self.post.platform} was tried too often: {why}",
                mend=f"When that is mended: bookai outbox replay {self.armed.post_id}",
            )
        return NotYet(why, after_s=after_s) if after_s else cause


async def _while_beating(
    work: Coroutine[Any, Any, T], hold: Callable[[], Coroutine[Any, Any, None]]
) -> T:
    """Run `work` and prolong the lease meanwhile; when the lease is lost, `work` is stopped."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await hold()

    try:
        async with asyncio.TaskGroup() as group:
            heart = group.create_task(beat())
            try:
                return await work
            finally:
                heart.cancel()
    except ExceptionGroup as group:
        # One error is the rule; a lost lease comes before whatever it brought about.
        raise group.exceptions[0] from group.exceptions[0].__cause__


async def _claim(ctx: ToolContext, platform: Platform, job_id: int, post: Post) -> Armed:
    """Return the right to send this post, or the receipt of it when it is out already."""
    armed = await ctx.desk.arm_post(job_id, post)
    if armed.state != "unknown":
        return armed
    # A process died between sending and the receipt: ask before anything is sent again. The
    # receipt is owed however late it is; a new send needs an approval that still holds.
    found = await _witness(ctx, platform, post, armed)
    if found is not None:
        await _receive(ctx, armed, found)
        # Asked once more: what was sent then may be another post than this one.
        return await ctx.desk.arm_post(job_id, post)
    nothing = NotPosted(reason=f"{post.platform} knows nothing of it")
    await ctx.desk.mark_not_posted(armed.post_id, armed.attempt, nothing)
    await ctx.desk.check_approved(job_id, post.digest())
    return await ctx.desk.arm_post(job_id, post)


async def _witness(ctx: ToolContext, platform: Platform, post: Post, armed: Armed) -> Sent | None:
    """Ask the platform what became of a post whose outcome is unknown.

    Raises:
        NotYet: it tells the account to wait, which then rests.
        OperatorNeeded: this platform has no witness, or none for what a restored studio knows
            nothing of: only a person can look.
    """

    async def hold(_handle: str | None) -> None:
        """Nothing is sent while somebody only looks."""

    ticket = Ticket(armed.key, armed.armed_at, armed.handle, hold)
    is_blind = ticket.is_restored and not platform.finds_restored
    if platform.resend == "ask_operator" or is_blind:
        raise OperatorNeeded(
            f"it is not known whether post {armed.post_id} is out on {post.platform!r} as "
            f"{post.account!r}, and nobody but you can look there. It is not sent again.",
            mend=f"Look, then: bookai outbox resolve {armed.post_id} --posted --id … --url … "
            f"or bookai outbox resolve {armed.post_id} --not-posted --reason …",
        )
    try:
        return await platform.find(post, ticket, ctx)
    except NotYet as error:
        await rest_if_told(error, armed.post_id, ctx)
        raise


async def _receive(ctx: ToolContext, armed: Armed, sent: Sent) -> Publication:
    """Write the receipt down first; then an alarm, if there is one, goes to the operator."""
    receipt = await ctx.desk.mark_posted(
        armed.post_id, sent.external_id, sent.url, attempt=armed.attempt
    )
    if sent.alarm:
        raise OperatorNeeded(f"the post is out at {sent.url}, but {sent.alarm}")
    return receipt


def _refuse_hidden_ad(platform: Platform, post: Post) -> None:
    """Refuse a link that earns without its disclosure: the last of three locks.

    Refuse as well what this platform cannot tell its viewers.
    """
    has_offer = bool(post.offer_name or post.offer_url)
    if has_offer and not (post.disclosure.strip() and post.flags.paid_promotion):
        raise Refused(
            f"the post offers {post.offer_name!r} without saying that this is an ad: a disclosure "
            "and the paid-promotion flag are needed. Package the video again."
        )
    for fact, is_so in post.flags.model_dump().items():
        if is_so and platform.shows.get(fact, "refused") == "refused":
            raise Refused(
                f"{post.platform!r} has no way to tell viewers {fact.replace('_', ' ')!r}: nothing "
                "goes there. Choose another platform for the channel."
            )


def _refuse_other_viewers(platform: Platform, post: Post) -> None:
    """Refuse what would be seen by others than was approved."""
    if post.visibility and post.visibility not in platform.sees:
        raise Refused(
            f"{post.platform!r} knows no {post.visibility!r} posts: nothing goes there. "
            "Correct visibility of the channel in studio.toml and make the video again."
        )
    if post.made_for_kids and not platform.knows_kids:
        raise Refused(
            f"{post.platform!r} has no way to tell that a video is made for kids: nothing goes "
            "there. Choose another platform for the channel."
        )


def _platform(name: str) -> Platform:
    known = platforms()
    if name not in known:
        raise Refused(f"there is no platform {name!r}; known: {', '.join(sorted(known))}.")
    return known[name]


async def _verified(ctx: ToolContext, job_id: int, path: str, sha256: str) -> Path:
    found = inside(ctx.work_dir, job_id, path)
    try:
        digest = await asyncio.to_thread(_sha256, found)
    except OSError as error:
        raise Refused(f"{found.name} cannot be read any more: {error.strerror}.") from error
    if digest != sha256:
        raise Refused(
            f"{found.name} of job {job_id} changed after it was approved: its SHA-256 is "
            f"{digest[:12]}…, {sha256[:12]}… was approved. Nothing was published. "
            "Make a new video of the source and approve that: bookai make"
        )
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


TOOL = Tool(
    run=publish_video,
    title="Publish a video",
    scope="agent",
    timeout_s=300,
    needs_approval=True,
    destructive=True,
    open_world=True,
)
