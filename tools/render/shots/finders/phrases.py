"""A name or the most telling words of a sentence: there is always one, in any language."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from bookai.film.shots import Candidate, PhraseShot
from bookai.text.verbs import has_finite_verb
from tools.render.shots.reading.lexicon import Lexicon, month_numbers
from tools.render.shots.reading.tokens import Token, amid_name, bare, cut
from tools.render.shots.told import Told

MOST_PHRASE_CHARS = 44
MOST_UNSPACED_CHARS = 14
MOST_NAME_WORDS = 7
MOST_WORDS = 5
MOST_CANDIDATES = 6
ENOUGH_RUNS = 3
NEGATION_WORDS = 3
NAME, RUN, WINDOW, WORD, REST = 0.5, 0.4, 0.34, 0.3, 0.1
_NO_WORD = '$€£¥₹%“”«»״"/@#'
_OWNS = ("'s", "\u2019s")
_WEAK_ENDS = ("ly", "ed", "ing", *_OWNS)


def find_phrases(told: Told) -> Iterator[Candidate]:
    """Yield names first, then runs of words that carry meaning, then whatever there is."""
    title = set(cut_bare(told.title, told.words))
    count = 0
    seen: set[str] = set()
    for text, base, why in _found(told):
        if base < NAME:
            text = _with_its_negation(text, told)
        if not text or text.lower() in seen:
            continue
        seen.add(text.lower())
        shared = len(title & set(cut_bare(text, told.words)))
        score = min(base + 0.09, base + 0.03 * shared) + min(len(text), 24) / 1000
        yield Candidate(shot=PhraseShot(text=text), score=round(score, 3), why=f"{why}: {text}")
        count += 1
        if count == MOST_CANDIDATES:
            return
    if not count:
        last = _most_telling(told)
        yield Candidate(shot=PhraseShot(text=last), score=REST, why="nothing else to show")


def _with_its_negation(phrase: str, told: Told) -> str:
    """Return a phrase with the "not" before it, or "" where both are too long.

    "He was not granted bail" must never be shown as "granted bail".
    """
    at = told.text.find(phrase)
    if at < 0 or not told.words.nots:
        return phrase
    before = [token for token in told.tokens if token.bare_end <= at][-NEGATION_WORDS:]
    for token in reversed(before):
        if token.closes:
            break
        if token.bare.lower().replace("\u2019", "'") in told.words.nots:
            whole = told.text[token.bare_start : at + len(phrase)]
            return whole if len(whole) <= MOST_PHRASE_CHARS else ""
    return phrase


def _with_its_verb(name: str, told: Told) -> str:
    """Return a name with what was done to it: "knocked Reddit offline", not "Reddit offline"."""
    at = next((k for k, token in enumerate(told.tokens) if token.text == name), 0)
    if not 0 < at < len(told.tokens) - 1:
        return name
    before, after = told.tokens[at - 1], told.tokens[at + 1]
    done = after.bare in told.words.after and has_finite_verb(f"it {before.bare}")
    whole = told.text[before.bare_start : after.bare_end]
    return whole if done and not before.closes and len(whole) <= MOST_PHRASE_CHARS else name


def names(tokens: Sequence[Token], text: str, words: Lexicon) -> tuple[str, ...]:
    """Return runs of capitalised words, without the word that merely starts the sentence."""
    if not words.cased:
        return ()
    found: list[str] = []
    run: list[Token] = []
    for token in tokens:
        if run and (token.opens or run[-1].closes):
            found.append(_closed(run, tokens, text, words))
            run = []
        joins = bool(run) and token.text in words.joins
        owned = bool(run) and run[-1].bare.endswith(_OWNS) and _owned(token.bare, words)
        if _capital(token.bare, words) or joins or owned:
            run.append(token)
            continue
        found.append(_closed(run, tokens, text, words))
        run = []
    found.append(_closed(run, tokens, text, words))
    return tuple(_completed(name, tokens, text, words) for name in found if name)


def _completed(name: str, tokens: Sequence[Token], text: str, words: Lexicon) -> str:
    """Return a single capitalised word with the noun behind it: "European nation"."""
    if " " in name or words.code != "en":
        return name
    for one, other in pairwise(tokens):
        if one.text != name or other.opens or not other.bare.islower():
            continue
        whole = f"{name} {other.bare}"
        noun = _plain(other.bare, words) and not _weak(other.bare, words)
        fits = len(whole) <= MOST_PHRASE_CHARS and whole in text
        if noun and fits and not has_finite_verb(whole):
            return whole
    return name


def cut_bare(text: str, words: Lexicon) -> list[str]:
    """Return the words of a text in lower case, those that carry meaning only."""
    return [
        token.bare.lower()
        for token in cut(text, words)
        if token.bare and token.bare.lower() not in words.stop
    ]


def _found(told: Told) -> Iterator[tuple[str, float, str]]:
    for name in sorted(
        names(told.tokens, told.text, told.words), key=lambda name: -min(len(name), 24)
    ):
        yield _with_its_verb(name, told), NAME, "a name"
    runs = _runs(told.tokens, told.text, told.words)
    for run in runs:
        telling = not (told.words.stop and told.words.code == "en") or " " in run
        yield run, RUN if telling and told.words.stop else WORD, "words that carry it"
    if len(runs) < ENOUGH_RUNS:
        yield _window(told), WINDOW, "its weightiest words"
    yield _most_telling(told), REST, "its longest words"


def _capital(bare: str, words: Lexicon) -> bool:
    dated = bare in words.days or bare in month_numbers(words.code)
    return bare[:1].isupper() and bare.lower() not in words.stop and not dated


def _owned(bare: str, words: Lexicon) -> bool:
    """Tell whether a word can end "Earth's ...": "planned" or "largest" leaves it open."""
    open_ended = words.code == "en" and (_weak(bare, words) or bare.endswith("est"))
    return _plain(bare, words) and not open_ended


def _plain(bare: str, words: Lexicon) -> bool:
    letters = bare.replace("-", "").replace("'", "").replace("\u2019", "")
    return letters.isalpha() and bare.lower() not in words.stop


def _closed(run: list[Token], tokens: Sequence[Token], text: str, words: Lexicon) -> str:
    """Return a run as a name, or "" where it is none."""
    while run and run[-1].text in words.joins:
        run = run[:-1]
    if not run or len(run) > MOST_NAME_WORDS:
        return ""
    name = text[run[0].bare_start : run[-1].bare_end]
    if name.endswith(_OWNS) or ("." in name and len(name) < 5):
        return ""
    opens = run[0] is tokens[0]
    alone = len(run) == 1 and (opens or len(name) < 4) and not (name.isupper() and len(name) > 2)
    return "" if alone or len(name) > MOST_PHRASE_CHARS else name


def _runs(tokens: Sequence[Token], text: str, words: Lexicon) -> list[str]:
    """Return runs of content words, the longest first."""
    runs: list[list[Token]] = [[]]
    for token in tokens:
        small = token.bare.lower() in words.stop
        if small or not _carries(token.bare) or token.bare.lower() in words.scales:
            runs.append([])
            continue
        if token.opens or (runs[-1] and not words.spaced and _ends(runs[-1][-1], words)):
            runs.append([])
        runs[-1].append(token)
        if token.closes:
            runs.append([])
    most = _most_chars(words)
    found = {text_of for run in runs for text_of in _phrases(run, text, words, most)}
    return sorted(found, key=lambda phrase: (-len(phrase), text.find(phrase)))


def _most_chars(words: Lexicon) -> int:
    """Return how long a phrase may be; a third of a Thai word's characters are marks above."""
    if words.spaced:
        return MOST_PHRASE_CHARS
    return 2 * MOST_UNSPACED_CHARS if words.code == "th" else MOST_UNSPACED_CHARS


