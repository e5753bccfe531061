"""The built-in writer: no model, only the source's own sentences, chosen and shortened.

It writes a plain draft that says nothing its source does not, or refuses with the reason.
Its choices are made by `_gate` (which articles), `_sift` (which sentences could be said),
`_score` (which matter), `_select` (which are taken) and `_hook` (which comes first).
"""

import asyncio
import json
import re
from typing import Any

from bookai.errors import Refused
from bookai.llm.base import Call, ModelRequest, Provider, Reply, Server, Sight
from bookai.llm.extract.gate import objection, size_objection
from bookai.llm.extract.hook import headline, make_hook, short_title
from bookai.llm.extract.score import score
from bookai.llm.extract.select import MIN_BEATS, Material, choose, find_lead
from bookai.llm.extract.sift import Piece, sift
from bookai.models import Article
from bookai.text.readability import WORDS_PER_MINUTE, repeated, seconds
from bookai.text.sentences import sentences
from bookai.text.words import spoken_words

MODEL = "extractive-1"
MIN_SECONDS = 20.0

_CALLS = (
    "Follow for the next story.",
    "Follow for more stories like this.",
    "There is more where that came from. Follow along.",
)
_HAS_SOURCE = re.compile(r"\b(?:according to|reports?|reported|said|says|told|announced)\b", re.I)
# A name that a voice can say before "reports": no domain, no plural collection.
_SPEAKABLE = re.compile(r"^(?:[Tt]he )?[A-Z][\w'&-]*(?: [\w'&-]+){0,3}$")
_NO_REPORTER = re.compile(
    r"\b(?:examples?|notes|posts|files?|local|unknown|documents?|blog)$", re.I
)


class ExtractiveProvider(Provider):
    """Writes scripts by extraction; always there, the same script for the same article."""

    name = "extractive"
    draft_kind = "extractive"

    async def look(self, server: Server) -> Sight:
        """Return its one model: it needs nothing that could be missing."""
        del server
        return Sight(frozenset({MODEL}), {MODEL: 0})

    async def reply(self, call: Call) -> Reply:
        """Return a script's JSON with the span of every line.

        Raises:
            Refused: this article can't be told in a few of its own sentences.
        """
        content = await asyncio.to_thread(extract, call.request)
        return Reply(json.dumps(content))


def extract(request: ModelRequest) -> dict[str, Any]:
    """Write the script for `request.article`, `request.seconds` long.

    Raises:
        Refused: the article is of a kind that can't be extracted, or has too little to say.
    """
    article = request.article
    if article is None:
        raise Refused("The built-in writer needs an article.")
    reason = size_objection(article)
    found = sentences(article.text) if reason is None else ()
    reason = reason or objection(article, found)
    if reason:
        raise _refusal(article, reason)
    published = article.published_at.date() if article.published_at else None
    pieces = sift(found, published, request.objections)
    spoken = [piece.spoken for piece in pieces]
    material = Material(headline(article.title), pieces, score(article.title, found, spoken))
    lead = find_lead(material)
    if lead is None:
        raise _refusal(
            article, "none of its first sentences says, by itself, what the title is about"
        )
    at, first = lead
    changed = (*pieces[:at], first, *pieces[at + 1 :])
    return _write(article, Material(material.title, changed, material.scores), at, request.seconds)


def _write(article: Article, material: Material, lead: int, wanted_s: float) -> dict[str, Any]:
    hook = make_hook(material, lead)
    if hook is None:
        raise _refusal(article, "neither its title nor a sentence of it is short enough to open")
    call = _CALLS[int(article.sha256[:8], 16) % len(_CALLS)]
    budget = round(wanted_s * WORDS_PER_MINUTE / 60)
    budget -= spoken_words(hook.text) + spoken_words(call)
    said = {at for at, piece in enumerate(material.pieces) if repeated((hook.text, piece.spoken))}
    picked = choose(material, lead, said | ({hook.at} if hook.repeats else set()), budget)
    lines = [_line(article, material.pieces[hook.at], hook.text, "hook")]
    for number, at in enumerate(picked):
        piece = material.pieces[at]
        text = _attribute(article.publisher, piece.spoken) if number == 0 else piece.spoken
        lines.append(_line(article, piece, text, "quote" if piece.quoted else "beat"))
    length_s = seconds(" ".join([*(str(line["text"]) for line in lines), call]))
    if len(picked) < MIN_BEATS or length_s < MIN_SECONDS:
        raise _refusal(
            article,
            f"only {len(picked)} of its {len(material.pieces)} sentences can be said on their own "
            f"({length_s:.0f} s; at least {MIN_BEATS} and {MIN_SECONDS:.0f} s are needed)",
        )
    lines.append({"text": call, "kind": "cta", "quote": ""})
    return {"title": short_title(article.title), "lines": lines}


def _line(article: Article, piece: Piece, text: str, kind: str) -> dict[str, Any]:
    start, end = piece.sentence.start, piece.sentence.end
    quote = article.text[start:end]
    return {"text": text, "kind": kind, "quote": quote, "start": start, "end": end}


def _attribute(publisher: str, text: str) -> str:
    """Say who reports it, unless the sentence does or the name is none a voice would say."""
    speakable = _SPEAKABLE.match(publisher) and not _NO_REPORTER.search(publisher)
    if not speakable or _HAS_SOURCE.search(text) or publisher.lower() in text.lower():
        return text
    return f"{publisher} reports: {text}"


def _refusal(article: Article, reason: str) -> Refused:
    return Refused(
        f"The built-in writer can't make a script of {article.title!r}: {reason}. "
        "Choose another source, or start Ollama: a model can."
    )


PROVIDER = ExtractiveProvider()
