import asyncio
import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import Field

from bookai.errors import Refused
from bookai.models import Post, Publication
from tools.base import Armed, Tool, ToolContext
from tools.media.paths import inside
from tools.platforms.base import Files, NotSent, Platform, platforms

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
    _refuse_hidden_ad(post)
    await ctx.progress(0.05, "looking whether it is out already")
    claim = await _claim(ctx, platform, job_id, post)
    if claim.publication is not None:
        return claim.publication
    await ctx.progress(0.1, "checking that the files are those that were approved")
    try:
        files = Files(
            video=await _verified(ctx, job_id, video_path, post.video_sha256),
            thumbnail=await _verified(ctx, job_id, thumbnail_path, post.thumbnail_sha256),
            captions=await _verified(ctx, job_id, captions_path, post.captions_sha256),
        )
    except Refused as error:
        await ctx.desk.mark_not_posted(claim.post_id, str(error))
        raise
    await ctx.progress(0.2, f"publishing on {post.platform}")
    await ctx.desk.mark_sending(claim.post_id)
    try:
        sent = await platform.send(post, files, claim.key, ctx)
    except NotSent as error:
        await ctx.desk.mark_not_posted(claim.post_id, str(error))
        raise error.cause from error
    return await ctx.desk.mark_posted(claim.post_id, sent.external_id, sent.url)


async def _claim(ctx: ToolContext, platform: Platform, job_id: int, post: Post) -> Armed:
    """Return the right to send this post, or the receipt of it when it is out already."""
    armed = await ctx.desk.arm_post(job_id, post)
    if armed.state != "unknown":
        return armed
    # A process died between sending and the receipt: ask before anything is sent again. The
    # receipt is owed however late it is; a new send needs an approval that still holds.
    found = await platform.find(armed.key, ctx)
    if found is not None:
        receipt = await ctx.desk.mark_posted(armed.post_id, found.external_id, found.url)
        return armed.model_copy(update={"state": "posted", "publication": receipt})
    await ctx.desk.mark_not_posted(armed.post_id, f"{post.platform} knows nothing of it")
    await ctx.desk.check_approved(job_id, post.digest())
    return await ctx.desk.arm_post(job_id, post)


def _refuse_hidden_ad(post: Post) -> None:
    """Refuse a link that earns without its disclosure: the last of three locks."""
    if not (post.offer_name or post.offer_url):
        return
    if not post.disclosure.strip() or not post.flags.paid_promotion:
        raise Refused(
            f"the post offers {post.offer_name!r} without saying that this is an ad: a disclosure "
            "and the paid-promotion flag are needed. Package the video again."
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
            f"{found.name} of job {job_id} changed after it was approved: nothing was published. "
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
