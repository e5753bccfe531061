import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field
from rapidfuzz import fuzz

from bookai.errors import OperatorNeeded, Refused, TryLater
from bookai.models import Feed, FeedItem, Finding, TopicMatch, TopicMatches
from tools.base import Tool, ToolContext
from tools.sources.intake.feeds import load_feed

MIN_MATCH = 0.6
MAX_MATCHES = 50
AT_ONCE = 6
_SMALL_WORDS = frozenset(
    {"a", "about", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "how", "in"}
    | {"is", "it", "its", "new", "of", "on", "or", "that", "the", "this", "to", "was", "what"}
    | {"when", "where", "which", "who", "why", "will", "with"}
)


async def search_sources(
    ctx: ToolContext,
    topic: Annotated[
        str, Field(min_length=2, max_length=200, description="A few words, such as coral reefs.")
    ],
) -> TopicMatches:
    """Look through every configured feed for items on a topic, best match first.

    Use it when only a topic is known. Do not use it when there is an address already (use
    read_article or read_feed). A feed that cannot be read is named in the answer, not an error.
    """
    addresses = _addresses(ctx.config.get("sources", ()))
    if not addresses:
        raise OperatorNeeded(
            f"no feed is configured in which to look for {topic!r}.",
            mend='Add [[sources]] with url = "https://…" to studio.toml, or give a URL or a file.',
        )
    feeds: list[Feed] = []
    failures: dict[str, Refused | TryLater] = {}
    gate = asyncio.Semaphore(AT_ONCE)

    async def read(address: str) -> None:
        async with gate:
            try:
                feeds.append(await load_feed(ctx, address))
            except (Refused, TryLater) as error:
                failures[address] = error
        await ctx.progress((len(feeds) + len(failures)) / len(addresses), "reading feeds")

    async with asyncio.TaskGroup() as group:
        for address in addresses:
            group.create_task(read(address))
    if not feeds:
        raise _none_read(failures)
    return _matches(topic, feeds, failures)


def _addresses(configured: object) -> tuple[str, ...]:
    if not isinstance(configured, Sequence) or isinstance(configured, str):
        return ()
    told = (one.get("url", "") if isinstance(one, Mapping) else one for one in configured)
    return tuple(dict.fromkeys(one for one in told if isinstance(one, str) and one))


def _none_read(failures: Mapping[str, Refused | TryLater]) -> Refused | TryLater:
    told = "; ".join(str(error) for error in list(failures.values())[:3])
    message = f"none of the {len(failures)} configured feeds could be read: {told}"
    waits = [error.after_s for error in failures.values() if isinstance(error, TryLater)]
    return TryLater(message, after_s=min(waits)) if waits else Refused(message)


def _matches(topic: str, feeds: Sequence[Feed], failures: Mapping[str, Exception]) -> TopicMatches:
    wanted = _words(topic)
    found = [
        TopicMatch(item=item, feed=feed.title, match=match)
        for feed in feeds
        for item in feed.items
        if (match := _match(topic, wanted, item)) >= MIN_MATCH
    ]
    found.sort(key=lambda one: (-one.match, one.item.url))
    return TopicMatches(
        topic=topic,
        matches=tuple(found[:MAX_MATCHES]),
        feeds=len(feeds),
        read=sum(len(feed.items) for feed in feeds),
        failed=tuple(
            Finding(check=address, ok=False, detail=str(error))
            for address, error in sorted(failures.items())
        ),
    )


def _match(topic: str, wanted: frozenset[str], item: FeedItem) -> float:
    """Return 0 to 1: how many of the topic's words an item has, the title counting most.

    Letters alone do not make a match: "art" is not in "party". So likeness of spelling only ranks
    items that share a word, and one shared word of a topic of many is not enough.
    """
    in_title = wanted & _words(item.title)
    anywhere = in_title | (wanted & _words(item.summary))
    if not anywhere:
        return 0.0
    share = (0.7 * len(in_title) + 0.3 * len(anywhere)) / len(wanted)
    likeness = fuzz.token_set_ratio(topic.lower(), item.title.lower()) / 100
    return round(0.85 * max(share, 0.75 * len(anywhere) / len(wanted)) + 0.15 * likeness, 3)


def _words(text: str) -> frozenset[str]:
    """Return the words that carry meaning, plural or not."""
    words = re.findall(r"[^\W_]+(?:['.+#-]+[^\W_]+)*[+#]*", text.lower())
    kept = frozenset(_stem(word) for word in words if word not in _SMALL_WORDS)
    return kept or frozenset(words)


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


TOOL = Tool(
    run=search_sources,
    title="Search the feeds for a topic",
    scope="agent",
    timeout_s=120,
    read_only=True,
    open_world=True,
)
