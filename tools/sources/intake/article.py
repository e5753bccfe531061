"""From what a source found to the one `Article` that everything after it quotes."""

import hashlib
import logging
import re
import unicodedata
from collections import Counter
from urllib.parse import quote, urlsplit

from bookai.errors import Refused
from bookai.models import Article
from bookai.text.language import detect
from tools.sources.base import Material, Reading
from tools.sources.intake.prose import LONGEST_WORD, clean, has_overlong_word, title_from_name

logger = logging.getLogger(__name__)

LONGEST_TITLE = 200
# Too few words to tell a language still tell a script, and a script its most common language.
_SCRIPTS = {
    "ARABIC": "ar",
    "HEBREW": "he",
    "CYRILLIC": "ru",
    "GREEK": "el",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "THAI": "th",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh",
}


def to_article(reading: Reading, material: Material) -> Article:
    """Clean what was read and put it together.

    A paragraph with a word of over 200 characters (a key, a data block, a tracking address) can be
    neither spoken nor shown and is left out.

    Raises:
        Refused: no text is left.
    """
    cleaned = [text for paragraph in reading.paragraphs if (text := clean(paragraph))]
    kept = [text for text in cleaned if not has_overlong_word(text)]
    if not kept:
        why = (
            f"has only paragraphs with a word of over {LONGEST_WORD} characters"
            if cleaned
            else "has no text in it"
        )
        raise Refused(f"{material.where} {why}: there is nothing to tell.")
    if len(kept) < len(cleaned):
        logger.info(
            "Left out %d of %d paragraphs of %s: a word of over %d characters",
            len(cleaned) - len(kept),
            len(cleaned),
            material.where,
            LONGEST_WORD,
            extra={"action": "paragraphs_left_out"},
        )
    text = "\n\n".join(kept)
    digest = hashlib.sha256(text.encode()).hexdigest()
    url = material.url or _public_url(reading.url) or _file_url(material, digest)
    return Article(
        url=url,
        title=_title(reading.title, material, url),
        publisher=_publisher(reading, material, url),
        text=text,
        language=_language(reading.language, text),
        sha256=digest,
        fetched_at=material.fetched_at,
        published_at=reading.published_at,
        author=clean(reading.author)[:200] or None,
        licence=clean(reading.licence)[:200] or None,
    )


def _title(title: str, material: Material, url: str) -> str:
    title = clean(title)
    if title and len(title) <= LONGEST_TITLE and not has_overlong_word(title):
        return title
    return title_from_name(material.clue.name)[:LONGEST_TITLE] or _host(url) or "Untitled"


def _publisher(reading: Reading, material: Material, url: str) -> str:
    told = clean(reading.publisher) or _host(url) or clean(reading.author)
    return told[:100] or clean(material.clue.name)[:100]


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _public_url(text: str) -> str:
    """Return an http(s) URL without credentials, or ""."""
    text = text.strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return text if usable and text.isprintable() and " " not in text and len(text) <= 2000 else ""


def _file_url(material: Material, digest: str) -> str:
    """Name a file by its name and content: it is published, so its folder is nobody's business."""
    return f"file:{quote(material.clue.name)}#{digest[:12]}"


def _language(declared: str, text: str) -> str:
    code = re.match(r"[A-Za-z]{2}(?![A-Za-z])", declared.strip())
    if code:
        return code.group().lower()
    found = detect(text)
    return found.language if found else _language_of_script(text)


def _language_of_script(text: str) -> str:
    letters = [char for char in text if char.isalpha()]
    scripts = Counter(unicodedata.name(char, "?").partition(" ")[0] for char in letters)
    most = scripts.most_common(1)[0][0] if scripts else ""
    return _SCRIPTS.get(most, "en")
