from collections.abc import Awaitable, Callable, Iterable

from agents.base import Agent, Channel, Context
from bookai.channels.phrases import banned_in
from bookai.errors import OperatorNeeded, Refused
from bookai.film.material import Material
from bookai.film.shots import Swap, Wishes
from bookai.metrics import FALLBACKS
from bookai.models import (
    Article,
    Capability,
    CheckReport,
    Fallback,
    Finding,
    Line,
    Origin,
    Render,
    Review,
    Script,
    VideoJob,
    Voiceover,
)
from bookai.text.grounding import (
    in_order_share,
    sayable_dates,
    shared_share,
    turned,
    unsupported,
    without_attribution,
)
from bookai.text.language import detect
from bookai.text.readability import grade, repeated
from bookai.text.safety import orders, unsafe
from bookai.text.verbs import has_finite_verb

SHORTEST_S, LONGEST_S = 20.0, 45.0
LONGEST_LINE = 36
EASY_GRADE = 9.0
# Extracted lines are the source's words in its order; of a model's, the content words count.
EXTRACTED_SHARE, MODEL_SHARE = 0.9, 0.5
SURE = 0.9
MAX_EDITS = 2
# No rewrite mends these: the source or the channel is the wrong one.
FINAL = frozenset({"language"})
# The voice is a small part of the time that voice and picture take together.
VOICE_SHARE = 0.1
# How the tool names music that it made itself.
OWN_MUSIC = "synthesised by this program"
LONGEST_CREDIT = 200


class Editor(Agent):
    name = "editor"
    capabilities: frozenset[Capability] = frozenset({"edit", "render", "check"})

    async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
        match capability:
            case "edit":
                return _edit(job, ctx.channel)
            case "render":
                return await _render(job, ctx)
            case "check":
                return await _check(job, ctx)
            case _:
                raise Refused(f"the editor does not {capability}")


def _edit(job: VideoJob, channel: Channel) -> VideoJob:
    script, article = job.script, job.article
    if script is None or article is None:
        raise Refused(f"job {job.job_id} has no script to edit; write first")
    return job.model_copy(update={"review": review(script, article, channel, job.edits)})


def review(script: Script, article: Article, channel: Channel, edits: int = 0) -> Review:
    """Judge a script against its source and its channel, one finding a check.

    Wrong is sent back to the writer, at most twice; what no rewrite mends is refused at once.
    """
    findings = (
        _length(script),
        _lines(script),
        _readability(script),
        _language(script, channel),
        *(_grounding(number, line, script, article) for number, line in _claims(script)),
        _repetition(script),
        _banned(script, channel),
        *(_safety(number, line) for number, line in enumerate(script.lines, 1)),
        *(_orders(number, line) for number, line in enumerate(script.lines, 1)),
    )
    failed = {finding.check for finding in findings if not finding.ok}
    if not failed:
        return Review(verdict="accept", findings=findings)
    if edits >= MAX_EDITS or failed & FINAL:
        return Review(verdict="refuse", findings=findings)
    return Review(verdict="send_back", findings=findings)


def _claims(script: Script) -> Iterable[tuple[int, Line]]:
    """Yield the lines that claim something, numbered as a person counts."""
    said = ("hook", "beat", "quote")
    return ((number, line) for number, line in enumerate(script.lines, 1) if line.kind in said)


def _length(script: Script) -> Finding:
    words = len(script.text.split())
    return Finding(
        check="length",
        ok=SHORTEST_S <= script.seconds_est <= LONGEST_S,
        detail=f"{script.seconds_est:.0f} s and {words} words "
        f"(limit {SHORTEST_S:.0f} to {LONGEST_S:.0f} s)",
    )


