"""Feeds that are due are read side by side; one that fails stops no other, a lost database all."""

from collections.abc import Mapping

import pytest

from bookai.errors import Refused
from bookai.models import Feed
from tools.market.reading import read_due


class Notes:
    def __init__(self, lost: bool = False) -> None:
        self.lost = lost
        self.read: list[str] = []
        self.failed: dict[str, str] = {}

    async def claim_feeds(self, feeds: Mapping[str, int]) -> tuple[str, ...]:
        return tuple(feeds)

    async def note_feed(self, url: str, feed: Feed) -> None:
        if self.lost:
            raise ConnectionResetError("the database went away")
        self.read.append(url)

    async def note_feed_failure(self, url: str, error: str) -> None:
        self.failed[url] = error


async def load(url: str) -> Feed:
    if "bad" in url:
        raise Refused(f"{url} is not a feed")
    return Feed(title=url, url=url, items=())


async def test_a_feed_that_fails_stops_no_other() -> None:
    notes, told = Notes(), list[float]()

    async def progress(fraction: float, message: str) -> None:
        told.append(fraction)

    read = await read_due(notes, {"a": 60, "bad": 60, "c": 60}, load, progress)

    assert (read, sorted(notes.read)) == (2, ["a", "c"])
    assert notes.failed == {"bad": "bad is not a feed"}
    assert told[-1] == 1


async def test_a_lost_database_is_told_as_itself() -> None:
    with pytest.raises(ConnectionResetError):
        await read_due(Notes(lost=True), {"a": 60, "b": 60}, load)
