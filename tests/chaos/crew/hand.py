"""The harness's one agent: real tools and real bytes, but media of a few bytes instead of a film.

It stands in the folder of the agents while a run lasts. What goes out is prepared, published and
read back by the real publisher.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from agents.base import Agent, Context
from agents.publisher import AGENT as PUBLISHER
from bookai.errors import ToolFailed
from bookai.models import (
    Article,
    Capability,
    CheckReport,
    Finding,
    Line,
    Offer,
    OfferChoice,
    OfferList,
    Record,
    Render,
    Review,
    Script,
    Span,
    Trend,
    VideoJob,
    Voiceover,
)
from tools.ffmpeg.runner import run_ffmpeg

ENCODE_S = 3.0
_REAL: frozenset[Capability] = frozenset({"package", "publish", "report"})
_TEXT = "One sentence about clocks. Another sentence about seconds."


class Hand(Agent):
    """Does every step. `work_dir`, `encoder` and `is_stubborn` are set by the process it is in."""

    name = "hand"
    capabilities: frozenset[Capability] = _REAL | {
        *("scout", "write", "edit", "match_offers", "render", "check"),
    }
    work_dir = Path()
    encoder = Path()

    def __init__(self) -> None:
        self.is_stubborn: Callable[[str], bool] = lambda _seam: False

    async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
        if capability in _REAL:
            return await PUBLISHER.run(capability, job, ctx)
        await ctx.progress(0.5, capability)
        return job.model_copy(update=dict(await self._answer(capability, job, ctx)))

    async def _answer(
        self, capability: Capability, job: VideoJob, ctx: Context
    ) -> dict[str, Record]:
        match capability:
            case "scout":
                return _found(job, ctx)
            case "write":
                return {"script": _script(job)}
            case "edit":
                return {"review": Review(verdict="accept", findings=(_fine("length"),))}
            case "match_offers":
                return {"offer": await _offer(job, ctx)}
            case "render":
                return await self._render(job)
            case _:
                return {"check": self._check(job)}

    async def _render(self, job: VideoJob) -> dict[str, Record]:
        folder = self.work_dir / str(job.job_id)
        folder.mkdir(parents=True, exist_ok=True)
        video = folder / "video.mp4"
        part = video.with_suffix(".part")
        how = "stubborn" if self.is_stubborn("child.encode") else f"film of job {job.job_id}"
        try:
            await run_ffmpeg([how, str(part)], binary=self.encoder, timeout_s=ENCODE_S)
            part.replace(video)
        except OSError as error:
            raise ToolFailed(f"{video.name} cannot be kept: {error.strerror}") from error
        for name in ("thumb.jpg", "captions.vtt"):
            _write(folder / name, f"{name} of job {job.job_id}")
        voice = Voiceover(
            path=str(folder / "voice.wav"), words=(), duration_s=20, voice="v", language="en",
            sample_rate=48000,
        )  # fmt: skip
        return {"voiceover": voice, "render": _rendered(folder)}

    def _check(self, job: VideoJob) -> CheckReport:
        assert job.render is not None
        is_same = _rendered(Path(job.render.video_path).parent) == job.render
        return CheckReport(ok=is_same, findings=(Finding(check="bytes", ok=is_same),))


def _found(job: VideoJob, ctx: Context) -> dict[str, Record]:
    url = f"https://example.org/{job.job_id}"
    article = Article(
        url=url, title=_title(job), publisher="Example", text=_TEXT, language="en",
        sha256=hashlib.sha256(_TEXT.encode()).hexdigest(), fetched_at=ctx.now,
    )  # fmt: skip
    trend = Trend(title=_title(job), url=url, score=1, reasons=("you chose it",))
    return {"trend": trend, "article": article}


def _script(job: VideoJob) -> Script:
    line = Line(text=_TEXT, kind="hook", span=Span(start=0, end=len(_TEXT)))
    return Script(
        title=_title(job), lines=(line,), language="en", draft_kind="extractive", writer="hand",
        seconds_est=20,
    )  # fmt: skip


async def _offer(job: VideoJob, ctx: Context) -> OfferChoice:
    if "offer" not in job.source:
        return OfferChoice(offer=None, reason="nothing fits")
    offers = (await ctx.tools.call("list_offers", OfferList)).offers
    product = offers[job.job_id % len(offers)].product_id
    offer = await ctx.tools.call("make_link", Offer, job_id=job.job_id, product_id=product)
    return OfferChoice(offer=offer, reason="it fits", disclosure="Ad: we may earn a commission.")


def _rendered(folder: Path) -> Render:
    video, thumb, captions = (folder / n for n in ("video.mp4", "thumb.jpg", "captions.vtt"))
    return Render(
        video_path=str(video), thumbnail_path=str(thumb), captions_path=str(captions),
        sha256=_sha256(video), thumbnail_sha256=_sha256(thumb), captions_sha256=_sha256(captions),
        size_bytes=video.stat().st_size, duration_s=20, width=1080, height=1920, fps=30,
        encoder="test", encoder_reason="test",
    )  # fmt: skip


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise ToolFailed(f"{path.name} cannot be written: {error.strerror}") from error


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fine(check: str) -> Finding:
    return Finding(check=check, ok=True)


def _title(job: VideoJob) -> str:
    return f"Clocks of job {job.job_id}"


AGENT = Hand()
