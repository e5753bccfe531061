"""A finite-verb test for English without a model: a sentence says something, a caption does not."""

import re

from bookai.text.words import word_set, words

_AUXILIARY = word_set(
    "is are was were am has have had do does did will would can could may might must shall should "
    "isn't aren't wasn't weren't hasn't haven't hadn't don't doesn't didn't won't wouldn't can't "
    "cannot couldn't shouldn't it's that's there's he's she's they're we're i'm"
)
_PAST = word_set(
    "said told made took began became won lost found met led left held gave went came saw put set "
    "ran rose fell got grew knew kept brought bought built caught chose drew drove fought flew "
    "forgot hit hid let meant paid read rode rang sat sold sent shook shot showed shut sang sank "
    "slept spoke spent stood stole stuck struck swam taught tore thought threw understood woke "
    "wore wrote broke cut dealt felt heard hurt lay lent quit sought shrank spread sprang swept "
    "withdrew beat bit blew bore bound cost ate overtook underwent"
)
_PRESENT = word_set(
    "says tells means makes takes gives gets goes comes holds keeps leads wins loses finds asks "
    "wants sits lies falls rises grows begins becomes remains stays seems appears feels knows "
    "thinks believes expects argues warns adds announces denies brings carries covers includes "
    "contains consists depends belongs follows allows requires suggests describes explains "
    "represents indicates provides drifts adjusts resigns dies kills injures collapses catches "
    "declares sues defends strengthens confirms agrees elects proposes withdraws suspends removes "
    "legalizes joins approaches celebrates exists lives happens occurs reaches passes produces "
    "creates affects intends remain stay seem appear say mean make take give get go come keep "
    "believe expect think know suggest describe include contain depend require allow die benefit "
    "grow rely agree"
)
# Verbs that are as often nouns: "the study shows that" against "the shows of the season".
_MAYBE = word_set(
    "shows claims reports notes plans hopes names works marks causes changes tests aims moves "
    "turns plays stands starts ends helps uses needs costs calls supports bans strikes hits rules "
    "signs crashes runs looks faces opens closes offers counts measures show claim report plan "
    "hope work need use help support face cost slow speed lead live run hold"
)
_AFTER_VERB = word_set(
    "a an the his her its their that it them him us you no not more less how what why when in on "
    "at by to for from with out up down because too very all every each"
)
_NOT_PAST = word_set(
    "need seed red bed feed speed indeed exceed proceed succeed hundred breed weed deed greed "
    "bleed sacred naked wicked kindred infrared shed sled fed"
)
_REGULAR = re.compile(
    r"(?P<before>[\w'\u2019]+)(?P<mark>[,;:]?)\s+(?P<verb>\w{2,}ed)\b\s*(?P<after>\w*)"
)
_OBJECT = word_set("a an the his her its their that it them more")
_ENDS = word_set("died resigned collapsed crashed closed opened ended escaped survived")
_NO_SUBJECT = word_set(
    "a an the this these those of in on at by for from to with as and or but newly recently his "
    "her its their our my your no some any several many most all both"
)


def has_finite_verb(text: str) -> bool:
    """Tell whether `text` has a verb that carries a sentence; errs towards no."""
    unquoted = re.sub(r'"[^"]*"', '""', text)
    found = [word.lower().replace("\u2019", "'") for word in words(unquoted)]
    for at, word in enumerate(found):
        if word in _AUXILIARY:
            return True
        if not at or found[at - 1] in _NO_SUBJECT:
            continue
        after = found[at + 1] if at + 1 < len(found) else ""
        if word in _PRESENT or (word in _PAST and after != "by"):
            return True
        if word in _MAYBE and (after in _AFTER_VERB or after[:1].isdigit()):
            return True
    return _has_regular_past(unquoted, short=len(found) < 8)


def is_past(text: str) -> bool:
    """Tell whether the first verb that shows its tense is in the past."""
    for word in (word.lower() for word in words(text)):
        if word in {"was", "were", "had", "did", "has", "have"} or word in _PAST:
            return True
        if word in _AUXILIARY:
            return False
        if word.endswith("ed") and word not in _NOT_PAST:
            return True
    return False


def _has_regular_past(text: str, *, short: bool) -> bool:
    """Find an "-ed" that stands after its subject: not "a damaged bridge", not ", pictured".

    In a short text an "-ed" before a noun is rather a caption: "3D printed objects on display".
    """
    for match in _REGULAR.finditer(text):
        before, mark, verb, after = match["before"], match["mark"], match["verb"], match["after"]
        if verb.lower() in _NOT_PAST or after == "by" or before.lower() in _NO_SUBJECT:
            continue
        if short and after and after not in _AFTER_VERB and not after[:1].isupper():
            continue
        if mark:
            # Behind a comma only a verb with an object is finite: ", the mayor, ended his bid".
            if after in _OBJECT or verb in _ENDS or after[:1].isupper():
                return True
        elif not before.isdigit() or re.search(r"[A-Z][a-z]+ $", text[: match.start()]):
            return True
    return False
