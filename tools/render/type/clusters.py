"""What a reader takes for one letter: never broken, never set in two fonts."""

import unicodedata

LONGEST = 24
"""More code points than any real letter has: a longer pile of marks is cut there."""
_VIRAMA = 9
_NO_JOINER = "\u0e3a\u103a"  # Thai phinthu, Myanmar asat: they end a letter
_LEADING = "เแโใไເແໂໃໄ"  # vowels written before the consonant that they belong to
_TRAILING = "\u0e33\u0eb3"  # Thai and Lao "am"
ZWJ = "\u200d"


def clusters(text: str) -> list[str]:
    """Return the text in letters with their marks; joined, they are the text."""
    found: list[str] = []
    for letter in text:
        if found and len(found[-1]) < LONGEST and _joins(found[-1][-1], letter):
            found[-1] += letter
        else:
            found.append(letter)
    return found


def _joins(before: str, letter: str) -> bool:
    if "\x20" < letter < "\u0300" and "\x20" < before < "\u0300":
        return False
    if before.isspace():
        return False
    if unicodedata.category(letter) in ("Mn", "Mc", "Me") or letter in _TRAILING + ZWJ + "\u200c":
        return True
    if before == ZWJ or before in _LEADING:
        return letter.isalpha()
    if unicodedata.combining(before) == _VIRAMA and before not in _NO_JOINER:
        return letter.isalpha()
    # Conjoining Hangul: a vowel or final after what came before it.
    return "\u1160" <= letter <= "\u11ff" and "\u1100" <= before <= "\u11ff"
