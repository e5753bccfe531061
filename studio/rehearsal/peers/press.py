"""The press: recorded feeds that fill up as days pass, and the pages they lead to."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from html import escape
from importlib.resources import files

from studio.rehearsal.peers.loopback import Answer, Asked, Peer

KEPT = timedelta(days=4)
FULL_GROWTH_H = 48.0
_FACTS = re.compile(r"^at=(-?\d+) points=(\d+) grows=(\d+)$")


@dataclass(frozen=True, slots=True)
class Story:
    """One recorded article: it appears `at_h` hours after the start, and gains points from then."""

    number: int
    title: str
    text: str
    at_h: int
    points: int
    grows: int

    def points_at(self, age_h: float) -> int:
        """Return its points when it is so old: they grow quickly, then ever slower, then not."""
        grown_h = min(age_h, FULL_GROWTH_H)
        return round(self.points + self.grows * grown_h * (1 - grown_h / (2 * FULL_GROWTH_H)))


@dataclass(frozen=True, slots=True)
class Trouble:
    """From `begins_h` until `ends_h` hours after the start, a feed answers like this."""

    feed: str
    begins_h: float
    ends_h: float
    answer: Answer
    told: str


@dataclass(frozen=True, slots=True)
class Troubled:
    """That a feed answered with its trouble, and when."""

    at: datetime
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Paper:
    """A recorded feed by its name, with its title and its stories, the oldest first."""

    name: str
    title: str
    stories: tuple[Story, ...]


def recorded(name: str) -> Paper:
    """Read one of the feeds that come with the studio."""
    text = (files("studio.rehearsal") / "recorded" / f"{name}.md").read_text(encoding="utf-8")
    head, *blocks = text.split("\n## ")
    stories = []
    for number, block in enumerate(blocks, 1):
        title, facts, body = block.split("\n", 2)
        match = _FACTS.match(facts)
        if match is None:
            raise ValueError(f"{name}.md: {facts!r} under {title!r} is not at=… points=… grows=…")
        at_h, points, grows = (int(value) for value in match.groups())
        stories.append(Story(number, title, body.strip(), at_h, points, grows))
    return Paper(name, head.strip().removeprefix("# "), tuple(stories))


class Press(Peer):
    """Serves `/NAME.xml` and `/NAME/NUMBER`, as of the rehearsal's own time."""

    def __init__(
        self,
        papers: Sequence[Paper],
        start: datetime,
        clock: Callable[[], datetime],
        troubles: Sequence[Trouble] = (),
    ) -> None:
        self._papers = {paper.name: paper for paper in papers}
        self._start = start
        self._clock = clock
        self._troubles = troubles
        self.troubled: list[Troubled] = []

    def answer(self, asked: Asked) -> Answer:
        """Serve a feed or a page; a story that has not appeared yet is not there."""
        name, _, number = asked.path.strip("/").removesuffix(".xml").partition("/")
        paper = self._papers.get(name)
        if paper is None:
            return Answer.of(404, error="there is nothing here")
        hours = (self._clock() - self._start) / timedelta(hours=1)
        if asked.path.endswith(".xml"):
            for trouble in self._troubles:
                if trouble.feed == name and trouble.begins_h <= hours < trouble.ends_h:
                    self.troubled.append(Troubled(self._clock(), trouble))
                    return trouble.answer
            return Answer(body=self._feed(paper, hours), kind="application/rss+xml; charset=utf-8")
        for story in paper.stories:
            if str(story.number) == number and story.at_h <= hours:
                return Answer(body=self._page(paper, story), kind="text/html; charset=utf-8")
        return Answer.of(404, error="there is no such page")

    def feed_of(self, name: str) -> str:
        """Return the address of a feed."""
        return f"{self.url}/{name}.xml"

    def appeared_between(self, name: str, begin: datetime, end: datetime) -> tuple[str, ...]:
        """Return the addresses of the stories that a feed got from `begin` until `end`."""
        paper = self._papers[name]
        return tuple(
            f"{self.url}/{name}/{story.number}"
            for story in paper.stories
            if begin <= self._appeared(story) < end
        )

    def _feed(self, paper: Paper, hours: float) -> bytes:
        kept_h = KEPT / timedelta(hours=1)
        items = "".join(
            f"<item><title>{escape(story.title)}</title>"
            f"<link>{self.url}/{paper.name}/{story.number}</link>"
            f"<pubDate>{format_datetime(self._appeared(story))}</pubDate>"
            f"<description>{escape(story.text.split('. ')[0])}. "
            f"{story.points_at(hours - story.at_h)} points</description></item>"
            for story in paper.stories
            if story.at_h <= hours < story.at_h + kept_h
        )
        return (
            '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
            f"<title>{escape(paper.title)}</title><link>{self.url}/{paper.name}.xml</link>"
            f"<description>Recorded for rehearsals.</description>{items}</channel></rss>"
        ).encode()

    def _page(self, paper: Paper, story: Story) -> bytes:
        paragraphs = "".join(f"<p>{escape(one)}</p>" for one in story.text.split("\n\n"))
        title, day = escape(story.title), self._appeared(story).date().isoformat()
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f'<meta property="og:site_name" content="{escape(paper.title)}">'
            f'<meta property="article:published_time" content="{day}"></head>'
            f"<body><article><h1>{title}</h1>{paragraphs}</article></body></html>"
        ).encode()

    def hour(self, hours: float) -> datetime:
        """Return the time so many hours after the start."""
        return self._start + timedelta(hours=hours)

    def _appeared(self, story: Story) -> datetime:
        return self.hour(story.at_h)
