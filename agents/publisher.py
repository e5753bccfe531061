import re
from collections import Counter

from agents.base import Agent, Channel, Context
from bookai.channels.phrases import banned_in
from bookai.errors import BookAIError, Refused
from bookai.models import (
    Article,
    Capability,
    Flags,
    Offer,
    Post,
    Publication,
    Report,
    Script,
    VideoJob,
    Visibility,
)
from bookai.text.words import FUNCTION_WORDS, words

MAX_TITLE = 100
MAX_TOLD = 400
MAX_SENTENCES = 3
MAX_TAGS = 6
MIN_TAGS = 3
SHORTEST_TAG = 4
LONGEST_TAG = 24
MAX_CREDIT = 200
SIMULATED = "SIMULATED in a rehearsal of the studio; nothing of this was published."

SOURCE = {
    "en": "Source",
    "de": "Quelle",
    "fr": "Source",
    "es": "Fuente",
    "it": "Fonte",
    "pt": "Fonte",
}
# Endings of English verbs and adverbs: as a hashtag they say nothing.
_NO_NOUN = re.compile(r".*(?:ing|ed|ly|ize|ise|ous|ful|ive)")
# What a headline is full of and no viewer looks for.
_HOLLOW = frozenset(
    {
        *(
            "away",
            "back",
            "best",
            "better",
            "does",
            "find",
            "finds",
            "good",
            "here",
            "long",
            "look",
        ),
        *(
            "news",
            "people",
            "really",
            "report",
            "scientist",
            "scientists",
            "study",
            "tell",
            "tells",
        ),
        *("thing", "things", "today", "tomorrow", "week", "work", "world", "year", "years"),
        *("against", "again", "almost", "around", "retire", "retires", "drop", "drops", "turn"),
    }
)


class Publisher(Agent):
    """Prepares exactly what an operator approves, publishes exactly that, and reads what came."""

    name = "publisher"
    capabilities: frozenset[Capability] = frozenset({"package", "publish", "report"})

    async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
        match capability:
            case "package":
                return _package(job, ctx)
            case "publish":
                return await _publish(job, ctx)
            case _:
                return await _report(job, ctx)


def _package(job: VideoJob, ctx: Context) -> VideoJob:
    script, article, render = job.script, job.article, job.render
    if script is None or article is None or render is None:
        raise BookAIError(f"job {job.job_id} has no finished video to package")
    if job.check is None or not job.check.ok:
        raise BookAIError(f"job {job.job_id} has not passed its check")
    offer, disclosure = _disclosed(job)
    source_url = _web_address(article.url)
    credit = source_credit(article, script.language)
    told = caption(script, disclosure, f"{credit}: {source_url}" if source_url else credit)
    post = Post(
        platform=ctx.channel.platform,
        account=ctx.channel.account,
        title=shortened(script.title, MAX_TITLE),
        caption=f"{SIMULATED}\n\n{told}" if job.simulated else told,
        hashtags=hashtags(script),
        # Facts, not opinions: the voice is synthetic, and a link that earns is an ad.
        flags=Flags(ai_made=True, paid_promotion=offer is not None),
        source_url=source_url,
        source_credit=credit,
        language=script.language,
        video_sha256=render.sha256,
        thumbnail_sha256=render.thumbnail_sha256,
        captions_sha256=render.captions_sha256,
        transcript=script.text,
        offer_name=offer.name if offer else None,
        offer_url=offer.url if offer else None,
        disclosure=disclosure,
        visibility=_visibility(ctx.channel),
        made_for_kids=ctx.channel.made_for_kids,
    )
    _refuse_banned(post, ctx.channel)
    return job.model_copy(update={"post": post})


def _visibility(channel: Channel) -> Visibility | None:
    """Return who may see it: an account that was not audited publishes privately."""
    return "private" if channel.standing == "private_only" else channel.visibility


def _refuse_banned(post: Post, channel: Channel) -> None:
    """Refuse what the channel never says, wherever in the post it came from."""
    parts = {"title": post.title, "caption": post.caption, "hashtags": " ".join(post.hashtags)}
    for name, text in parts.items():
        phrase = banned_in(text, channel.banned_phrases)
        if phrase is not None:
            raise Refused(f"the {name} would say {phrase!r}, which is banned on {channel.name!r}.")


