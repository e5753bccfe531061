"""Which language a text is in. The model is 4 MB of arrays: loaded at the first question."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

# Names and numbers of a short text say little about its language.
MIN_WORDS = 12
_SAMPLE_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Detected:
    """An ISO 639-1 code and how sure we are, 0 to 1."""

    language: str
    probability: float


def detect(text: str) -> Detected | None:
    """Return the language of `text`, or None when it is too short to tell."""
    sample = " ".join(text[:_SAMPLE_CHARS].split())
    if len(sample.split()) < MIN_WORDS and len(sample) < 8 * MIN_WORDS:
        return None
    language, probability = _identifier().classify(sample)
    return Detected(str(language), float(probability))


@cache
def _identifier() -> Any:
    module = import_module("py3langid.langid")
    return module.LanguageIdentifier.from_model_file(module.MODEL_FILE, norm_probs=True)
