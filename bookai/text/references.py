"""Words that point back to something the listener has not heard: "The ruling", "he", "Zinichev".

`known` is everything heard so far. English only.
"""

import re
from collections.abc import Mapping, Sequence

from bookai.text.verbs import has_finite_verb
from bookai.text.words import FUNCTION_WORDS, content_words, stem, word_set, words

_OPENING = re.compile(
    r"^\W*(?:it|its|this|that|these|those|he|she|they|him|his|her|their|such|both|another|others?|"
    r"here|there(?! (?:is|are|was|were|has|have|will)\b)|also|so|then|thus|therefore|"
    r"one of the|some of the|many of the|most of the|part of the|all of the|none of the|each|"
    r"neither|either|similar\w*|additional|further\w*|more|the (?:former|latter|others?|same|two|"
    r"three|four|five|pair|trio|rest|move|latest)|in (?:doing so|turn|response|return|addition|"
    r"contrast|total|particular)|as (?:such|well|a result)|for (?:this|that|example|instance)|"
    r"on the other hand|by (?:contrast|comparison)|at (?:that|the) (?:time|same time)|"
    r"because of (?:this|that)|after (?:this|that|which)|instead|rather|likewise|afterwards?|later|"
    r"none|nobody else|there (?:is|are|was|were) (?:an?other|a second|a third|other|more)|"
    r"the (?:first|last|next|new|other|latest|only) ones?|earlier|previously|ultimately|finally|"
    r"eventually|nevertheless|nonetheless|still|unlike|"
    r"following (?:this|that|the)|according to (?:the|him|her|them))\b",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"\b(?:this|these|those|(?:in|on|at|of|for|by|after|with|from|during|since) that)\s+"
    r"(?!year|month|week|was|is|are|were|the|a|an|it|he|she|they|"
    r"of|who|which|in|at|on|has|have|had|will|would|can|could|may|might|must|should|do|does|did)"
    r"[a-z]+|\bthe (?:same|latter|former|aforementioned)\b|\bas mentioned\b|\banother one\b|"
    r"\bdo(?:es|ing)? so\b|\b(?:above|below)[.,]",
    re.IGNORECASE,
)
_PERSON_PRONOUN = re.compile(r"\b(?:he|she|his|her|him|hers)\b", re.IGNORECASE)
_THING_PRONOUN = re.compile(r"^(?:\W*\w+\W+){0,4}?(?:it|its|they|them|their|theirs)\b", re.I)
_PERSON = re.compile(
    r"\b(?!(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b)[A-Z][\w'-]+|\b(?:man|woman|boy|girl|minister|president|spokes\w+|leader|officer|driver|"
    r"judge|author|scientist|researcher|player|singer|actor|actress|doctor|pilot|engineer|student|"
    r"teacher|official|mother|father|victim|suspect)\b"
)
# "indicated the baby girl was ill": which girl?
_SOMEBODY = re.compile(
    r"\bthe (?:\w+ )?(man|woman|boy|girl|baby|child|driver|suspect|victim|defendant|gunman|couple|"
    r"pair|inventor|messages?|tape|letter|incident|accident)\b(?! (?:who|that|of|which|in)\b)"
)
_DEFINITE = re.compile(
    r"^\W*(?:the|both|all) ((?:[\w'\u2019-]+ ){0,4}?[\w'\u2019-]+)(?=[\s,.;:]|$)", re.I
)
_SELF_DEFINED = word_set("of for in that which who whose to where")
_UNIQUE = word_set(
    "world internet web earth sun moon sky sea ocean universe public government president country "
    "state economy future past present weather planet human united first last idea reason result "
    "problem question answer trouble difference fact best worst biggest largest oldest longest "
    "fastest highest most only number average majority"
)
_ACRONYM = re.compile(r"\b[A-Z]{2,6}s?\b")
_WELL_KNOWN = word_set(
    "US USA UK EU UN UTC GMT AM PM TV DNA RNA AI GPS NASA ESA FBI CIA BBC CNN NATO COVID HIV AIDS "
    "IT CEO CO PC USB HTML HTTP API URL PDF NBA NFL FIFA UEFA IMF WHO UNESCO UNICEF OPEC EST ISS "
    "GMO UFO VIP MP MPs NYC LA DC BC AD CE BCE II III IV VI DJ CD DVD SUV ATM"
)
_GIVEN = re.compile(r"(?:[A-Z][\w'\u2019.-]*|\bal|\bde|\bvan|\bvon) $")
# Before a bare surname these do not introduce anybody.
_OFFICE = re.compile(
    r"\b(?:Democrat|Republican|Conservative|Labour|Senator|President|Minister|Mr\.|Mrs\.|Ms\.|Dr\.|"
    r"Governor|Judge|Justice|Professor|Sir|General|Representative|Mayor|Captain|Speaker) $"
)
_INTRODUCED = re.compile(r"\b[A-Z][\w'\u2019-]+(?: (?:[A-Z]\.|bin|al|von|van|de|da|der|la|el))*"
                         r"(?: [A-Z][\w'\u2019-]+)+")  # fmt: skip


