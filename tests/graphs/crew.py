"""Agents for tests of the graph: each does its step with small records and counts its runs."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from agents.base import Agent, Channel, Context
from bookai.db.pool import Pool
from bookai.models import (
    Article,
    Capability,
    CheckReport,
    Finding,
    Flags,
    Line,
    OfferChoice,
    Post,
    Publication,
    Record,
    Render,
    Report,
    Review,
    Script,
    Span,
    Trend,
    VideoJob,
    Voiceover,
)
from bookai.router import STEPS
from graphs.members import on_duty
from graphs.steps import Crew, IsOurs, MakeContext, Progress

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ALL: frozenset[Capability] = frozenset(
    {"scout", "write", "edit", "match_offers", "render", "check", "package", "publish", "report"}
)

ARTICLE = Article(
    url="https://example.org/a",
    title="A title",
    publisher="Example",
    text="One sentence.",
    language="en",
    sha256="0" * 64,
    fetched_at=NOW,
)
SCRIPT = Script(
    title="A title",
    lines=(Line(text="One sentence.", kind="hook", span=Span(start=0, end=13)),),
    language="en",
    draft_kind="extractive",
    writer="test",
    seconds_est=20,
)
RENDER = Render(
    video_path="/v.mp4",
    thumbnail_path="/t.jpg",
    captions_path="/c.vtt",
    sha256="1" * 64,
    thumbnail_sha256="2" * 64,
    captions_sha256="3" * 64,
    size_bytes=1,
    duration_s=20,
    width=1080,
    height=1920,
    fps=30,
    encoder="test",
    encoder_reason="test",
)
POST = Post(
    platform="gallery",
    account="local",
    title="A title",
    caption="One sentence.",
    hashtags=(),
    flags=Flags(),
    source_url=ARTICLE.url,
    source_credit="Example",
    language="en",
    video_sha256=RENDER.sha256,
    thumbnail_sha256=RENDER.thumbnail_sha256,
    captions_sha256="3" * 64,
    transcript="One sentence.",
)
PUBLICATION = Publication(
    post_id=1, platform="gallery", url="file:///p", external_id="p", published_at=NOW
)


def review(verdict: str, reason: str = "too long") -> Review:
    findings = (Finding(check="length", ok=verdict == "accept", detail=reason),)
    return Review.model_validate({"verdict": verdict, "findings": findings})


RESULTS: dict[Capability, dict[str, Record]] = {
    "scout": {
        "trend": Trend(title="A title", url=ARTICLE.url, score=1, reasons=("you chose it",)),
        "article": ARTICLE,
    },
    "write": {"script": SCRIPT},
    "edit": {"review": review("accept")},
    "match_offers": {"offer": OfferChoice(offer=None, reason="nothing fits")},
    "render": {
        "voiceover": Voiceover(
            path="/v.wav", words=(), duration_s=20, voice="v", language="en", sample_rate=48000
        ),
        "render": RENDER,
    },
    "check": {"check": CheckReport(ok=True, findings=())},
    "package": {"post": POST},
    "publish": {"publication": PUBLICATION},
    "report": {"report": Report(views=None, note="counts nothing")},
}


GREEDY = replace(STEPS, explore=0.0)
"""The router without luck: of equals, whoever joined first."""


def no_context(
    agent: str, job: VideoJob, progress: Progress, is_ours: IsOurs, until: float
) -> Context:
    """For agents that use neither tools nor models."""
    del agent, job, is_ours, until
    return Context(None, None, Channel(), NOW, progress)  # type: ignore[arg-type] # not used


def crew(
    pool: Pool,
    *agents: Agent,
    clock: Callable[[], float] = time.time,
    make_context: MakeContext = no_context,
) -> Crew:
    """Return a crew of these agents whose router draws no lots."""
    return Crew(on_duty(agents, clock, Random(0), params=GREEDY), pool, make_context)


class Hand(Agent):
    """Does every step; `runs` counts them. Subclasses change one answer."""

    name = "hand"
    capabilities = ALL

    def __init__(self, name: str = "hand", capabilities: frozenset[Capability] = ALL) -> None:
        self.name = name
        self.capabilities = capabilities
        self.runs: Counter[str] = Counter()

    async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
        self.runs[capability] += 1
        return job.model_copy(update=dict(await self.answer(capability, job)))

    async def answer(self, capability: Capability, job: VideoJob) -> dict[str, Record]:
        return RESULTS[capability]
