"""Words of an English text, as the checks and the scoring compare them."""

import re

WORD = re.compile(r"[^\W_]+(?:[.,'\u2019\-][^\W_]+)*")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a list written as one text."""
    return frozenset(text.split())


FUNCTION_WORDS = word_set(
    "a about above across after again against all almost along also although am among an and any "
    "are around as at away back be became because become been before behind being below between "
    "both but by came can cannot come could did do does done down during each either else enough "
    "even ever every few first for from further get go going gone got had has have having he her "
    "here hers herself him himself his how however i if in into is it its itself just last least "
    "less let like made make many may me might mine more most much must my myself near neither "
    "never new next no nor not now of off often on once one only onto or other others our ours out "
    "over own part per put quite rather said same saw say says see seem several shall she should "
    "since so some still such take than that the their theirs them themselves then there these "
    "they this those though three through throughout thus to together told too toward towards two "
    "under until up upon us use used very via was we well went were what when where whether which "
    "while who whole whom whose why will with within without would yes yet you your"
)


def words(text: str) -> list[str]:
    """Return the words of `text` as written, numbers with their commas and points."""
    return WORD.findall(text)


def tokens(text: str) -> list[str]:
    """Return the words of `text` for comparing: lower case, numbers without commas."""
    return [_plain(word) for word in words(text)]


def content_words(text: str) -> set[str]:
    """Return what `text` is about: stems of its words that are no function words."""
    return {stem(word) for word in tokens(text) if len(word) > 1 and word not in FUNCTION_WORDS}


def stem(word: str) -> str:
    """Cut the commonest English endings, so that "seconds" meets "second"."""
    for ending in ("'s", "ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4 and not word.endswith("ss"):
            return word[: -len(ending)].rstrip("e")
    return word.rstrip("e") if len(word) > 4 else word


def spoken_words(text: str) -> int:
    """Count the words a voice says: "1,250" is four words, "2035" three."""
    count = 0
    for word in words(text):
        digits = sum(char.isdigit() for char in word)
        count += 1 if digits < 2 else (digits + 2) // 2
    return count + len(re.findall(r"[%$£€]", text))


def _plain(word: str) -> str:
    lowered = word.lower().replace("\u2019", "'")
    return lowered.replace(",", "") if _NUMBER.fullmatch(lowered) else lowered
