"""Pictures and clips whose own words fit the sentence: a match of rare words, never a guess."""

from collections import Counter
from collections.abc import Iterator

from bookai.film.material import Media
from bookai.film.shots import Candidate, ClipShot, ImageShot
from bookai.text.words import stem
from tools.render.shots.finders.phrases import cut_bare
from tools.render.shots.reading.lexicon import Lexicon
from tools.render.shots.told import Told

MOST_CAPTION_CHARS = 90
LEAST_SCORE, MOST_SCORE, A_WORD = 0.45, 0.96, 0.2
UNTOLD = 0.35  # the operator's own picture without a word about what it shows
ONLY_BY_WISH = 0.05  # nothing in common: shown only where the operator swaps it in


def find_media(told: Told) -> Iterator[Candidate]:
    """Yield every picture and clip, by how much its words share with the sentence."""
    media = told.material.media
    if not media:
        return
    said = _stems(told.text, told.words)
    about = [_stems(one.words, told.words) for one in media]
    common = Counter(word for words in about for word in words)
    title = _stems(told.title, told.words)
    for number, one in enumerate(media):
        shared = said & about[number]
        # A word that every picture has, or that the title has, tells little about this one.
        weight = sum((0.6 if word in title else 1.0) / common[word] for word in shared)
        yield Candidate(
            shot=_shot(number, one), score=_score(one, weight), why=_why(one, sorted(shared))
        )


def _stems(text: str, words: Lexicon) -> set[str]:
    return {stem(word) for word in cut_bare(text, words) if len(word) > 1 or not words.spaced}


def _score(media: Media, weight: float) -> float:
    if weight:
        return round(min(MOST_SCORE, LEAST_SCORE + A_WORD * weight), 3)
    return UNTOLD if media.origin == "operator" and not media.words.strip() else ONLY_BY_WISH


def _why(media: Media, shared: list[str]) -> str:
    if shared:
        return f"what it shows and the sentence share: {', '.join(shared)}"
    if media.words.strip():
        return "what it shows has no word in common with the sentence"
    return "nothing tells what it shows"


def _shot(number: int, media: Media) -> ImageShot | ClipShot:
    caption = media.words.strip()
    if len(caption) > MOST_CAPTION_CHARS:
        caption = caption[:MOST_CAPTION_CHARS].rpartition(" ")[0]
    if media.kind == "clip":
        return ClipShot(media=number, caption=caption)
    return ImageShot(media=number, caption=caption)
