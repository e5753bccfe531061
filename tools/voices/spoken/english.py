"""English as it is said: one spoken text for each shown token, so that times map back.

A token is what stands between two white spaces. Nothing here joins or drops tokens: "$2.9 million"
stays two, said as "two point nine" and "million dollars".
"""

# ruff: noqa: RUF001 (these are the characters that people type)

import re
from collections.abc import Callable, Sequence

from tools.voices.spoken.english_numbers import NUMBER, cardinal, number, ordinal, plural, year
from tools.voices.spoken.english_words import (
    ABBREVIATIONS,
    CURRENCIES,
    MONTHS,
    SCALES,
    SPELLED_ENDINGS,
    UNITS,
)

_OPENING = "\"'([{“‘«‹¿¡*_"
_CLOSING = "\"')]}”’»›*_"
_STOPS = ",.;:!?…"
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_N = f"(?:{NUMBER})"


def say_tokens(tokens: Sequence[str]) -> list[str]:
    """Return what is said for each token; "" for one that is only shown."""
    spoken = []
    owed = ""
    for at, token in enumerate(tokens):
        core, stop = _peel(token)
        following = _peel(tokens[at + 1])[0].lower() if at + 1 < len(tokens) else ""
        money = _money(core, scale_follows=following in SCALES and not stop)
        if money is not None:
            said, owed = money
        elif owed:
            said, owed = f"{_say(core)} {owed}", ""
        elif at and core.lower() in UNITS and tokens[at - 1][-1:].isdigit():
            said = UNITS[core.lower()]
        else:
            said = _say(core)
        spoken.append(said + stop if said else ("," if token in ("—", "–", "-") else ""))
    return spoken


def _peel(token: str) -> tuple[str, str]:
    """Split a token into what is said and the stop that shapes the melody after it."""
    core = token.lstrip(_OPENING)
    end = core.rstrip(_CLOSING + _STOPS)
    tail = core[len(end) :]
    stop = next((mark for mark in tail if mark in _STOPS), "")
    dotted = f"{end}."
    if stop == "." and (dotted.lower() in ABBREVIATIONS or _INITIALS.fullmatch(dotted)):
        # The dot belongs to the word; only a second stop is one.
        return dotted, next((mark for mark in tail[1:] if mark in _STOPS), "")
    return end, "." if stop == "…" else stop


def _money(core: str, *, scale_follows: bool) -> tuple[str, str] | None:
    """Return what is said and what is owed to the next token, or None when it is no money."""
    found = _MONEY.fullmatch(core)
    if not found:
        return None
    sign, amount, scale = found["sign"], found["amount"], (found["scale"] or "").lower()
    one, small = CURRENCIES[sign]
    many = one if one == "yen" else f"{one}s"
    if scale:
        return f"{number(amount)} {SCALES[scale]} {many}", ""
    if scale_follows:
        return number(amount), many
    whole, _, cents = amount.partition(".")
    if len(cents) == 2:
        tail = f" and {cardinal(int(cents))} {small}" if int(cents) else ""
        return f"{number(whole)} {one if whole == '1' else many}{tail}", ""
    return f"{number(amount)} {one if amount == '1' else many}", ""


def _say(core: str) -> str:
    """Return the words of one token without its stops."""
    known = ABBREVIATIONS.get(core.lower())
    if known is not None:
        return known
    for pattern, words in _RULES:
        found = pattern.fullmatch(core)
        if found:
            return words(found)
    if core.startswith(("http://", "https://", "www.")) or _DOMAIN.fullmatch(core):
        return _address(core)
    parts = re.split(r"[-‐‑–—/_]+", core)
    if len(parts) > 1:
        # "re-election" is one word to the engine; "A-10" is not.
        glue = "-" if "-" in core and all(part.isalpha() for part in parts) else " "
        return glue.join(filter(None, (_say(part) for part in parts)))
    return _letters_and_digits(core)


def _letters_and_digits(core: str) -> str:
    """Say "18F" as "eighteen F" and drop what has no sound."""
    runs = re.findall(r"\d+|[^\W\d_]+(?:['’][^\W\d_]+)*", core)
    said = (number(run) if run.isdecimal() and run.isascii() else run for run in runs)
    return " ".join(said).replace("’", "'")


def _address(core: str) -> str:
    """Say only the host: nobody types a path from a video."""
    host = re.sub(r"^(https?://)?(www\.)?", "", core).partition("/")[0]
    parts = host.split(".")
    return " dot ".join(SPELLED_ENDINGS.get(p.lower()) or _letters_and_digits(p) for p in parts)


