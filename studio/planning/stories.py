"""Which stories a channel tells next: what rises in its feeds, niche by niche, none of it twice."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from rapidfuzz import fuzz

from bookai.channels import ChannelSettings
from bookai.db.planning import Told, list_told
from bookai.market import RisingTrend, TrendList
from bookai.settings import SourceSettings
from studio.market.desk import MarketDesk
from studio.market.watch import ask_trends

FRESH_H = 72
RANKED = 50
REMEMBERED = timedelta(days=60)
SPREAD_OVER = 20
"""So many of the last videos are looked at for which niche had its turn."""
SAME_STORY = 85.0
"""The scout's own limit: at and above this likeness, in percent, a story is told already."""

# Pages that are no article: the scout would fetch them and refuse.
_NO_ARTICLE = re.compile(
    r"^https?://(?:www\.|m\.)?(?:youtube\.com|youtu\.be|vimeo\.com|twitter\.com|x\.com)/"
    r"|\.(?:pdf|zip|gz|mp[34]|webm|jpe?g|png|gif|svg|csv|json|docx?|xlsx?)(?:$|[?#])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Story:
    """What a job's source is to be, and why this one. `title` is "" where the scout chooses."""

    source: str
    title: str
    niche: str
    why: tuple[str, ...]


def sources_of(
    channel: str, passport: ChannelSettings, sources: Sequence[SourceSettings]
) -> tuple[SourceSettings, ...]:
    """Return the sources of a channel: its own, and those of the niches that it names."""
    return tuple(one for one in sources if one.channel == channel or one.niche in passport.niches)


def why_no_more(channel: str, sources: Sequence[SourceSettings], found: int) -> str:
    """Say why there are no more stories, and the mend."""
    if not sources:
        return f'no source names it: add [[sources]] with channel = "{channel}"'
    return f"{found} stories of its {len(sources)} sources are left to tell"


async def choose(
    desk: MarketDesk, channel: str, sources: Sequence[SourceSettings], most: int, at: datetime
) -> tuple[Story, ...]:
    """Return at most so many stories, the next one first; the niches take turns.

    A niche whose feeds were never read gives its least used feed instead: then the scout chooses.
    """
    by_niche: dict[str, list[str]] = {}
    for one in sources:
        by_niche.setdefault(one.niche or "", []).append(one.url)
    if not sources or not most:
        return ()
    feeds = tuple(dict.fromkeys(one.url for one in sources))
    told = await list_told(desk.pool, channel, at - REMEMBERED, feeds)
    ranked = {
        niche: await ask_trends(desk, urls, None, FRESH_H, RANKED)
        for niche, urls in by_niche.items()
    }
    return await asyncio.to_thread(pick, ranked, by_niche, told, most)


def pick(
    ranked: Mapping[str, TrendList],
    feeds: Mapping[str, Sequence[str]],
    told: Sequence[Told],
    most: int,
) -> tuple[Story, ...]:
    """Let the niches take turns, the least told first; leave out what was told."""
    urls = {_key(url) for one in told for url in one.urls}
    titles = [_normal(title) for one in told for title in one.titles]
    found: list[Story] = []
    for story in _in_turn(ranked, feeds, told):
        if len(found) == most:
            break
        alike = story.title and _is_told(story, urls, titles)
        if not alike:
            found.append(story)
            if story.title:
                urls.add(_key(story.source))
                titles.append(_normal(story.title))
    return tuple(found)


def _in_turn(
    ranked: Mapping[str, TrendList], feeds: Mapping[str, Sequence[str]], told: Sequence[Told]
) -> Iterator[Story]:
    """Yield each niche's best story, then each one's second best, and so on."""
    used = Counter(one.feed for one in told[:SPREAD_OVER] if one.feed)
    niches = sorted(feeds, key=lambda niche: (sum(used[feed] for feed in feeds[niche]), niche))
    rows = (_stories(niche, ranked[niche], feeds[niche], used) for niche in niches)
    for turn in zip_longest(*rows):
        yield from (story for story in turn if story is not None)


def _stories(
    niche: str, ranked: TrendList, feeds: Sequence[str], used: Counter[str]
) -> Iterator[Story]:
    if all(feed.read_at is None for feed in ranked.feeds):
        why = ("its feeds were not read yet: the scout chooses",)
        for feed in sorted(feeds, key=lambda one: used[one]):
            yield Story(feed, "", niche, why)
        return
    for place, trend in enumerate(ranked.trends, 1):
        page = next((one for one in trend.sources if _is_article(one.url)), None)
        if page is not None:
            yield Story(page.url, trend.title, niche, _why(trend, place, ranked, niche))


def _why(trend: RisingTrend, place: int, ranked: TrendList, niche: str) -> tuple[str, ...]:
    among = place + max(0, len(ranked.trends) - place) + ranked.left_out
    where = f"in {niche!r}" if niche else "in its feeds"
    return (f"number {place} of {among} stories {where}, {trend.score:.2f}", *trend.reasons)


def _is_article(url: str) -> bool:
    # A feed leads nobody to a file of this machine: its reader says so, and so do we.
    return url.startswith(("https://", "http://")) and not _NO_ARTICLE.search(url)


def _is_told(story: Story, urls: set[str], titles: Sequence[str]) -> bool:
    title = _normal(story.title)
    return _key(story.source) in urls or any(_alike(title, other) for other in titles)


def _alike(one: str, other: str) -> bool:
    # A title of a word or two is part of many others and says nothing by that.
    if min(len(one.split()), len(other.split())) < 3:
        return fuzz.ratio(one, other) >= SAME_STORY
    return fuzz.token_set_ratio(one, other) >= SAME_STORY


def _normal(title: str) -> str:
    return " ".join(re.findall(r"\w+", title.casefold()))


def _key(url: str) -> str:
    """Return what stays the same when a page is linked in another way."""
    plain = re.sub(r"^https?://(?:www\.)?", "", url.strip())
    plain = re.sub(r"(?<=[?&])utm_[^&#]*&?", "", plain)
    return plain.partition("#")[0].rstrip("/?&")
