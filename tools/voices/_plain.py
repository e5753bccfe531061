"""What is said for a token in any language: the token itself, without what has no sound."""

import re
import unicodedata
from collections.abc import Sequence

# Nobody listens to a word of 10,000 letters; it is shown in full and said in part.
LONGEST_WORD = 40

_STOPS = ",.;:!?…،؛؟।"
_SILENT_CATEGORIES = frozenset({"So", "Sk", "Cc", "Cs", "Co", "Cn"})


def clip(token: str) -> str:
    """Return the part of a token that is spoken: its end, with its stop, is kept when too long."""
    if len(token) <= LONGEST_WORD:
        return token
    stop = re.search(f"[{re.escape(_STOPS)}]$", token)
    return token[:LONGEST_WORD] + (stop[0] if stop else "")


def plain_tokens(tokens: Sequence[str]) -> list[str]:
    """Return what is said for each token; "" for one that is only shown."""
    return [_plain(token) for token in tokens]


def _plain(token: str) -> str:
    kept = "".join(
        letter
        for letter in clip(token)
        if unicodedata.category(letter) not in _SILENT_CATEGORIES and letter not in "<>[]{}*_|\\"
    )
    if any(letter.isalnum() for letter in kept):
        return kept
    return "," if token in ("—", "–") else ""  # noqa: RUF001 (dashes as people type them)