def _clock(found: re.Match[str]) -> str:
    hour, minute = int(found["hour"]), int(found["minute"])
    half = " ".join((found["half"] or "").upper())
    if minute == 0:
        said = cardinal(hour) if half else f"{cardinal(hour)} o'clock"
    else:
        said = f"{cardinal(hour)} {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    return f"{said} {half}".strip()


def _date(found: re.Match[str]) -> str:
    month = MONTHS[int(found["month"]) - 1]
    return f"{month} {ordinal(int(found['day']))} {year(int(found['year']))}"


def _range(found: re.Match[str]) -> str:
    low, high, tail = found["low"], found["high"], found["tail"] or ""
    # "747-8F" is a name.
    rises = not tail.isalpha() or _value(low) < _value(high)
    return f"{_say(low)} {'to ' if rises else ''}{_say(high + tail)}"


def _value(figure: str) -> float:
    return float(figure.replace(",", ""))


def _signed(found: re.Match[str]) -> str:
    sign = {"-": "minus ", "−": "minus ", "+": "plus ", "~": "about ", "≈": "about "}
    return sign[found["sign"]] + _say(found["rest"])


_INITIALS = re.compile(r"(?:[A-Za-z]\.){2,}")
_DOMAIN = re.compile(r"[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)+")
_MONEY = re.compile(
    rf"(?:US|A|C|NZ)?(?P<sign>[$€£¥₹])(?P<amount>{NUMBER})"
    r"(?:-?(?P<scale>[kKmMbB]|mn|bn|tn|thousand|million|billion|trillion))?"
)
_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"(?P<n>1[1-9]\d\d|20[1-9]\d)"), lambda m: year(int(m["n"]))),
    (re.compile(NUMBER), lambda m: number(m[0])),
    (
        re.compile(r"(?P<n>\d{1,9})(?:st|nd|rd|th)", re.IGNORECASE),
        lambda m: ordinal(int(m["n"])),
    ),
    (re.compile(r"(?P<n>1[1-9]\d0|20[1-9]0)[’']?s"), lambda m: plural(year(int(m["n"])))),
    (re.compile(r"[’']?(?P<n>[2-9]0)s"), lambda m: plural(cardinal(int(m["n"])))),
    (
        re.compile(r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])"),
        _date,
    ),
    (
        re.compile(
            rf"(?P<low>{_N})[-–—](?P<high>{_N})(?P<tail>-?(?:{_UNIT})|[a-z]{{1,3}})?",
            re.IGNORECASE,
        ),
        _range,
    ),
    (
        re.compile(r"(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?P<half>am|pm)?", re.IGNORECASE),
        _clock,
    ),
    (
        re.compile(rf"(?P<n>{_N})-?(?P<unit>{_UNIT})", re.IGNORECASE),
        lambda m: f"{_say(m['n'])} {UNITS[m['unit'].lower()]}",
    ),
    (
        re.compile(rf"(?P<n>{_N})(?P<scale>[kKMB]|mn|bn|tn)"),
        lambda m: f"{number(m['n'])} {SCALES[m['scale'].lower()]}",
    ),
    (
        re.compile(r"v?(?P<n>\d{1,4}(?:\.\d{1,4}){2,})"),
        lambda m: " point ".join(cardinal(int(part)) for part in m["n"].split(".")),
    ),
    (re.compile(rf"(?P<sign>[-−+~≈])(?P<rest>{_N}(?:{_UNIT})?)", re.IGNORECASE), _signed),
    (
        re.compile(rf"(?P<n>{_N})(?P<w>[A-Za-z]{{1,3}})"),
        lambda m: f"{number(m['n'])} {m['w']}",
    ),
    (re.compile(r"#(?P<n>\d{1,6})"), lambda m: f"number {cardinal(int(m['n']))}"),
    (re.compile(r"#(?P<w>\w+)"), lambda m: f"hashtag {_letters_and_digits(m['w'])}"),
    (re.compile(r"@(?P<w>\w+)"), lambda m: f"at {_letters_and_digits(m['w'])}"),
    (_INITIALS, lambda m: " ".join(m[0].replace(".", "").upper())),
    (re.compile(r"(?P<w>[A-Z]{2,6})s"), lambda m: f"{' '.join(m['w'])}'s"),
)
