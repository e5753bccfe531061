"""How well an item fits a topic, by the words they share."""

import re

from rapidfuzz import fuzz

MIN_MATCH = 0.6
_SMALL_WORDS = frozenset(
    {"a", "about", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "how", "in"}
    | {"is", "it", "its", "new", "of", "on", "or", "that", "the", "this", "to", "was", "what"}
    | {"when", "where", "which", "who", "why", "will", "with"}
)


def fit(topic: str, title: str, summary: str) -> float:
    """Return 0 to 1: how many of the topic's words an item has, the title counting most.

    Letters alone do not make a match: "art" is not in "party". So likeness of spelling only ranks
    items that share a word, and one shared word of a topic of many is not enough.
    """
    wanted = words(topic)
    in_title = wanted & words(title)
    anywhere = in_title | (wanted & words(summary))
    if not anywhere:
        return 0.0
    share = (0.7 * len(in_title) + 0.3 * len(anywhere)) / len(wanted)
    likeness = fuzz.token_set_ratio(topic.lower(), title.lower()) / 100
    return round(0.85 * max(share, 0.75 * len(anywhere) / len(wanted)) + 0.15 * likeness, 3)


def words(text: str) -> frozenset[str]:
    """Return the words that carry meaning, plural or not."""
    found = re.findall(r"[^\W_]+(?:['.+#-]+[^\W_]+)*[+#]*", text.lower())
    kept = frozenset(_stem(word) for word in found if word not in _SMALL_WORDS)
    return kept or frozenset(found)


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