def _carries(bare: str) -> bool:
    """Tell whether a word has letters and their marks, and no figures or quotation marks."""
    letters = any(char.isalpha() for char in bare)
    return letters and not any(char.isdigit() or char in _NO_WORD for char in bare)


def _ends(token: Token, words: Lexicon) -> bool:
    """Tell whether a word of an unspaced script ends what it says, by its particle."""
    return any(token.bare.endswith(particle) for particle in words.particles)


def _phrases(run: list[Token], text: str, words: Lexicon, most: int) -> Iterator[str]:
    """Yield what a run of content words can show: itself, else its last few words."""
    run = run[-MOST_WORDS:]
    while run and _weak(run[-1].bare, words) and words.code == "en":
        run = run[:-1]
    while run and run[0].bare.endswith(("ly", "ed")) and words.code == "en":
        run = run[1:]
    nouns = words.code == "de" and any(token.bare[:1].isupper() for token in run)
    while nouns and run[-1].bare[:1].islower():
        run = run[:-1]
    while run:
        start, end = run[0].bare_start, run[-1].bare_end
        if amid_name(text, start, words):
            run = run[1:]
            continue
        phrase = text[start:end]
        for particle in words.particles:
            if phrase.endswith(particle) and len(phrase) > len(particle) + 1:
                phrase = phrase.removesuffix(particle)
                break
        if len(phrase) <= most:
            break
        run = run[1:]
    else:
        return
    least = 8 if words.spaced else 2
    if len(phrase) >= least and (len(run) > 1 or words.code != "en"):
        yield bare(phrase)


