"""Whether a text is written as its language is: no voice reads Greek letters as Hindi."""

import unicodedata
from collections import Counter
from functools import lru_cache

from bookai.errors import Refused

# Languages that are not written in Latin letters, and the first word of their letters' names.
WRITINGS = {
    **dict.fromkeys(("be", "bg", "mk", "ru", "uk"), ("CYRILLIC",)),
    **dict.fromkeys(("az", "bs", "kk", "sr", "uz"), ("CYRILLIC", "LATIN", "ARABIC")),
    **dict.fromkeys(("ar", "fa", "ur"), ("ARABIC",)),
    **dict.fromkeys(("hi", "mr", "ne"), ("DEVANAGARI",)),
    "bn": ("BENGALI",),
    "el": ("GREEK",),
    "gu": ("GUJARATI",),
    "he": ("HEBREW",),
    "hy": ("ARMENIAN",),
    "ja": ("CJK", "HIRAGANA", "KATAKANA"),
    "ka": ("GEORGIAN",),
    "kn": ("KANNADA",),
    "ko": ("HANGUL",),
    "ml": ("MALAYALAM",),
    "pa": ("GURMUKHI", "ARABIC"),
    "ta": ("TAMIL",),
    "te": ("TELUGU",),
    "th": ("THAI",),
    "zh": ("CJK",),
}
LATIN = ("LATIN",)
# Names and quotes of other writings are at home everywhere; most of a text is not.
LEAST_SHARE = 0.3
FEWEST_LETTERS = 12


def refuse_another_writing(text: str, language: str) -> None:
    """Raise where most letters are of a writing that the language does not use.

    Raises:
        Refused: the text is in another language than the script says.
    """
    own = WRITINGS.get(language, LATIN)
    counted = Counter(_writing(letter) for letter in text if letter.isalpha())
    letters = counted.total()
    if letters < FEWEST_LETTERS or sum(counted[name] for name in own) >= LEAST_SHARE * letters:
        return
    most = counted.most_common(1)[0][0].capitalize()
    raise Refused(
        f"The script says its language is {language!r}, but most of its letters are {most}: "
        "correct the language, or write it again."
    )


@lru_cache(4096)
def _writing(letter: str) -> str:
    name = unicodedata.name(letter, "unnamed").removeprefix("FULLWIDTH ").removeprefix("HALFWIDTH ")
    return name.partition(" ")[0]
