"""Japanese as it is read: the engine knows kana but no kanji, so they get their reading here.

`pykakasi` looks the readings up in its dictionary, where it is installed; figures and what is
counted are ours. A text in kana alone needs no dictionary.
"""

# ruff: noqa: RUF001 (these are the characters that people type)

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from bookai.errors import OperatorNeeded
from tools.voices.spoken.tongues.tables import listed
from tools.voices.spoken.tongues.tongue import fold_digits

_DIGITS = listed("ゼロ いち に さん よん ご ろく なな はち きゅう")
_HUNDREDS = {3: "さんびゃく", 6: "ろっぴゃく", 8: "はっぴゃく"}
_THOUSANDS = {3: "さんぜん", 8: "はっせん"}
_MYRIADS = ("", "まん", "おく", "ちょう", "けい")
_MONTHS = listed("いち に さん し ご ろく しち はち く じゅう じゅういち じゅうに")
_DAYS = {
    **dict(enumerate(listed("ついたち ふつか みっか よっか いつか むいか なのか ようか"), 1)),
    9: "ここのか",
    10: "とおか",
    14: "じゅうよっか",
    20: "はつか",
    24: "にじゅうよっか",
}
_SPECIAL = {"1人": "ひとり", "2人": "ふたり", "4人": "よにん", "4年": "よねん", "4時": "よじ"}
_COUNTED = {
    "%": "パーセント",
    "円": "えん",
    "年": "ねん",
    "人": "にん",
    "時": "じ",
    "月": "がつ",
    "km": "キロメートル",
    "m": "メートル",
    "cm": "センチ",
    "kg": "キログラム",
    "g": "グラム",
    "時間": "じかん",
    "分": "ふん",
    "倍": "ばい",
    "台": "だい",
    "位": "い",
    "歳": "さい",
    "日": "にち",
    "万": "まん",
    "億": "おく",
    "兆": "ちょう",
    "度": "ど",
    "回": "かい",
    "°C": "ど",
    "°F": "ファーレンハイトど",
    "ドル": "ドル",
    "ユーロ": "ユーロ",
    "GB": "ギガバイト",
    "kW": "キロワット",
}
_SIGNS = {"$": "ドル", "€": "ユーロ", "¥": "えん", "£": "ポンド"}
_TAIL = "|".join(re.escape(tail) for tail in sorted(_COUNTED, key=len, reverse=True))
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
# Two figures and no more: a date and a telephone's number have other dashes.
_RANGE = re.compile(rf"(?<![\w.,-])(?P<low>{_NUMBER})[-–—~〜～](?P<high>{_NUMBER})(?![\d-])")
# A unit by itself, which its figure stands before.
_UNIT = re.compile(r"(?:°C|°F|%|km|cm|kg|GB|kW|m|g)(?![A-Za-z])")
_FIGURE = re.compile(
    rf"(?P<minus>(?<![\w-])-)?(?P<sign>[$€¥£])?(?P<n>{_NUMBER})"
    rf"(?P<scales>[千万億兆]*)(?P<tail>{_TAIL})?"
)
_SCALES = {"千": "せん", "万": "まん", "億": "おく", "兆": "ちょう"}
_KANJI = re.compile(r"[㐀-鿿々豈-﫿]")
# A particle is written with the letter of another sound.
_PARTICLE = re.compile(r"(?<=.)(は|へ)(?=[、。,.!?！？」』）)\s]*$)")
_PARTICLES = {"は": "わ", "へ": "え"}
# Where the dictionary takes the greeting for the day.
_OWN = {"今日": "きょう", "一人": "ひとり", "二人": "ふたり", "明日": "あした", "何": "なに"}
_MEND = "pip install pykakasi (a dictionary of readings), or set a Japanese Piper voice."


def read(token: str, before: str = "") -> str:
    """Return the kana of one phrase; `before` is the one before it.

    Raises:
        OperatorNeeded: it holds kanji, and the dictionary is not installed.
    """
    said = fold_digits(token)
    if before[-1:].isdigit():
        said = _UNIT.sub(lambda found: _COUNTED[found[0]], said, count=1)
    said = _FIGURE.sub(_figure, _RANGE.sub(_range, said))
    said = _PARTICLE.sub(lambda found: _PARTICLES[found[1]], said)
    for written, reading in _OWN.items():
        said = said.replace(written, reading)
    if not _KANJI.search(said):
        return said
    return _convert()(said)


def _range(found: re.Match[str]) -> str:
    """Part what rises by "から"; a score such as 3-1 stays."""
    low, high = (float(found[name].replace(",", "")) for name in ("low", "high"))
    return f"{found['low']}から{found['high']}" if low < high else found[0]


def _figure(found: re.Match[str]) -> str:
    minus = "マイナス" if found["minus"] else ""
    return minus + _counted(found)


def _counted(found: re.Match[str]) -> str:
    number, scales, tail = found["n"].replace(",", ""), found["scales"], found["tail"] or ""
    whole = int(number) if number.isdecimal() and not scales else 0
    if number + tail in _SPECIAL and not scales:
        return _SPECIAL[number + tail]
    if tail == "月" and 1 <= whole <= 12:
        return f"{_MONTHS[whole - 1]}がつ"
    if tail == "日" and whole in _DAYS:
        return _DAYS[whole]
    said = count(number) + "".join(_SCALES[scale] for scale in scales)
    return said + _COUNTED.get(tail, "") + _SIGNS.get(found["sign"] or "", "")


def count(number: str) -> str:
    """Return a number in kana; digits with "." before a fraction."""
    whole, _, part = number.partition(".")
    if len(whole) > 4 * len(_MYRIADS) or re.match("0[0-9]", whole):
        return "".join(_DIGITS[int(digit)] for digit in whole)
    said = _whole(int(whole)) or _DIGITS[0]
    return f"{said}てん{''.join(_DIGITS[int(digit)] for digit in part)}" if part else said


def _whole(number: int) -> str:
    said = ""
    for place in range(len(_MYRIADS) - 1, -1, -1):
        four = number // 10 ** (4 * place) % 10_000
        said += _four(four) + _MYRIADS[place] if four else ""
    return said


def _four(number: int) -> str:
    thousand, hundred, ten, one = (number // size % 10 for size in (1000, 100, 10, 1))
    said = ""
    if thousand:
        said += _THOUSANDS.get(thousand) or f"{_DIGITS[thousand] if thousand > 1 else ''}せん"
    if hundred:
        said += _HUNDREDS.get(hundred) or f"{_DIGITS[hundred] if hundred > 1 else ''}ひゃく"
    if ten:
        said += f"{_DIGITS[ten] if ten > 1 else ''}じゅう"
    return said + (_DIGITS[one] if one else "")


@cache
def _convert() -> Callable[[str], str]:
    """Return what reads kanji; it loads its dictionary once a process."""
    if find_spec("pykakasi") is None:
        raise OperatorNeeded("Japanese with kanji needs a dictionary of readings.", mend=_MEND)
    kakasi = import_module("pykakasi").kakasi()
    return lambda text: "".join(piece["hira"] for piece in kakasi.convert(text))
