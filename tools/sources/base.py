"""What a source file exports: `SOURCE`, one kind of text that can become an article.

A new kind is a new file here. It says by a source's name, type and first bytes whether it is its
kind, and reads it without touching disk or network; opening, fetching, cleaning and the final
`Article` are the same for all and live in `tools/sources/intake/`.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

MIB = 1024 * 1024

# What may stand before the first element. Doctypes with an inner part are looked through to the
# end of that part only; whoever hides a root behind more is no honest feed.
_PROLOG = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!doctype\b[^\[>]*(?:\[.*?\]\s*)?>", re.S | re.I)
_ELEMENT = re.compile(r"<([A-Za-z][\w.:-]*)")


@dataclass(frozen=True, slots=True)
class Clue:
    """What is known before a source is read.

    `name` is the last part of a path or URL, `content_type` the server's word without its
    parameters, in lower case, or "" for a file; `head` holds the first 4 KiB at most.
    """

    name: str
    content_type: str
    head: bytes

    def named(self, *endings: str) -> bool:
        """Tell whether the name ends in one of `endings`."""
        return self.name.lower().endswith(endings)

    @property
    def root(self) -> str:
        """The name of the first element in lower case, or "" where the head is no markup."""
        wide = self.head[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = self.head.decode("utf-16" if wide else "utf-8-sig", errors="replace")
        at = 0
        while found := _PROLOG.match(text, at):
            at = found.end()
        element = _ELEMENT.match(text, at)
        return element.group(1).lower() if element else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A source as it was opened or fetched.

    `where` names it in messages; `url` is "" for a file; `charset` is the server's word, or "".
    """

    clue: Clue
    where: str
    url: str
    charset: str
    body: bytes
    fetched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was found in it; empty where nothing was said. Paragraphs are not yet cleaned."""

    paragraphs: tuple[str, ...]
    title: str = ""
    publisher: str = ""
    url: str = ""
    language: str = ""
    author: str = ""
    licence: str = ""
    published_at: datetime | None = None


class Source(ABC):
    """One kind of text. Kinds are asked by `rank`, lowest first; the first that matches reads."""

    name: str
    rank: int = 50
    max_bytes: int = 5 * MIB

    @abstractmethod
    def matches(self, clue: Clue) -> bool:
        """Tell whether this is a source of this kind."""

    @abstractmethod
    def read(self, material: Material) -> Reading:
        """Return what is in it; runs in a thread.

        Raises:
            Refused: there is no article in it; the message names `material.where` and says why.
        """