def dangling(text: str, known: str = "") -> str | None:
    """Return what in `text` points to something outside `text` and `known`, or None.

    A pronoun is taken as understood only by the caller, who knows what stands right before.
    """
    opening = _OPENING.match(text)
    if opening:
        return opening.group().strip()
    pointing = _POINTING.search(_unquoted(text))
    if pointing:
        return pointing.group()
    pronoun = _PERSON_PRONOUN.search(_unquoted(text))
    if pronoun and not _PERSON.search(_after_first_word(text[: pronoun.start()])):
        return pronoun.group()
    thing = _THING_PRONOUN.match(text)
    before = _after_first_word(text[: thing.end()]) if thing else ""
    if thing and not re.search(r"[A-Z]\w+|\b(?:an?|the) \w+", before):
        return thing.group()
    somebody = _SOMEBODY.search(_unquoted(text))
    if somebody:
        heard = content_words(f"{known} {text[: somebody.start()]}")
        if stem(somebody.group(1)) not in heard:
            return somebody.group()
    return _definite(text, known)


def _definite(text: str, known: str) -> str | None:
    """Return "The ruling" when no ruling was spoken of before."""
    if not re.match(r"\W*the\b", text, re.IGNORECASE):
        return None
    head: list[str] = []
    for word in words(text)[1:7]:
        if word.lower() in _SELF_DEFINED:
            return None if head else "the"
        if head and has_finite_verb(f"{head[-1]} {word}"):
            break
        head.append(word)
    if any(word[:1].isupper() or (known and word[:1].isdigit()) for word in head):
        return None
    stems = {stem(word.lower()) for word in head}
    if not head or stems & ({stem(word) for word in _UNIQUE} | content_words(known)):
        return None
    return "the " + " ".join(head[:3])


def introductions(texts: Sequence[str]) -> Mapping[str, int]:
    """Return where each name is first said: the index of its text.

    A surname counts where it stands behind a given name; "-Name" holds any first mention.
    """
    found: dict[str, int] = {}
    for index, text in enumerate(texts):
        for name in _INTRODUCED.findall(text):
            found.setdefault(name.split()[-1].removesuffix("'s"), index)
        for word in words(text):
            if word[0].isupper():
                found.setdefault("-" + word.removesuffix("'s"), index)
    return found


def _subject(text: str) -> list[str]:
    """Return the one name a sentence begins with: "Ivan's condition", not "Ivan Petrov said"."""
    match = re.match(r"\W*([A-Z][\w-]+)(?:'s)? (?![A-Z])", text)
    name = match.group(1) if match else ""
    return [name] if name and name.lower() not in FUNCTION_WORDS else []


def strangers(text: str, index: int, introduced: Mapping[str, int], known: str) -> tuple[str, ...]:
    """Return the surnames and abbreviations in `text` that nobody has explained.

    A surname is a stranger when an earlier text had it in full (`introduced`), and `known` has
    not; an abbreviation when it is neither common knowledge nor in `known`.
    """
    heard = {word.removesuffix("'s") for word in words(known)}
    found = [name for name in _subject(text) if introduced.get(f"-{name}", index) < index]
    found = [name for name in found if name not in heard]
    for match in re.finditer(r"(?<![\w.])([A-Z][\w-]+)(?:'s)?", text):
        name = match.group(1)
        before = text[: match.start()]
        alone = not _GIVEN.search(before) or _OFFICE.search(before)
        first = introduced.get(name)
        if alone and first is not None and first < index and name not in heard:
            found.append(name)
    for match in _ACRONYM.finditer(text):
        acronym = match.group()
        if acronym in _WELL_KNOWN or acronym in heard or _spelled(acronym, text):
            continue
        # "MV Namse Bangdzod", "IAAF World Championships": part of a name that explains itself.
        if not re.match(r"[ -][A-Z][a-z]", text[match.end() :]):
            found.append(acronym)
    return tuple(dict.fromkeys(found))


def _spelled(acronym: str, text: str) -> bool:
    initials = "".join(word[0] for word in words(text) if word[:1].isupper() and word != acronym)
    return acronym.rstrip("s") in initials


def _unquoted(text: str) -> str:
    return re.sub(r'"[^"]*"', lambda m: " " * len(m.group()), text)


def _after_first_word(text: str) -> str:
    """Drop the first word, whose capital says nothing, unless it belongs to a name."""
    first, _, rest = text.partition(" ")
    named = re.match(r"[A-Z]", rest) or first.endswith("'s")
    return text if named and first.lower() not in FUNCTION_WORDS else rest
