"""RSS, Atom and RDF to a `Feed`: whatever the feed claims, only plain text and web addresses."""

import re
from calendar import timegm
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser
from lxml import html as lxml_html
from lxml.etree import ParserError

from bookai.errors import Refused
from bookai.models import Feed, FeedItem
from tools.sources.base import Material
from tools.sources.intake.prose import clean, title_from_name

MAX_ITEMS = 200
MAX_SUMMARY = 2_000
# As common aggregators write them into a summary.
_POINTS = re.compile(r"\bpoints?:\s*([\d,]{1,12})|\b([\d,]{1,12}) points?\b", re.I)
# The first that a feed has counts for all its items, so that like is compared with like.
_MEASURES = ("score", "points", "ups", "ht_approx_traffic", "views", "summary", "slash_comments")
_OLDEST = datetime.min.replace(tzinfo=UTC)


def parse_feed(material: Material) -> Feed:
    """Return the feed's items, newest first; at most 200, those without title or link left out.

    Raises:
        Refused: it is no feed.
    """
    # A file object always: feedparser takes text or bytes for an address and would fetch it.
    parsed = feedparser.parse(
        BytesIO(material.body),
        response_headers={
            "content-type": _told_type(material),
            "content-location": material.url,
        },
    )
    if not parsed.version and not parsed.entries:
        raise Refused(_no_feed(material, parsed))
    if parsed.bozo and not parsed.entries:
        raise Refused(_no_feed(material, parsed))
    measure = _measure(parsed.entries)
    found = {item.url: item for item in _items(parsed, material.url, measure)}
    newest = sorted(found.values(), key=lambda item: item.published_at or _OLDEST, reverse=True)
    return Feed(
        title=_plain(parsed.feed.get("title", ""))[:200] or _name(material),
        url=material.url or f"file:{material.clue.name}",
        items=tuple(newest[:MAX_ITEMS]),
    )


def _items(parsed: Any, url: str, measure: str) -> Iterator[FeedItem]:
    base = url or str(parsed.feed.get("link", ""))
    seen: set[str] = set()
    for entry in parsed.entries:
        title = _plain(entry.get("title", ""))[:300]
        link = _link(entry, base)
        if title and link and link not in seen:
            seen.add(link)
            yield FeedItem(
                title=title,
                url=link,
                summary=_plain(entry.get("summary", ""))[:MAX_SUMMARY],
                published_at=_date(entry),
                engagement=_engagement(entry, measure),
            )


def _link(entry: Mapping[str, Any], base: str) -> str:
    """Return the item's http(s) address, or "": a feed must not lead to files or programs."""
    told = str(entry.get("feedburner_origlink") or entry.get("link") or "").strip()
    if not told:
        return ""
    try:
        link = urljoin(base, told)
        parts = urlsplit(link)
    except ValueError:
        return ""
    usable = parts.scheme in ("http", "https") and parts.netloc and "@" not in parts.netloc
    return link if usable and link.isprintable() and len(link) <= 2000 else ""


def _date(entry: dict[str, Any]) -> datetime | None:
    for key in ("published_parsed", "updated_parsed", "created_parsed"):
        # A plain `get` of the dict below: feedparser's own answers with another key's date.
        if told := dict.get(entry, key):
            try:
                return datetime.fromtimestamp(timegm(told), UTC)
            except (ValueError, OverflowError, OSError):
                continue
    return None


def _measure(entries: list[Any]) -> str:
    """Return the kind of engagement that most items have, or "" when fewer than half have any."""
    counts = [
        (sum(_engagement(entry, measure) is not None for entry in entries), measure)
        for measure in _MEASURES
    ]
    return next((measure for count, measure in counts if count * 2 >= len(entries) > 0), "")


def _engagement(entry: Mapping[str, Any], measure: str) -> int | None:
    if not measure:
        return None
    if measure == "views":
        return _number(dict(entry.get("media_statistics") or {}).get("views", ""))
    if measure == "summary":
        found = _POINTS.search(_plain(entry.get("summary", "")))
        return _number(found.group(1) or found.group(2)) if found else None
    return _number(entry.get(measure, ""))


def _number(text: object) -> int | None:
    digits = re.sub(r"[,+\s]", "", str(text))
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else None


def _plain(text: object) -> str:
    """Return text from a feed without its markup."""
    raw = str(text)
    if "<" not in raw and "&" not in raw:
        return clean(raw)
    try:
        root = lxml_html.fragment_fromstring(raw, create_parent="div")
    except (ParserError, ValueError):
        return clean(re.sub(r"<[^<>]*>", " ", raw))
    for element in root.iter("br", "p", "li", "div"):
        element.tail = f" {element.tail or ''}"
    return clean(root.text_content())


def _told_type(material: Material) -> str:
    if not material.charset:
        return "application/xml"
    return f"{material.clue.content_type or 'application/xml'}; charset={material.charset}"


def _name(material: Material) -> str:
    return urlsplit(material.url).hostname or title_from_name(material.clue.name) or "A feed"


def _no_feed(material: Material, parsed: Any) -> str:
    reason = parsed.get("bozo_exception")
    why = clean(str(reason))[:120] if reason else f"its first element is {material.clue.root!r}"
    return f"{material.where} is not a feed ({why}). The studio reads RSS, Atom and RDF."