def _lines(script: Script) -> Finding:
    """Check that every line is a whole sentence that one breath can say."""
    for line in script.lines:
        count = len(line.text.split())
        if count > LONGEST_LINE:
            detail = f"{count} words in one line (limit {LONGEST_LINE}): {line.text!r}"
            return Finding(check="sentences", ok=False, detail=detail)
        # Extraction may catch a caption. The test misses rare verbs: a model's line is not judged.
        extracted = script.draft_kind == "extractive" and line.kind == "beat"
        if extracted and not has_finite_verb(line.text):
            return Finding(check="sentences", ok=False, detail=f"no sentence: {line.text!r}")
    return Finding(check="sentences", ok=True, detail=f"{len(script.lines)} whole sentences")


def _readability(script: Script) -> Finding:
    """Tell the grade; a hard text is worth knowing, not a reason to stop."""
    found = grade(script.text)
    wish = f", more than the {EASY_GRADE:.0f} wanted" if found > EASY_GRADE else ""
    return Finding(check="readability", ok=True, detail=f"school grade {found:.1f}{wish}")


def _language(script: Script, channel: Channel) -> Finding:
    heard = detect(script.text)
    wrong = heard is not None and heard.language != channel.language and heard.probability > SURE
    sounds = f", sounds like {heard.language!r}" if heard and wrong else ""
    return Finding(
        check="language",
        ok=script.language == channel.language and not wrong,
        detail=f"{script.language!r}{sounds}; the channel speaks {channel.language!r}",
    )


def _grounding(number: int, line: Line, script: Script, article: Article) -> Finding:
    check = f"grounding of line {number}"
    if line.span is None:
        return Finding(check=check, ok=False, detail=f"no source for it: {line.text!r}")
    source = article.text[line.span.start : line.span.end]
    said = without_attribution(line.text, article.publisher)
    published = article.published_at.date() if article.published_at else None
    dates = sayable_dates(source, published)
    # A hook may join what the headline and the whole text say; a beat has its one sentence.
    ground = f"{article.title} {article.text}" if line.kind == "hook" else source
    problems = list(unsupported(said, ground, also=dates))
    if line.kind != "hook" and (negation := turned(said, source)):
        problems.append(f"a changed sense: it {negation}")
    share, limit = _shares(said, ground, dates, script)
    if share < limit and line.kind != "hook":
        problems.append(f"{1 - share:.0%} of its words")
    detail = f"{share:.0%} of its words are the source's"
    if problems:
        detail = f"the source does not say {', '.join(problems)}: {line.text!r}"
    return Finding(check=check, ok=not problems, detail=detail)


def _shares(said: str, ground: str, dates: str, script: Script) -> tuple[float, float]:
    """Return how much of a line is its source's, and how much must be."""
    if script.draft_kind == "extractive":
        share = max(in_order_share(said, text) for text in (ground, dates))
        return share, EXTRACTED_SHARE
    return shared_share(said, f"{ground} {dates}"), MODEL_SHARE


def _repetition(script: Script) -> Finding:
    found = repeated(tuple(line.text for line in script.lines))
    detail = f"said twice: {found!r}" if found else "no line is said twice"
    return Finding(check="repetition", ok=found is None, detail=detail)


def _banned(script: Script, channel: Channel) -> Finding:
    for line in (script.title, *(line.text for line in script.lines)):
        phrase = banned_in(line, channel.banned_phrases)
        if phrase is not None:
            detail = f"{phrase!r} is banned on {channel.name!r}: {line!r}"
            return Finding(check="banned phrases", ok=False, detail=detail)
    return Finding(check="banned phrases", ok=True, detail="none of the channel's")


def _safety(number: int, line: Line) -> Finding:
    found = unsafe(line.text)
    detail = f"it would say {found}: {line.text!r}" if found else "nothing that is not said"
    return Finding(check=f"safety of line {number}", ok=found is None, detail=detail)


def _orders(number: int, line: Line) -> Finding:
    found = orders(line.text)
    detail = f"it gives orders to a machine: {line.text!r}" if found else "no orders to a machine"
    return Finding(check=f"orders in line {number}", ok=found is None, detail=detail)


