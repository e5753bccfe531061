"""Which way each letter of a line reads, and in which order its parts stand (UAX #9).

Only what a line needs: the texts have no embedding controls left when they come here.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
_RTL_LANGUAGES = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_BRACKETS = {"(": ")", "[": "]", "{": "}"}


def right_to_left(text: str) -> bool:
    """Tell whether a text reads from the right: its first strong letter decides."""
    for letter in text:
        direction = unicodedata.bidirectional(letter)
        if direction in {"L", "R", "AL"}:
            return direction != "L"
    return False


def reads_from_right(text: str, language: str = "") -> bool:
    """Tell whether a line of a language reads from the right, also where it begins with "iPhone".

    `language` is a tag such as "ar"; "" lets the first strong letter decide.
    """
    if language.lower().replace("_", "-").split("-")[0] in _RTL_LANGUAGES:
        return has_rtl(text)
    return right_to_left(text)


def has_rtl(text: str) -> bool:
    """Tell whether any letter of a text reads from the right."""
    return any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text)


def levels(text: str, *, rtl: bool) -> list[int]:
    """Return each letter's embedding level in a line; odd ones read from the right."""
    base = int(rtl)
    kinds = _weak([unicodedata.bidirectional(letter) or "L" for letter in text], base)
    _pair_brackets(text, kinds, base)
    _neutral(kinds, base)
    found = []
    for kind in kinds:
        raised = kind in ("EN", "AN") or (kind == "R") == (base == 0)
        found.append(base + (2 if base == 0 and kind in ("EN", "AN") else int(raised)))
    for k in range(len(text) - 1, -1, -1):
        if not text[k].isspace():
            break
        found[k] = base
    return found


def visual(items: Sequence[T], level: Callable[[T], int]) -> list[T]:
    """Return items of a line from left to right, given each one's level."""
    shown = list(items)
    marks = [level(item) for item in shown]
    for bound in range(max(marks, default=0), 0, -1):
        first = 0
        while first < len(shown):
            last = first
            while last < len(shown) and marks[last] >= bound:
                last += 1
            shown[first:last] = shown[first:last][::-1]
            marks[first:last] = marks[first:last][::-1]
            first = last + 1
    return shown


def _weak(kinds: list[str], base: int) -> list[str]:
    """Resolve marks, numbers and what stands at them (rules W1 to W7)."""
    own = "R" if base else "L"
    kinds = _after_strong(kinds, own)
    for k in range(1, len(kinds) - 1):
        left, right = kinds[k - 1], kinds[k + 1]
        joins = left == right and (left == "EN" or (left == "AN" and kinds[k] == "CS"))
        if kinds[k] in ("ES", "CS") and joins:
            kinds[k] = left
    _join_terminators(kinds)
    strong = own
    for k, kind in enumerate(kinds):
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[k] = "L"
        elif kind not in ("EN", "AN"):
            kinds[k] = "ON"
    return kinds


def _after_strong(kinds: Sequence[str], own: str) -> list[str]:
    """Resolve marks by what they stand on and numbers by the letters before (W1 to W3)."""
    strong = before = own
    resolved = []
    for kind in kinds:
        before = before if kind in ("NSM", "BN") else kind
        if before in ("L", "R", "AL"):
            strong = before
        elif before == "EN" and strong == "AL":
            before = "AN"
        resolved.append("R" if before == "AL" else before)
    return resolved


def _join_terminators(kinds: list[str]) -> None:
    """Give currency and percent signs to the number that they touch (rule W5)."""
    for order in (range(1, len(kinds)), range(len(kinds) - 2, -1, -1)):
        step = order.step
        for k in order:
            if kinds[k] == "ET" and kinds[k - step] == "EN":
                kinds[k] = "EN"


def _side(kind: str) -> str:
    """Return the side that a resolved kind stands for among neutrals: numbers count as R."""
    return {"EN": "R", "AN": "R"}.get(kind, kind)


def _pair_brackets(text: str, kinds: list[str], base: int) -> None:
    """Let both brackets of a pair go with what they hold (rule N0)."""
    own = "R" if base else "L"
    for first, last in sorted(_pairs(text, kinds)):
        inside = {_side(kind) for kind in kinds[first + 1 : last]} - {"ON"}
        if own in inside:
            kinds[first] = kinds[last] = own
        elif inside:
            strong = (_side(kind) for kind in kinds[first - 1 :: -1] if kind != "ON")
            before = next(strong, own) if first else own
            kinds[first] = kinds[last] = before


def _pairs(text: str, kinds: Sequence[str]) -> Iterable[tuple[int, int]]:
    open_ones: list[tuple[str, int]] = []
    for k, letter in enumerate(text):
        if kinds[k] != "ON":
            continue
        if letter in _BRACKETS:
            open_ones.append((_BRACKETS[letter], k))
        elif any(letter == closing for closing, _ in open_ones):
            while open_ones:
                closing, first = open_ones.pop()
                if closing == letter:
                    yield first, k
                    break


def _neutral(kinds: list[str], base: int) -> None:
    """Give neutrals the side on which both their neighbours are, else the line's (N1, N2)."""
    own = "R" if base else "L"
    k = 0
    while k < len(kinds):
        if kinds[k] != "ON":
            k += 1
            continue
        last = k
        while last < len(kinds) and kinds[last] == "ON":
            last += 1
        left = _side(kinds[k - 1]) if k else own
        right = _side(kinds[last]) if last < len(kinds) else own
        kinds[k:last] = [left if left == right else own] * (last - k)
        k = last
