import re
from collections.abc import Iterator
from typing import Any

from lxml import html as lxml_html
from lxml.etree import ParserError

from bookai.errors import Refused
from tools.sources.base import MIB, Clue, Material, Reading, Source
from tools.sources.intake.book import Book, local, open_book
from tools.sources.intake.front_matter import read_date
from tools.sources.intake.prose import clean

# A description of a book makes a video; a story's own text, without its end, rarely does.
MIN_DESCRIPTION_WORDS = 120
MIN_CHAPTER_WORDS = 200
_APPARATUS = re.compile(
    r"\b(?:titlepage|imprint|colophon|copyright|uncopyright|copyright-page|toc|landmarks|loi|"
    r"dedication|epigraph|halftitlepage|endnotes|footnotes|index|cover)\b"
)
_TOLD = frozenset(
    {"title", "creator", "publisher", "language", "rights"}
    | {"date", "description", "identifier", "source", "meta"}
)
_LICENCES = (
    (r"CC0|Creative Commons Zero", "CC0 1.0"),
    (r"CC BY-SA|Attribution-ShareAlike", "CC BY-SA"),
    (r"CC BY\b|Creative Commons Attribution\b", "CC BY"),
    (r"public domain", "public domain"),
)


class Epub(Source):
    """A book: its description where that is long enough, else its first chapter of prose."""

    name = "epub"
    rank = 20
    max_bytes = 30 * MIB

    def matches(self, clue: Clue) -> bool:
        if clue.content_type == "application/epub+zip" or clue.named(".epub"):
            return True
        return clue.head.startswith(b"PK") and b"application/epub+zip" in clue.head[:100]

    def read(self, material: Material) -> Reading:
        with open_book(material) as book:
            about = _About(book.package)
            paragraphs = about.description
            title = about.first("title")
            if _words(paragraphs) < MIN_DESCRIPTION_WORDS:
                chapter, paragraphs = _first_chapter(book)
                title = f"{title or 'A book'}, opening chapter{f': {chapter}' if chapter else ''}"
        return Reading(
            paragraphs=paragraphs,
            title=title,
            publisher=about.first("publisher"),
            url=about.url,
            language=about.first("language"),
            author=", ".join(about.all("creator")),
            licence=_licence(about.first("rights")),
            published_at=read_date(about.first("date")),
        )


class _About:
    """What the package document says about the book."""

    def __init__(self, package: Any) -> None:
        self._said = [
            (local(one), one.get("property") or "", " ".join("".join(one.itertext()).split()))
            for one in package.iter()
            if local(one) in _TOLD
        ]

    def all(self, name: str) -> list[str]:
        return [text for said, _, text in self._said if said == name and text]

    def first(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def description(self) -> tuple[str, ...]:
        texts = self.all("description") + [
            text for _, kind, text in self._said if kind.endswith("long-description")
        ]
        return tuple(_html_paragraphs(max(texts, key=len))) if texts else ()

    @property
    def url(self) -> str:
        told = (one.removeprefix("url:") for one in self.all("identifier") + self.all("source"))
        return next((one for one in told if one.startswith(("https://", "http://"))), "")


def _first_chapter(book: Book) -> tuple[str, tuple[str, ...]]:
    for path in book.spine:
        document = book.document(path)
        if document is None or _is_apparatus(document, path):
            continue
        paragraphs = tuple(_prose(document))
        if _words(paragraphs) >= MIN_CHAPTER_WORDS:
            return _heading(document), paragraphs
    raise Refused(
        f"{book.where} has neither a description of {MIN_DESCRIPTION_WORDS} words nor a chapter "
        f"of {MIN_CHAPTER_WORDS} words. Save the text you want as a file and give its path."
    )


def _is_apparatus(document: Any, path: str) -> bool:
    kinds = " ".join(
        value
        for element in document.iter()
        if local(element) in ("body", "section")
        for name, value in element.attrib.items()
        if name.endswith("type")
    )
    return bool(_APPARATUS.search(kinds) or _APPARATUS.search(path.lower()))


def _prose(document: Any) -> Iterator[str]:
    for element in document.iter():
        if local(element) == "p":
            yield _text(element)


def _heading(document: Any) -> str:
    headings = (clean(_text(one)) for one in document.iter() if local(one) in ("h1", "h2", "h3"))
    return next((heading for heading in headings if heading), "")


def _text(element: Any) -> str:
    """Return the text of an element without its note marks."""
    parts = [element.text or ""]
    for child in element:
        name = local(child)
        if name and "noteref" not in " ".join(child.attrib.values()):
            parts.append(" " if name == "br" else _text(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _html_paragraphs(text: str) -> Iterator[str]:
    if "<" not in text:
        yield text
        return
    try:
        parts = lxml_html.fragments_fromstring(text)
    except ParserError:
        return
    for part in parts:
        yield part if isinstance(part, str) else part.text_content()


def _words(paragraphs: tuple[str, ...]) -> int:
    return sum(len(one.split()) for one in paragraphs)


def _licence(rights: str) -> str:
    if len(rights) <= 120:
        return rights
    return next((name for said, name in _LICENCES if re.search(said, rights, re.I)), "")


SOURCE = Epub()
