"""Make text from the world fit to be counted, compared and spoken, without changing what it says.

The result is what every span in a script counts characters in, so it is made once, here.
"""

import re
import unicodedata

LONGEST_WORD = 200

_QUOTES = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201a": "'",
        "\u201b": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u201f": '"',
        "\u2028": "\n",
        "\u2029": "\n",
    }
)
# Joiners shape emoji, Persian and Indic words; between plain letters they only hide something.
_JOINERS = "\u200c\u200d"
# Format characters that are written: Arabic number and verse signs.
_VISIBLE_FORMAT = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2")
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u034f\u180e")
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_SPACE = re.compile(r"\s+")
# Scripts that put no spaces between words.
_UNSPACED = re.compile(
    r"[\s\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]+"
)
_ENDS_SENTENCE = re.compile(r"[.!?\u2026\u061f\u06d4\u0964\u3002\uff01\uff1f][\"')\]\u00bb]*$")


def clean(text: str) -> str:
    """Return one paragraph: composed, straight quotes, single spaces, nothing invisible."""
    text = unicodedata.normalize("NFC", text.translate(_QUOTES))
    if not text.isascii() or not text.isprintable():
        text = "".join(_kept(text, index) for index in range(len(text)))
    return _SPACE.sub(" ", text).strip()


def has_overlong_word(text: str) -> bool:
    """Tell whether a word is longer than any real one, so that it could not be shown or spoken."""
    return any(len(word) > LONGEST_WORD for word in _UNSPACED.split(text))


def is_sentence(text: str) -> bool:
    """Tell whether a paragraph ends like a sentence, or is long enough to hold one."""
    return bool(_ENDS_SENTENCE.search(text)) or len(text.split()) >= 25


def title_from_name(name: str) -> str:
    """Return a title for a file or a page that has none: `my-first_story.md` → `My first story`."""
    stem = re.sub(r"\.[A-Za-z0-9]{1,8}$", "", name)
    stem = re.sub(r"^\d{4}-\d{2}-\d{2}-", "", stem)
    words = clean(re.sub(r"[-_+.]+", " ", stem))
    return words[:1].upper() + words[1:]


def _kept(text: str, index: int) -> str:
    char = text[index]
    if char.isascii():
        return char if char.isprintable() else " " if char.isspace() else ""
    if char in _FILLERS:
        return ""
    category = unicodedata.category(char)
    if category in ("Zs", "Zl", "Zp"):
        return " "
    if category not in _DROPPED or char in _VISIBLE_FORMAT:
        return char
    if char in _JOINERS and _joins(text, index):
        return char
    return ""


def _joins(text: str, index: int) -> bool:
    before, after = text[index - 1 : index], text[index + 1 : index + 2]
    return all(side and not side.isascii() and not side.isspace() for side in (before, after))
