"""What is said for each token of a line, in any language."""

import re
from collections.abc import Sequence
from functools import cache

from tools.voices.spoken import japanese
from tools.voices.spoken.english import say_tokens
from tools.voices.spoken.plain import STOPS, clip, plain_figures, plain_tokens, sounding
from tools.voices.spoken.tongues.east import ARABIC, GREEK, HEBREW, HINDI, RUSSIAN
from tools.voices.spoken.tongues.far import CHINESE, KOREAN, THAI
from tools.voices.spoken.tongues.tongue import Place, Reader, Tongue, fold_digits
from tools.voices.spoken.tongues.west import FRENCH, GERMAN, ITALIAN, PORTUGUESE, SPANISH

TONGUES: dict[str, Tongue] = {
    "ar": ARABIC,
    "de": GERMAN,
    "el": GREEK,
    "es": SPANISH,
    "fr": FRENCH,
    "he": HEBREW,
    "hi": HINDI,
    "it": ITALIAN,
    "ko": KOREAN,
    "pt": PORTUGUESE,
    "ru": RUSSIAN,
    "th": THAI,
    "zh": CHINESE,
}
_OPENING = "\"'([{“‘«‹„¿¡*_「『（《"  # noqa: RUF001 (quotes as people type them)
_CLOSING = "\"')]}”’»›“*_」』）》"  # noqa: RUF001
_GROUP = re.compile(r"\d{3}(?:[.,]\d+)?")


def say(tokens: Sequence[str], language: str) -> list[str]:
    """Return what is said for each token; "" for one that is only shown.

    Raises:
        OperatorNeeded: the language needs a dictionary that is not installed.
    """
    short = [clip(token.strip()) for token in tokens]
    clipped = [plain_figures(one, before) for before, one in zip(["", *short], short, strict=False)]
    if language == "en":
        return say_tokens(clipped)
    if language == "ja":
        return plain_tokens(list(map(japanese.read, clipped, ["", *clipped])))
    if language not in TONGUES:
        return plain_tokens(clipped)
    said = _Line(clipped, _reader(language)).say()
    if language != "zh":
        return said
    spaced = (token[-1:].isspace() for token in tokens)
    return [words + " " * space for words, space in zip(said, spaced, strict=True)]


@cache
def _reader(language: str) -> Reader:
    return Reader(TONGUES[language])


class _Line:
    """The tokens of one line, read one after the other."""

    def __init__(self, tokens: Sequence[str], reader: Reader) -> None:
        self._shown = tokens
        self._parts = [_peel(fold_digits(token)) for token in tokens]
        self._reader = reader

    def say(self) -> list[str]:
        said: list[str] = []
        owed = ""
        at = 0
        while at < len(self._parts):
            core, stop = self._parts[at]
            sign, number = self._reader.split_money(core)
            if sign and self._reader.is_scale(self._core(at + 1)):
                core, owed = number, sign
            joined, used = self._whole_number(at)
            if self._sign_of_the_next(at):
                said.append("")
                owed = core
                at += 1
                continue
            pair = self._reader.pair(core + stop, self._dotted(at + 1))
            if pair:
                said += pair
                at += 2
                continue
            words, stop = self._read(at, joined if used > 1 else core, used)
            if owed and not self._reader.is_scale(self._core(at + used)):
                words, owed = f"{words} {self._reader.money(owed, joined)}", ""
            said.append(self._ended(words, self._pause(at, used, words, stop), at))
            said += [""] * (used - 1)
            at += used
        return [self._spoken(words) for words in said]

    def _sign_of_the_next(self, at: int) -> bool:
        """Whether the token is the "R$" of "R$ 5": it is said after its number."""
        core, stop = self._parts[at]
        before = self._core(at - 1)
        counted = before[-1:].isdigit() or self._reader.is_scale(before)
        follows = self._core(at + 1)[:1].isdigit()
        return self._reader.is_sign(core) and not stop and follows and not counted

    def _pause(self, at: int, used: int, words: str, stop: str) -> str:
        """Keep two numbers apart: the engine takes "2024 500" for one."""
        apart = not stop and words[-1:].isdigit() and self._core(at + used)[:1].isdigit()
        return "," if apart else stop

    def _read(self, at: int, core: str, used: int) -> tuple[str, str]:
        """Return the words of a token and the stop that is still one."""
        stop = self._parts[at + used - 1][1]
        before, after = self._core(at - 1), self._core(at + used)
        if stop == ".":
            dotted = Place(f"{core}.", before, after)
            words = self._reader.known(dotted)
            if words is not None:
                return words, ""
        follows = self._reader.follows_scale(core, before)
        return follows or self._reader.read(Place(core, before, after)), stop

    def _whole_number(self, at: int) -> tuple[str, int]:
        """Return a number that spaces group in thousands, and how many tokens it takes."""
        number, used = self._core(at), 1
        if not re.fullmatch(r"\d{1,3}", number) or self._stop(at) or not self._reader.spaces:
            return number, 1
        while _GROUP.fullmatch(self._core(at + used)):
            number += self._core(at + used)
            used += 1
            if self._stop(at + used - 1) or not number.isdigit():
                break
        return number, used

    def _core(self, at: int) -> str:
        return self._parts[at][0] if 0 <= at < len(self._parts) else ""

    def _stop(self, at: int) -> str:
        return self._parts[at][1] if at < len(self._parts) else ""

    def _dotted(self, at: int) -> str:
        return self._core(at) + self._stop(at)

    def _ended(self, words: str, stop: str, at: int) -> str:
        if not words:
            return "," if self._shown[at] in ("—", "–", "-") else ""  # noqa: RUF001 (dashes)
        return words + stop

    def _spoken(self, words: str) -> str:
        return words if words == "," else sounding(words)


def _peel(token: str) -> tuple[str, str]:
    """Split a token into what is said and the stop that shapes the melody after it."""
    core = token.lstrip(_OPENING)
    end = core.rstrip(_CLOSING + STOPS)
    stop = next((mark for mark in core[len(end) :] if mark in STOPS), "")
    return end, "." if stop == "…" else stop
