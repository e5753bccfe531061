"""What a video says of itself: how it was made, from what, and that it may be an ad."""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from bookai.house import VERSION
from bookai.models import Origin, Record, Script, Voiceover
from tools.provenance.config import Config

PRODUCT = "BookAI Studio"
BINDING = "studio.bookai.production"
MINING = "cawg.training-mining"
TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# eSpeak speaks by rules; of any other voice we assume that it was trained.
RULE_VOICES = frozenset({"espeak"})


class Binding(Record):
    """Our own assertion: which job made the video, from which text, by whom.

    `unsigned_sha256` is that of the file before it was signed. Nothing personal, no path.
    """

    job_id: int
    source_url: str
    article_sha256: str
    paid_promotion: bool
    draft_kind: Literal["extractive", "model"]
    writer: str
    voice: str
    unsigned_sha256: str = ""


class Order(Record):
    """What is to be signed: with what, under which title, with which facts.

    `earlier` is the job's signed video so far, if any: the same film is not signed twice.
    """

    config: Config
    title: str
    binding: Binding
    earlier: str


def bind(
    job_id: int, script: Script, voiceover: Voiceover, disclosure: str, origin: Origin
) -> Binding:
    """Return the facts of a job's video, not knowing its bytes yet."""
    return Binding(
        job_id=job_id,
        source_url=public_url(origin.source_url),
        article_sha256=origin.article_sha256,
        # A disclosure is spoken and shown where an offer pays, and nowhere else.
        paid_promotion=bool(disclosure),
        draft_kind=script.draft_kind,
        writer=script.writer,
        voice=voiceover.voice,
    )


def source_type(binding: Binding) -> str:
    """Return the IPTC term for how such a video came into being.

    A trained model that wrote or spoke makes it a composite with trained algorithmic media;
    without one everything in it is drawn and spoken by rules.
    """
    trained = binding.draft_kind == "model" or binding.voice not in RULE_VOICES
    return TERMS + ("compositeWithTrainedAlgorithmicMedia" if trained else "algorithmicMedia")


def training(order: Order) -> str:
    """Return the standard's word for whether models may be trained on the video."""
    return "allowed" if order.config.training == "allowed" else "notAllowed"


def manifest(order: Order, binding: Binding) -> Mapping[str, Any]:
    """Return the manifest's definition; all of it is what the signer himself vouches for."""
    agent = {"name": PRODUCT, "version": VERSION}
    made = {
        "action": "c2pa.created",
        "digitalSourceType": source_type(binding),
        "softwareAgent": agent,
    }
    use = {"use": training(order)}
    mining = dict.fromkeys(("cawg.ai_training", "cawg.ai_generative_training"), use)
    facts = {
        "c2pa.actions.v2": {"actions": [made]},
        MINING: {"entries": mining},
        BINDING: binding.model_dump(mode="json"),
    }
    return {
        "claim_generator_info": [agent],
        "title": order.title,
        "format": "video/mp4",
        "assertions": [
            {"label": label, "data": data, "created": True} for label, data in facts.items()
        ],
    }


def public_url(url: str) -> str:
    """Return a web address without user and password; anything else is nobody's business."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
