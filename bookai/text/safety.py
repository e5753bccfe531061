"""What a brand does not say aloud, and what no source may tell the studio to do."""

import re

_STREET = r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Terrace|Crescent|Alley)"
_CRIME = (
    r"(?:shoot\w*|shot|gunm[ae]n|stabb\w+|murder\w*|kill\w*|attack\w*|robb\w+|assault\w*|"
    r"kidnap\w*|hostage|crash\w*|died|dead|abus\w+|arrest\w*|burglar\w*)"
)
_UNSAFE: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "a street address",
        re.compile(
            rf"\b\d{{1,5}}\s+(?:block of\s+)?(?:[A-Z][\w.]*\s+){{1,3}}{_STREET}\b|"
            rf"\bblock of (?:[A-Z0-9][\w.]*\s+){{1,3}}{_STREET}\b"
        ),
    ),
    (
        "the street of a crime",
        re.compile(
            rf"{_CRIME}.*\b(?:at|on|near|in|off) (?:[A-Z][\w.]*\s+){{1,3}}{_STREET}\b|"
            rf"\b(?:at|on|near|in|off) (?:[A-Z][\w.]*\s+){{1,3}}{_STREET}\b.*{_CRIME}"
        ),
    ),
    (
        "a minor by name",
        re.compile(
            r"\b[A-Z][\w'-]+(?:,? \(|, | who (?:is|was) |,? aged? )(?:[1-9]|1[0-7])"
            r"(?: years old|[),;]| years)"
            r"|\b(?:[1-9]|1[0-7]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
            r"thirteen|fourteen|fifteen|sixteen|seventeen)[- ](?:year|month)s?[- ]old "
            r"(?:boy|girl|child|son|daughter|"
            r"toddler|baby|infant|student)?,? ?(?:(?:named|identified (?:only )?as|called) )?[A-Z]"
        ),
    ),
    (
        "details of a crime or a death",
        re.compile(
            r"\b(?:decapitat\w+|behead\w+|dismember\w*|mutilat\w+|disembowel\w*|rap(?:e|ed|es|ing|"
            r"ist)|sexual(?:ly)? (?:assault\w*|abus\w+|exploit\w+)|molest\w+|tortur\w+|"
            r"child porn\w*|bled to death|gunshot wounds?|stab wounds?|hanged (?:him|her)self|"
            r"suicides?|self-harm|overdos\w+|strangl\w+|set (?:him|her)self (?:on fire|alight)|"
            r"corpses?|body parts|burned? (?:alive|to death)|execution-style|lynch\w*|incest\w*)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "a private contact",
        re.compile(r"\b[\w.+-]+@[\w-]+\.\w{2,}\b|\+\d[\d ()-]{7,}\d|\(\d{3}\) \d{3}-\d{4}"),
    ),
    ("a word for people nobody may use", re.compile(r"\b(?:nigger|faggot|kike|spic|tranny)s?\b", re.I)),  # noqa: E501
    ("an obscene word", re.compile(r"\b(?:fuck|shit|cunt|bitch|asshole)\w*", re.I)),
)  # fmt: skip
_ORDERS = re.compile(
    r"\b(?:ignor|disregard|forget|overrid|bypass)\w*\b[^.!?]{0,40}\b(?:rules?|instructions?|"
    r"prompts?|guidelines?|polic(?:y|ies)|safeguards?|checks?|approval)\b"
    r"|\b(?:publish|post|approve|upload)(?: (?:this|it|the video|everything))? "
    r"(?:now|immediately|at once|without (?:approval|review|asking|waiting))\b"
    r"|\b(?:system|developer) (?:prompt|message)\b"
    r"|\byou are (?:now )?(?:an?|the|in) (?:\w+ )?(?:ai|assistant|chatbot|language model|"
    r"agent|developer mode|mode)\b|\bas an ai\b|\bjailbreak\w*"
    r"|\b(?:reply|respond|answer) (?:only )?with\b|\boutput (?:only|exactly)\b"
    r"|\b(?:call|use|invoke|run) the (?:tool|function|command|shell)\b"
    r"|\bdo not (?:tell|inform|ask|mention)\b[^.!?]{0,30}\b(?:user|operator|editor|human)\b"
    r"|</?(?:system|instructions?|assistant|user|article|source)>|\[/?INST\]|<\|",
    re.IGNORECASE,
)


def unsafe(text: str) -> str | None:
    """Return what in `text` must not be said ("a street address"), or None."""
    for what, pattern in _UNSAFE:
        if pattern.search(text):
            return what
    return None


def orders(text: str) -> str | None:
    """Return the words in `text` that give orders to a machine, or None."""
    match = _ORDERS.search(text)
    return match.group() if match else None
