"""Cut a text into what may stand alone on a line: words, or phrases where there are no spaces."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import budoux

# A part of Chinese, Japanese, Thai, Lao, Khmer, Burmese: written without spaces between words.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
_KANA = re.compile("[\u3040-\u30ff]")
_THAI = re.compile("[\u0e00-\u0e7f]")
# What never begins a line, and what never ends one.
_CLOSING = frozenset(
    "、。，．：；！？）］｝」』】〉》〕〗”’…‥・々ー"  # noqa: RUF001 (stops of several scripts)
    "的了着過过们們吗嗎呢吧"  # words of one letter that lean on the one before
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ,.!?:;)]}%％℃°ๆฯ"  # noqa: RUF001
)
_OPENING = frozenset("（［｛「『【〈《〔〖“‘([{$€£¥￥＄#@")  # noqa: RUF001
_COUNTS = frozenset("一二三四五六七八九十百千万亿億兆两兩几幾每")
_AFTER_PAUSE = re.compile(r"(?<=[、。，！？；])(?=\w)")  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a line at offset `at`; `close` says that no space stands before it."""

    text: str
    at: int
    close: bool = False


def is_unspaced(text: str) -> bool:
    """Tell whether a text has letters of a script that puts no spaces between words."""
    return _UNSPACED.search(text) is not None


@lru_cache(maxsize=512)
def cut_words(text: str, language: str = "") -> tuple[Token, ...]:
    """Return the pieces of a line in order; `language` is a tag such as "ja", or "" to guess.

    A zero-width space is a place to break, as its writer meant it.
    """
    tokens: list[Token] = []
    for match in re.finditer(r"[^\s\u200b]+", text):
        word, at = match.group(), match.start()
        close = at > 0 and text[at - 1] == "\u200b"
        for part in _parts(word, text, language):
            tokens.append(Token(part, at, close))
            at, close = at + len(part), True
    return tuple(tokens)


def _parts(word: str, text: str, language: str) -> list[str]:
    if not is_unspaced(word):
        return [word]
    cut = _cutter(_model(text, language))
    parts: list[str] = []
    for part in (piece for found in cut(word) for piece in _AFTER_PAUSE.split(found)):
        if parts and _belong(parts[-1], part):
            parts[-1] += part
        else:
            parts.append(part)
    return parts


def _belong(before: str, part: str) -> bool:
    """Tell whether two parts must not be divided: at brackets and stops, inside a Latin word."""
    if part[0] in _CLOSING or before[-1] in _OPENING:
        return True
    # "17年", "17は", "三秒": a figure stays with what counts it.
    counted = len(part) <= (3 if _KANA.search(part) else 1)
    if (before[-1].isdigit() and counted) or (before in _COUNTS and len(part) <= 2):
        return True
    return before[-1].isascii() and part[0].isascii()


def _model(text: str, language: str) -> str:
    tag = language.lower().replace("_", "-")
    if _THAI.search(text):
        return "th"
    if tag.startswith("ja") or (_KANA.search(text) and not tag.startswith("zh")):
        return "ja"
    far = {"hant", "tw", "hk", "mo"} & set(tag.split("-"))
    return "zh-hant" if far else "zh-hans"


@lru_cache(maxsize=4)
def _cutter(model: str) -> Callable[[str], list[str]]:
    load = {
        "ja": budoux.load_default_japanese_parser,
        "th": budoux.load_default_thai_parser,
        "zh-hans": budoux.load_default_simplified_chinese_parser,
        "zh-hant": budoux.load_default_traditional_chinese_parser,
    }[model]
    parse: Callable[[str], list[str]] = load().parse
    return parse