def _disclosed(job: VideoJob) -> tuple[Offer | None, str]:
    """Return the offer and its disclosure; never one without the other."""
    choice = job.offer
    if choice is None or choice.offer is None:
        return None, ""
    if not choice.disclosure.strip():
        raise BookAIError(f"job {job.job_id} has an offer without a disclosure")
    return choice.offer, choice.disclosure


def caption(script: Script, disclosure: str, credit: str) -> str:
    """Return the disclosure first, then what the script opens with, then the source.

    Nothing that the script does not say; one to three of its lines.
    """
    told: list[str] = []
    for line in script.lines:
        if line.kind in ("cta", "disclosure"):
            continue
        if len(told) == MAX_SENTENCES or len(" ".join([*told, line.text])) > MAX_TOLD:
            break
        told.append(line.text)
    opening = " ".join(told) or shortened(script.title, MAX_TOLD)
    return "\n\n".join(part for part in (disclosure, opening, credit) if part)


def source_credit(article: Article, language: str) -> str:
    """Return who the material is from, and its licence where one is known."""
    licence = f" ({article.licence})" if article.licence else ""
    credit = f"{SOURCE.get(language, SOURCE['en'])}: {article.publisher}{licence}"
    return shortened(credit, MAX_CREDIT)


def hashtags(script: Script) -> tuple[str, ...]:
    """Return three to six words as hashtags: the title's first, then what the script repeats.

    Letters only, no verbs as far as endings tell them; fewer where there are no such words.
    """
    said = Counter(word.lower() for word in words(script.text))
    title = {word.lower(): word for word in words(script.title)}
    ranked = sorted((w for w in title if _is_tag(w)), key=lambda w: (-said[w], w))
    often = [w for w, times in said.most_common() if times > 1 and _is_tag(w)]
    chosen: list[str] = []
    for word in (*ranked, *(often if len(ranked) < MIN_TAGS else ())):
        # "clock" says nothing that "clocks" did not.
        if not any(word.startswith(one[:-1]) or one.startswith(word[:-1]) for one in chosen):
            chosen.append(word)
    return tuple(f"#{_cased(word, title)}" for word in chosen[:MAX_TAGS])


def shortened(text: str, limit: int) -> str:
    """Return `text` in one line, cut between two words where it is too long."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    kept = head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else head
    return kept.rstrip(" ,;:-") + "…"


def _is_tag(word: str) -> bool:
    is_word = word.isalpha() and SHORTEST_TAG <= len(word) <= LONGEST_TAG
    return is_word and word not in FUNCTION_WORDS | _HOLLOW and not _NO_NOUN.fullmatch(word)


def _cased(word: str, title: dict[str, str]) -> str:
    """Return a tag as the title writes it where that is a name or a shortening ("NASA")."""
    written = title.get(word, word)
    return written if written.isupper() else word.capitalize()


def _web_address(url: str) -> str:
    """Return the URL where it leads to the web; a path of this machine is nobody's business."""
    return url if re.match(r"https?://", url) else ""


async def _publish(job: VideoJob, ctx: Context) -> VideoJob:
    post, render = job.post, job.render
    if post is None or render is None:
        raise BookAIError(f"job {job.job_id} has nothing to publish")
    publication = await ctx.tools.call(
        "publish_video",
        Publication,
        job_id=job.job_id,
        post=post,
        video_path=render.video_path,
        thumbnail_path=render.thumbnail_path,
        captions_path=render.captions_path,
    )
    return job.model_copy(update={"publication": publication})


async def _report(job: VideoJob, ctx: Context) -> VideoJob:
    if job.publication is None:
        raise BookAIError(f"job {job.job_id} is not published")
    report = await ctx.tools.call(
        "read_stats", Report, job_id=job.job_id, publication=job.publication
    )
    return job.model_copy(update={"report": report})


AGENT = Publisher()
