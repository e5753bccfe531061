"""What an operator may change before his yes: words, never what makes the post honest.

The disclosure stays first, the source's credit and address stay in their line, flags, target and
files are not even named here, and no new link comes in: whether a link earns is computed from
facts, and an operator's own would go out without its flag.
"""

import re
import unicodedata

from bookai.db.pool import Con
from bookai.decisions import EditRow
from bookai.errors import Refused
from bookai.models import Post, PostEdit

MAX_TITLE = 100
MAX_CAPTION = 2000
MAX_TAGS = 6
LONGEST_TAG = 30

# What platforms may turn into a link, with or without a scheme: "x://y", "name.tld" in any script,
# and an address of numbers that a port or path follows. "3.5", "e.g." and "U.S." are none.
_LETTER = r"[^\s!-,./:-@\[-`{-\xbf\u2000-\u206f\u3000-\u3002\uff00-\uff0f\uff61]"
_DOT = r"(?:[.\uff0e]|[\u3002\uff61](?=[a-z]{2}))"
_TOP = rf"(?:xn--[a-z0-9-]+|(?=[^\W\d_])(?:(?![\d-]){_LETTER}){{2,}}+(?!\d))"
_HOST = rf"(?<!{_LETTER})(?:{_LETTER}++{_DOT})+{_TOP}"
_NUMBERS = r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?=[:/?])"
_LINK = re.compile(
    r"(?<![a-z0-9+.-])[a-z0-9+.-]*+://[^\s<>\"]+"
    rf"|(?:{_HOST}|{_NUMBERS})(?::\d+)?(?:[/?#][^\s<>\"]*)?",
    re.IGNORECASE,
)
_AFTER_LINK = ".,;:!?)]}'\u2019\u201d\u00bb\u2026"
_JOINERS = "\u200c\u200d"

INSERT_EDIT = """
INSERT INTO approval_edits (approval_id, field, before, after, edited_by)
VALUES ($1, $2, $3, $4, $5)
"""


def edited(post: Post, edit: PostEdit) -> tuple[Post, tuple[EditRow, ...]]:
    """Return the post with the operator's words, and what differs; the same post when nothing does.

    Raises:
        Refused: a text is too long or hides something, or takes away what has to stay.
    """
    words: dict[str, object] = {}
    if edit.title is not None:
        words["title"] = _title(edit.title)
    if edit.caption is not None:
        words["caption"] = _caption(edit.caption, post)
    if edit.hashtags is not None:
        words["hashtags"] = _hashtags(edit.hashtags)
    new = post.model_copy(update=words)
    _refuse_new_links(post, new)
    changes = tuple(
        EditRow(field=name, before=_text(getattr(post, name)), after=_text(getattr(new, name)))
        for name in words
        if getattr(post, name) != getattr(new, name)
    )
    return (new, changes) if changes else (post, ())


async def keep(con: Con, approval_id: int, changes: tuple[EditRow, ...], by: str) -> None:
    """Keep what was changed with the approval of the changed post."""
    rows = [(approval_id, one.field, one.before, one.after, by) for one in changes]
    await con.executemany(INSERT_EDIT, rows)


def _title(text: str) -> str:
    title = " ".join(_visible("title", text).split())
    if not 1 <= len(title) <= MAX_TITLE:
        raise Refused(f"a title has 1 to {MAX_TITLE} characters, this has {len(title)}")
    return title


def _caption(text: str, post: Post) -> str:
    lines = [line.rstrip() for line in _visible("caption", text).strip().split("\n")]
    # Many empty lines would push what has to be seen out of sight.
    caption = re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
    if not 1 <= len(caption) <= MAX_CAPTION:
        raise Refused(f"a caption has 1 to {MAX_CAPTION} characters, this has {len(caption)}")
    if post.disclosure and post.caption.startswith(post.disclosure):
        rest = caption.removeprefix(post.disclosure)
        if rest == caption or not (rest == "" or rest.startswith("\n")):
            raise Refused(f"the caption must begin with the disclosure: {post.disclosure!r}")
    missing = [line for line in _owed(post) if line not in lines]
    if missing:
        raise Refused(f"the caption must keep the source in a line of its own: {missing[0]!r}")
    return caption


def _owed(post: Post) -> list[str]:
    """Return the caption's lines that name the source."""
    names = [name for name in (post.source_credit, post.source_url) if name]
    return [line for line in post.caption.split("\n") if any(name in line for name in names)]


def _hashtags(tags: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(f"#{tag.strip().removeprefix('#')}" for tag in tags if tag.strip())
    for tag in found:
        word = tag[1:]
        if not re.fullmatch(r"\w+", word) or word.isdigit() or len(word) > LONGEST_TAG:
            raise Refused(
                f"{tag[:40]!r} is no hashtag: use letters, digits and _, at most {LONGEST_TAG}"
            )
    if len(found) > MAX_TAGS or len({tag.casefold() for tag in found}) < len(found):
        raise Refused(f"a post has at most {MAX_TAGS} hashtags, each once; these are {len(found)}")
    return found


def _visible(field: str, text: str) -> str:
    """Return `text` with plain line ends; what does not show, or turns text round, is refused."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    for char in plain:
        is_hidden = unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        if is_hidden and char != "\n" and char not in _JOINERS:
            raise Refused(f"the {field} holds a character that does not show: U+{ord(char):04X}")
    return plain


def _refuse_new_links(old: Post, new: Post) -> None:
    known = _links(f"{old.title} {old.caption} {old.source_url} {old.offer_url or ''}")
    strange = _links(f"{new.title} {new.caption}") - known
    if strange:
        raise Refused(
            f"an edit cannot bring in the link {min(strange)!r}: nobody has checked whether it "
            "earns, and the post would not say so. Make a new video with it as an offer. If it is "
            "no link, write it without the dot, or with a space after it."
        )


def _links(text: str) -> set[str]:
    return {_plain(found.rstrip(_AFTER_LINK)) for found in _LINK.findall(text)}


def _plain(link: str) -> str:
    """Return a link without http(s) and with its host in small letters; a path is left as it is."""
    rest = re.sub(r"^https?://", "", link, flags=re.IGNORECASE)
    host = re.match(r"[^/?#]*", rest)
    assert host is not None, "it matches the empty text as well"
    return host[0].casefold() + rest[host.end() :]


def _text(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else " ".join(value)
