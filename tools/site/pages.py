"""The gallery's pages: escaped by Jinja, no script, no request to anywhere else."""

import re
from collections.abc import Sequence
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import jinja2

from bookai.models import Post
from tools.site.store import CAPTIONS, THUMBNAIL, VIDEO, Entry
from tools.site.words import day, direction, words_in

TEMPLATES = Path(__file__).parent / "templates"
FEED_ITEMS = 50

# What neither HTML nor XML 1.0 can hold, even escaped: controls, surrogates, non-characters.
_UNHOLDABLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef]|[\ufffe\uffff]"
    "|[" + "".join(chr(plane * 0x10000 + last) for plane in range(1, 17) for last in (65534, 65535))
    + "]"
)  # fmt: skip
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def video_page(entry: Entry, name: str) -> str:
    """Return the page of one video; `name` is the site's."""
    post = entry.post
    language = post.language if _LANGUAGE.fullmatch(post.language) else "en"
    return _render(
        "video.html.j2",
        entry=entry,
        post=post,
        paragraphs=_paragraphs(post),
        language=language,
        words=words_in(language),
        name=name,
    )


def index_page(entries: Sequence[Entry], name: str) -> str:
    """Return the page of all videos."""
    return _render("index.html.j2", entries=entries, name=name, words=words_in("en"))


def feed(entries: Sequence[Entry], name: str, base_url: str) -> str:
    """Return the feed of the newest videos: RSS 2.0 with Media RSS.

    Without a `base_url` its links are relative to it: right beside the pages, on any host.
    """
    return _render("feed.xml.j2", entries=entries[:FEED_ITEMS], name=name, base=base_url)


def style() -> str:
    """Return the style sheet."""
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")


def safe_href(url: str | None) -> str | None:
    """Return a URL that a page may link to: http and https alone, never javascript: and such."""
    if not url or not re.fullmatch(r"[^\s\x00-\x1f\\]+", url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None


def _paragraphs(post: Post) -> list[str]:
    """Return the caption's paragraphs, less those that the page shows in a place of their own."""
    parts = [part.strip() for part in post.caption.split("\n") if part.strip()]
    shown = {post.disclosure, " ".join(post.hashtags)}
    credit = post.source_credit or post.source_url
    kept = [
        part for part in parts if part not in shown and not (credit and part.startswith(credit))
    ]
    return kept or parts


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        # Every value of the world passes here on its way into a page.
        finalize=holdable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "href": safe_href,
        "rfc822": format_datetime,
        "day": day,
        "direction": direction,
        "language_words": words_in,
    }
    environment.globals |= {"VIDEO": VIDEO, "THUMBNAIL": THUMBNAIL, "CAPTIONS": CAPTIONS}
    return environment


def holdable(value: object) -> object:
    """Return a value as a page can hold it; what is escaped already stays so."""
    return type(value)(_UNHOLDABLE.sub("", value)) if isinstance(value, str) else value


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values)
