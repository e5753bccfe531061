"""A post's text for Bluesky: at most 300 characters as a reader counts, links marked by bytes.

There is no flag for ads or AI there, so both stand in the text: the disclosure first, the AI label
after the credit. What does not fit is cut from the opening, never from those.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from bookai.errors import Refused
from bookai.models import Post
from tools.site.words import words_in

MAX_GRAPHEMES = 300
MAX_BYTES = 3000
MAX_TAGS = 3
MAX_TAG = 64
_LEAST_OPENING = 20
_URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
_JOINERS = ("\u200d", "\ufe0e", "\ufe0f")


@dataclass
class RichText:
    """A text and its facets: which bytes of it are links or tags."""

    text: str = ""
    facets: list[dict[str, Any]] = field(default_factory=list)

    def add(self, more: str, feature: dict[str, str] | None = None) -> None:
        """Append words, all of them with one feature."""
        start = len(self.text.encode())
        self.text += more
        if feature:
            end = len(self.text.encode())
            index = {"byteStart": start, "byteEnd": end}
            self.facets.append({"index": index, "features": [feature]})

    def add_linked(self, more: str) -> None:
        """Append words; addresses among them become links."""
        at = 0
        for found in _URL.finditer(more):
            self.add(more[at : found.start()])
            self.add(found.group(), _link(found.group()))
            at = found.end()
        self.add(more[at:])


def compose(post: Post) -> RichText:
    """Return the text of `post`, the same whenever it is asked for.

    Raises:
        Refused: what must be said does not fit.
    """
    words = words_in(post.language)
    head = post.disclosure.strip() or (words.ad if post.flags.paid_promotion else "")
    opening = _opening(post)
    tags = [tag.lstrip("#") for tag in post.hashtags if 0 < len(tag.lstrip("#")) <= MAX_TAG]
    for count in range(min(len(tags), MAX_TAGS), -1, -1):
        bare = _join(post, head, "", tags[:count])
        room = MAX_GRAPHEMES - count_graphemes(bare.text)
        if room >= min(count_graphemes(opening), _LEAST_OPENING):
            whole = _join(post, head, _shortened(opening, room), tags[:count])
            break
    else:
        raise Refused(
            f"what must be said needs {count_graphemes(bare.text)} characters, and Bluesky takes "
            f"{MAX_GRAPHEMES}: shorten the disclosure, the offer's name or the credit."
        )
    if len(whole.text.encode()) > MAX_BYTES:
        raise Refused(f"the text has {len(whole.text.encode())} bytes; Bluesky takes {MAX_BYTES}.")
    return whole


def count_graphemes(text: str) -> int:
    """Return how many characters a reader sees, or a few more, never fewer.

    Marks, joiners and variation selectors belong to the character before them.
    """
    count, before = 0, "\n"
    for char in text:
        joins = unicodedata.category(char) in ("Mn", "Me") or char in _JOINERS
        count += not (joins and before != "\n")
        before = char
    return count


def _join(post: Post, head: str, opening: str, tags: list[str]) -> RichText:
    rich = RichText()
    if head:
        rich.add(f"{head}\n\n")
    rich.add_linked(opening)
    if post.offer_url:
        rich.add("\n\n→ ")
        rich.add(post.offer_name or post.offer_url, _link(post.offer_url))
    rich.add("\n\n")
    rich.add(post.source_credit, _link(post.source_url) if post.source_url else None)
    if post.flags.ai_made:
        rich.add(f"\n{words_in(post.language).ai_made}")
    for number, tag in enumerate(tags):
        rich.add(" " if number else "\n")
        rich.add(f"#{tag}", {"$type": "app.bsky.richtext.facet#tag", "tag": tag})
    return rich


def _opening(post: Post) -> str:
    """Return the caption without what stands elsewhere: disclosure and credit."""
    parts = [part.strip() for part in post.caption.split("\n\n")]
    kept = [
        part
        for part in parts
        if part and part != post.disclosure.strip() and not part.startswith(post.source_credit)
    ]
    return "\n\n".join(kept) or post.title


def _shortened(text: str, room: int) -> str:
    """Return as many whole words as fit."""
    if count_graphemes(text) <= room:
        return text
    kept = text
    while kept and count_graphemes(kept) + 1 > room:
        kept = kept.rpartition(" ")[0] or kept[: max(len(kept) - 1, 0)]
    return f"{kept.rstrip(' ,;:-')}…" if kept else ""


def _link(uri: str) -> dict[str, str]:
    return {"$type": "app.bsky.richtext.facet#link", "uri": uri}
