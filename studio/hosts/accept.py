"""What a host may have done to a job, and nothing else.

A host is another machine: broken, of another version, or in somebody else's hands. What comes back
is compared with what went out, field by field; whoever is caught gets no second reading.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from bookai.errors import BookAIError
from bookai.models import Article, Capability, Fallback, Script, VideoJob
from graphs.outcomes import FILLED

TRUSTED: tuple[Capability, ...] = ("scout", "write", "render")
"""What a host is given where its settings name nothing: making, but not judging what was made."""

LENDABLE: frozenset[Capability] = frozenset({"scout", "write", "edit", "render", "check", "report"})
"""What can be given to a host at all. Links, and what is approved and published, are put together
at home."""

_ALSO: Mapping[Capability, tuple[str, ...]] = {
    "scout": ("fallbacks",),
    "write": ("review", "fallbacks"),
    "render": ("fallbacks",),
    "check": ("fallbacks",),
}
_MAX_NEW_FALLBACKS = 20
_MAX_WORDS = 500
_PIECE = 1 << 20


class Unacceptable(BookAIError):
    """A host's answer is not what its step may make of a job; another candidate stands in."""

    outcome = "quality"


def accept(capability: Capability, before: VideoJob, text: str, folder: Path) -> VideoJob:
    """Return the job that a host sent back; `folder` is where files of this very job may lie.

    Reads those files: call it outside the event loop.

    Raises:
        Unacceptable: it is no job, another job, or more was changed than this step may change.
    """
    try:
        after = VideoJob.model_validate_json(text)
    except (ValidationError, RecursionError) as error:
        raise Unacceptable("what came back is no job of this version") from error
    _only_own_fields(capability, before, after)
    _new_fallbacks(before.fallbacks, after.fallbacks)
    match capability:
        case "scout":
            _article(after.article)
        case "write":
            if after.review is not None:
                raise Unacceptable("it judged what it wrote itself")
            _spans(after.script, after.article)
        case "render":
            _files(after, folder)
        case _:
            pass
    return after


def _only_own_fields(capability: Capability, before: VideoJob, after: VideoJob) -> None:
    if capability not in LENDABLE:
        raise Unacceptable(f"{capability} is never done on a host")
    may = {*FILLED[capability], *_ALSO.get(capability, ())}
    touched = [
        name
        for name in VideoJob.model_fields
        if name not in may and getattr(before, name) != getattr(after, name)
    ]
    if touched:
        raise Unacceptable(f"{capability} must not change {', '.join(touched)}")
    if missing := [name for name in FILLED[capability] if getattr(after, name) is None]:
        raise Unacceptable(f"it came back without {' and '.join(missing)}")


def _new_fallbacks(before: tuple[Fallback, ...], after: tuple[Fallback, ...]) -> None:
    if after[: len(before)] != before:
        raise Unacceptable("it took back what an operator is to read about earlier steps")
    new = after[len(before) :]
    if len(new) > _MAX_NEW_FALLBACKS:
        raise Unacceptable(f"{len(new)} fallbacks of one step are too many")
    if any(len(word) > _MAX_WORDS for one in new for word in one.model_dump().values()):
        raise Unacceptable(f"a fallback is told in more than {_MAX_WORDS} characters")


def _article(article: Article | None) -> None:
    if article and hashlib.sha256(article.text.encode()).hexdigest() != article.sha256:
        raise Unacceptable("the article's hash is not that of its text")


def _spans(script: Script | None, article: Article | None) -> None:
    length = len(article.text) if article else 0
    for number, line in enumerate(script.lines if script else (), 1):
        if line.span and not line.span.start < line.span.end <= length:
            raise Unacceptable(f"line {number} points outside the article")


def _files(after: VideoJob, folder: Path) -> None:
    """Take only files that lie in the job's own folder and are what the record says."""
    if after.voiceover is not None:
        _inside(after.voiceover.path, folder)
    render = after.render
    if render is None:
        return
    for path, sha256 in (
        (render.video_path, render.sha256),
        (render.thumbnail_path, render.thumbnail_sha256),
        (render.captions_path, render.captions_sha256),
    ):
        if _sha256(_inside(path, folder)) != sha256:
            raise Unacceptable(f"{Path(path).name!r} has not the hash that was told")


def _inside(path: str, folder: Path) -> Path:
    try:
        found, home = Path(path).resolve(strict=True), folder.resolve(strict=True)
    except (OSError, ValueError) as error:
        raise Unacceptable(f"there is no file {path[-100:]!r} here") from error
    if not found.is_file() or not found.is_relative_to(home):
        raise Unacceptable(f"{path[-100:]!r} lies outside the job's own folder")
    return found


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
