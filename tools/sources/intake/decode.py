"""Bytes to text, or a refusal that says what the bytes are instead."""

import codecs
import re

from bookai.errors import Refused
from tools.sources.base import Material

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # UTF-32's mark begins with UTF-16's, so it is asked first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"RIFF", "a sound, a picture or a video"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"ID3", "a sound"),
    (b"OggS", "a sound"),
    (b"{\\rtf", "a rich text document"),
    (b"SQLite format 3", "a database"),
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([A-Za-z0-9_:.-]{1,40})", re.I)
_MOST_CONTROL = 0.002


def text_of(material: Material, *, html: bool = False) -> str:
    """Return the text, with `\\n` line ends.

    A byte order mark wins over the server's word, that over a page's own `<meta charset>`; then
    UTF-8; what is not UTF-8 is read as Windows-1252, which any byte of western text fits.

    Raises:
        Refused: empty, or no text.
    """
    body = material.body
    if not body.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        raise Refused(f"{material.where} is empty.")
    text = _decode(body, material, _meta_charset(body) if html else "")
    control = sum(1 for char in text if char < " " and char not in "\t\n\r\f\v")
    if "\x00" in text or control + text.count("\ufffd") > max(2, _MOST_CONTROL * len(text)):
        raise not_text(material)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def not_text(material: Material) -> Refused:
    """Return the error that says what the material seems to be."""
    kind = next((kind for magic, kind in _MAGIC if material.body.startswith(magic)), "binary data")
    return Refused(
        f"{material.where} is no text but {kind}. "
        "The studio reads plain text, Markdown, HTML, EPUB and feeds."
    )


def _decode(body: bytes, material: Material, meta: str) -> str:
    if any(body.startswith(magic) for magic, _ in _MAGIC):
        raise not_text(material)
    for mark, name in _MARKS:
        if body.startswith(mark):
            return body.decode(name, errors="replace")
    for name in (material.charset, meta, "utf-8"):
        decoded = _try(body, name)
        if decoded is not None:
            return decoded
    return body.decode("cp1252", errors="replace")


def _try(body: bytes, name: str) -> str | None:
    """Return the text in encoding `name`, or None when it does not fit or is no text encoding."""
    if not name:
        return None
    # The web's rule: what calls itself Latin-1 or ASCII is Windows-1252.
    plain = name.lower().replace("_", "-") in ("iso-8859-1", "latin-1", "latin1", "us-ascii")
    try:
        return body.decode("cp1252" if plain and not body.isascii() else name)
    except (LookupError, UnicodeError, ValueError):
        return None


def _meta_charset(body: bytes) -> str:
    found = _META_CHARSET.search(body[:4096])
    return found.group(1).decode("ascii") if found else ""
