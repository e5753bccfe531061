import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Annotated

from pydantic import Field

import tools.sources
from bookai.errors import Refused
from bookai.models import Article
from bookai.plugins import load_plugins
from tools.base import Tool, ToolContext
from tools.sources.base import Clue, Material, Source
from tools.sources.intake.article import to_article
from tools.sources.intake.opening import open_source

ACCEPT = "text/html, application/xhtml+xml, text/markdown, text/plain;q=0.9, */*;q=0.5"
READING_S = 30.0


async def read_article(
    ctx: ToolContext,
    source: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2000,
            description="Path or http(s) URL of one article: text, Markdown, HTML or EPUB.",
        ),
    ],
) -> Article:
    """Read one article from a file or a web page: its text, title, publisher, date and licence.

    Use it for a single article. Do not use it for a feed, nor to look for something on a topic (use
    search_sources for both).
    """
    kinds = _kinds()
    material = await open_source(
        source,
        fetch=ctx.fetch,
        home=ctx.work_dir.parent,
        accept=ACCEPT,
        limit_of=lambda clue: _kind_of(kinds, clue).max_bytes,
    )
    kind = _kind_of(kinds, material.clue)
    try:
        async with asyncio.timeout(READING_S):
            return await asyncio.to_thread(_read, kind, material)
    except TimeoutError as error:
        raise Refused(
            f"{material.where} took more than {READING_S:g} s to read. "
            "Save the article's text as a file and give its path."
        ) from error


def _read(kind: Source, material: Material) -> Article:
    return to_article(kind.read(material), material)


@cache
def _kinds() -> Sequence[Source]:
    found = load_plugins(tools.sources, "SOURCE", Source).values()
    return tuple(sorted(found, key=lambda kind: (kind.rank, kind.name)))


def _kind_of(kinds: Sequence[Source], clue: Clue) -> Source:
    return next(kind for kind in kinds if kind.matches(clue))


TOOL = Tool(
    run=read_article,
    title="Read an article",
    scope="agent",
    timeout_s=60,
    read_only=True,
    open_world=True,
)
