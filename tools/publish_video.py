import asyncio
import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import Field

from bookai.errors import Refused
from bookai.models import Post, Publication
from tools.base import Tool, ToolContext
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
    await ctx.progress(0.05, "checking that the files are those that were approved")
    files = Files(
        video=await _verified(ctx, job_id, video_path, post.video_sha256),
        thumbnail=await _verified(ctx, job_id, thumbnail_path, post.thumbnail_sha256),
        captions=await _verified(ctx, job_id, captions_path, post.captions_sha256),
    )
    armed = await ctx.desk.arm_post(job_id, post)
    if armed.publication is not None:
        return armed.publication
    if armed.state == "unknown":
        # A process died between sending and the receipt: ask before anything is sent again.
        found = await platform.find(armed.key, ctx)
        if found is not None:
            return await ctx.desk.mark_posted(armed.post_id, found.external_id, found.url)
        reason = f"{post.platform} knows nothing of it"
        await ctx.desk.mark_not_posted(armed.post_id, reason)
        armed = await ctx.desk.arm_post(job_id, post)
    await ctx.progress(0.2, f"publishing on {post.platform}")
    await ctx.desk.mark_sending(armed.post_id)
    try:
        sent = await platform.send(post, files, armed.key, ctx)
    except NotSent as error:
        await ctx.desk.mark_not_posted(armed.post_id, str(error))
        raise error.cause from error
    return await ctx.desk.mark_posted(armed.post_id, sent.external_id, sent.url)


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
            f"Make it again and approve that: bookai make --resume {job_id}"
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