def _weak(bare: str, words: Lexicon) -> bool:
    return bare.endswith(_WEAK_ENDS) or bare.lower() in words.after


def _window(told: Told) -> str:
    """Return the weightiest piece of a sentence that begins and ends with a word of meaning."""
    tokens = [token for token in told.tokens if token.bare]
    weights = [_weight(token.bare, told.words) for token in tokens]
    most = _most_chars(told.words)
    best, found = 0.0, ""
    for at, first in enumerate(tokens):
        weight = weights[at]
        if amid_name(told.text, first.bare_start, told.words):
            continue
        for end in range(at + 1, min(len(tokens), at + MOST_WORDS)):
            last = tokens[end]
            if weights[at] <= 0 or tokens[end - 1].closes or last.opens:
                break
            if last.bare_end - first.bare_start > most:
                break
            weight += weights[end]
            if weight > best and _ends_well(last, told.words):
                best, found = weight, told.text[first.bare_start : last.bare_end]
    return found


def _weight(bare: str, words: Lexicon) -> float:
    """Return how much a word tells: its length, less for adverbs; small words cost a little."""
    if bare.lower() in words.stop:
        return -2.0
    weak = words.code == "en" and bare.endswith("ly")
    return 1.0 if weak else min(len(bare), 10) if words.spaced else 2.0 * len(bare)


def _ends_well(token: Token, words: Lexicon) -> bool:
    weak = words.code == "en" and _weak(token.bare, words)
    return token.bare.lower() not in words.stop and not weak and token.bare not in words.joins


def _most_telling(told: Told) -> str:
    """Return the longest words of a sentence in one piece: for when nothing else is found."""
    tokens = [token for token in told.tokens if token.bare]
    if not tokens:
        return told.text.strip()[:MOST_PHRASE_CHARS] or told.title[:MOST_PHRASE_CHARS]
    heavy = [token for token in tokens if token.bare.lower() not in told.words.stop] or tokens
    longest = max(heavy, key=lambda token: len(token.bare))
    at = tokens.index(longest)
    end = at + 1
    most = _most_chars(told.words)
    for stop in range(at + 1, min(len(tokens), at + 4) + 1):
        if tokens[stop - 1].bare_end - longest.bare_start > most:
            break
        end = stop
        if tokens[stop - 1].closes:
            break
    while end - 1 > at and tokens[end - 1].bare.lower() in told.words.stop:
        end -= 1
    piece = told.text[longest.bare_start : tokens[end - 1].bare_end]
    return piece if len(piece) <= most else piece[:most]
