import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from trafilatura import bare_extraction

from bookai.errors import Refused
from tools.sources.base import Clue, Material, Reading, Source
from tools.sources.intake.decode import text_of
from tools.sources.intake.front_matter import read_date
from tools.sources.intake.prose import clean, is_sentence

# A page with more tags is a table of data or an attack: pages of news have a few thousand, and the
# time to extract grows with them.
MAX_TAGS = 60_000
_ROOTS = ("html", "head", "body", "article", "main", "div", "p", "title", "meta")
_NEEDS_SCRIPT = re.compile(r"\b(?:enable|requires?|needs?|turn on)\b.{0,40}\bjavascript\b", re.I)
_SHORT_PAGE_WORDS = 60
_SKIPPED = frozenset({"head", "table", "code", "graphic", "figure", "formula"})
_BLOCKS = frozenset({"p", "quote", "item", "ab"})


class Html(Source):
    """A web page: the article in it, without navigation, comments, tables and advertisements."""

    name = "html"
    rank = 40

    def matches(self, clue: Clue) -> bool:
        if clue.content_type in ("text/html", "application/xhtml+xml"):
            return True
        if clue.named(".html", ".htm", ".xhtml"):
            return True
        return clue.root in _ROOTS

    def read(self, material: Material) -> Reading:
        text = _without_declaration(text_of(material, html=True))
        if text.count("<") > MAX_TAGS:
            raise Refused(
                f"{material.where} has over {MAX_TAGS:,} tags, which no article has. "
                "Save the article's text as a file and give its path."
            )
        page = bare_extraction(
            text,
            url=material.url or None,
            fast=True,
            with_metadata=True,
            include_comments=False,
            include_tables=False,
            date_extraction_params={
                "original_date": True,
                "extensive_search": False,
                "max_date": datetime.now(UTC).strftime("%Y-%m-%d"),
            },
        )
        # Typed as "a document or a dict"; a dict comes only when asked for.
        found: Any = page
        paragraphs = tuple(_paragraphs(found.body)) if found is not None else ()
        _check_is_article(paragraphs, material.where)
        return Reading(
            paragraphs=paragraphs,
            title=found.title or "",
            publisher=_site_name(found.sitename or ""),
            url=found.url or "",
            author=found.author or "",
            licence=found.license or "",
            published_at=read_date(found.date or ""),
        )


def _without_declaration(text: str) -> str:
    """Drop `<?xml … encoding=…?>`: the text is decoded already, and the parser would object."""
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", text)


def _site_name(text: str) -> str:
    """Return a name that the page gives itself, not a host that was derived from its own claim."""
    return "" if re.fullmatch(r"[\w-]+(\.[\w-]+)+", text) else text


def _check_is_article(paragraphs: tuple[str, ...], where: str) -> None:
    words = sum(len(one.split()) for one in paragraphs)
    if words < _SHORT_PAGE_WORDS and any(_NEEDS_SCRIPT.search(one) for one in paragraphs):
        raise Refused(
            f"{where} shows its article only with JavaScript. "
            "Open it in a browser, save the text as a file and give its path."
        )
    if not any(is_sentence(clean(one)) for one in paragraphs):
        raise Refused(
            f"{where} has no article in it: no paragraph of prose was found. "
            "Give the address of one article, or a file with its text."
        )


def _paragraphs(element: Any) -> Iterator[str]:
    """Give the prose blocks in reading order; text between blocks is a block of its own."""
    loose = [element.text or ""]
    for child in element:
        if child.tag in _SKIPPED:
            pass
        elif child.tag in _BLOCKS or child.tag in ("list", "div", "body"):
            yield from _joined(loose)
            loose = []
            yield from _block(child)
        else:
            loose.append(" " if child.tag == "lb" else "".join(child.itertext()))
        loose.append(child.tail or "")
    yield from _joined(loose)


def _block(element: Any) -> Iterator[str]:
    mark = "- " if element.tag == "item" else ""
    for text in _paragraphs(element):
        yield f"{mark}{text}"
        mark = ""


def _joined(parts: list[str]) -> Iterator[str]:
    text = " ".join("".join(parts).split())
    if text:
        yield text


SOURCE = Html()
