"""Read feeds to remember what they show: on request, and from the loop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from bookai.errors import OperatorNeeded, Refused, TryLater
from bookai.models import Feed

AT_ONCE = 6
ONE_FEED_S = 30.0
# Who asks for a reading twice within this time gets what was read a moment ago.
FRESH_S = 120


class Notes(Protocol):
    """The part of the desk that remembers feeds."""

    async def claim_feeds(self, feeds: Mapping[str, int]) -> tuple[str, ...]:
        """Return which of these are due, by seconds since the last try; each to one caller only."""

    async def note_feed(self, url: str, feed: Feed) -> None:
        """Remember what a feed shows now."""

    async def note_feed_failure(self, url: str, error: str) -> None:
        """Remember why a feed could not be read."""


async def read_due(
    notes: Notes,
    feeds: Mapping[str, int],
    load: Callable[[str], Awaitable[Feed]],
    told: Callable[[float, str], Awaitable[None]] | None = None,
) -> int:
    """Read what is due of `feeds` (address to seconds between readings); return how many were read.

    A feed that cannot be read is remembered with its reason and stops no other.
    """
    due = await notes.claim_feeds(feeds)
    gate = asyncio.Semaphore(AT_ONCE)
    read, done = 0, 0

    async def one(url: str) -> None:
        nonlocal read, done
        async with gate:
            try:
                async with asyncio.timeout(ONE_FEED_S):
                    feed = await load(url)
            except TimeoutError:
                await notes.note_feed_failure(url, f"took more than {ONE_FEED_S:g} s")
            except (Refused, TryLater, OperatorNeeded) as error:
                await notes.note_feed_failure(url, str(error))
            else:
                await notes.note_feed(url, feed)
                read += 1
        done += 1
        if told is not None:
            await told(done / len(due), f"read {done} of {len(due)} feeds")

    try:
        async with asyncio.TaskGroup() as group:
            for url in due:
                group.create_task(one(url))
    except BaseExceptionGroup as failed:
        # The database went away, most likely: callers know what to do about that, not about groups.
        raise failed.exceptions[0] from failed
    return read


def addresses(configured: object) -> tuple[str, ...]:
    """Return the feeds' addresses as settings name them, each once."""
    if not isinstance(configured, Sequence) or isinstance(configured, str):
        return ()
    told = (one.get("url", "") if isinstance(one, Mapping) else one for one in configured)
    return tuple(dict.fromkeys(one for one in told if isinstance(one, str) and one))


def no_feed(wanted: str) -> OperatorNeeded:
    """Return what to say when no feed is configured."""
    return OperatorNeeded(
        f"no feed is configured in which to look for {wanted}.",
        mend='Add [[sources]] with url = "https://…" to studio.toml, or give a URL or a file.',
    )
