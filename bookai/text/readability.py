"""How a text sounds: length in seconds, sentence length, school grade, repetition."""

import re
from collections import Counter

from bookai.text.words import spoken_words, tokens, words

WORDS_PER_MINUTE = 150


def seconds(text: str, words_per_minute: float = WORDS_PER_MINUTE) -> float:
    """Return how long a voice needs for `text`, seconds; numbers count as they are spoken."""
    return round(60 * spoken_words(text) / words_per_minute, 1)


def grade(text: str) -> float:
    """Return the Flesch-Kincaid school grade of an English text."""
    found = words(text)
    if not found:
        return 0.0
    parts = [part for part in re.split(r"[.!?]+(?:\s|$)", text) if part.strip()]
    syllables = sum(_syllables(word) for word in found)
    return round(0.39 * len(found) / max(1, len(parts)) + 11.8 * syllables / len(found) - 15.59, 1)


def repeated(lines: tuple[str, ...], share: float = 0.8) -> str | None:
    """Return a line that says what an earlier one said, word for word or nearly; None if none."""
    seen: list[Counter[str]] = []
    for line in lines:
        bag = Counter(tokens(line))
        for other in seen:
            common = sum((bag & other).values())
            if common > 3 and common >= share * max(bag.total(), other.total()):
                return line
        seen.append(bag)
    return None


def _syllables(word: str) -> int:
    lowered = word.lower()
    count = len(re.findall(r"[aeiouy]+", lowered))
    return max(1, count - (lowered.endswith("e") and len(lowered) > 3 and count > 1))