async def _render(job: VideoJob, ctx: Context) -> VideoJob:
    script, article = job.script, job.article
    if script is None or article is None:
        raise Refused(f"job {job.job_id} has no script to speak; write first")
    await ctx.progress(0.0, "recording the voice")
    voiceover = await ctx.tools.acting(
        AGENT.name, job.job_id, _part(ctx.progress, 0.0, VOICE_SHARE)
    ).call("speak", Voiceover, job_id=job.job_id, script=script, voice=ctx.channel.voice)
    await ctx.progress(VOICE_SHARE, f"voice recorded, {voiceover.duration_s:.0f} s")
    render = await ctx.tools.acting(
        AGENT.name, job.job_id, _part(ctx.progress, VOICE_SHARE, 1.0)
    ).call(
        "render_video",
        Render,
        job_id=job.job_id,
        script=script,
        voiceover=voiceover,
        brand=ctx.channel.brand,
        credit=_credit(article, voiceover),
        disclosure=_disclosure(job),
        origin=Origin(source_url=article.url, article_sha256=article.sha256),
        material=Material(source=article.text),
        kit=ctx.channel.kit,
        wishes=Wishes(swaps=tuple(Swap(line=line, kind=kind) for line, kind in job.swaps.items())),
    )
    fallbacks = (*job.fallbacks, *_voice_fallback(voiceover, job), *_encoder_fallback(render, job))
    return job.model_copy(update={"voiceover": voiceover, "render": render, "fallbacks": fallbacks})


def _credit(article: Article, voiceover: Voiceover) -> str:
    """Return what the end card thanks: the source, and music of others with its licence."""
    source = f"Source: {article.publisher}"
    if not voiceover.music or voiceover.music.startswith(OWN_MUSIC):
        return source
    whole = f"{source} · Music: {voiceover.music}"
    if len(whole) > LONGEST_CREDIT:
        raise OperatorNeeded(
            f"The credit has {len(whole)} characters and is never cut (limit {LONGEST_CREDIT}).",
            mend="Shorten music_licence in [plugins.speak] of studio.toml.",
        )
    return whole


async def _check(job: VideoJob, ctx: Context) -> VideoJob:
    if job.script is None or job.voiceover is None or job.render is None:
        raise Refused(f"job {job.job_id} has no video to check; render first")
    report = await ctx.tools.call(
        "check_video",
        CheckReport,
        job_id=job.job_id,
        render=job.render,
        script=job.script,
        voiceover=job.voiceover,
        disclosure=_disclosure(job),
        platform=ctx.channel.platform,
    )
    if not report.ok:
        failed = "; ".join(f"{one.check}: {one.detail}" for one in report.findings if not one.ok)
        raise Refused(f"the finished video fails its check: {failed}")
    return job.model_copy(update={"check": report})


def _voice_fallback(voiceover: Voiceover, job: VideoJob) -> tuple[Fallback, ...]:
    fallback = voiceover.fallback
    if fallback is None or fallback in job.fallbacks:
        return ()
    FALLBACKS.labels(fallback.what).inc()
    return (fallback,)


def _encoder_fallback(render: Render, job: VideoJob) -> tuple[Fallback, ...]:
    """Say that the CPU encoded, once; ffmpeg's encoders in software are named lib-something."""
    if not render.encoder.startswith("lib"):
        return ()
    fallback = Fallback(
        what="video encoder",
        wanted="a hardware encoder",
        used=render.encoder,
        why=render.encoder_reason,
    )
    if fallback in job.fallbacks:
        return ()
    FALLBACKS.labels(fallback.what).inc()
    return (fallback,)


def _disclosure(job: VideoJob) -> str:
    return job.offer.disclosure if job.offer and job.offer.offer else ""


def _part(
    whole: Callable[[float, str], Awaitable[None]], begin: float, end: float
) -> Callable[[float, str], Awaitable[None]]:
    """Return a progress of one part: its 0 to 1 is `begin` to `end` of the whole."""

    async def report(fraction: float, message: str) -> None:
        await whole(begin + (end - begin) * max(0.0, min(1.0, fraction)), message)

    return report


AGENT = Editor()
