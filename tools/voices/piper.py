"""Neural voices from files that the operator supplies, spoken by Piper where it is installed."""

import json
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from bookai.errors import OperatorNeeded, Refused
from bookai.models import Record
from tools.voices._child import Child
from tools.voices._timing import join_spoken
from tools.voices.base import Utterance, Voice
from tools.voices.spoken.plain import clip, plain_tokens
from tools.voices.spoken.saying import say
from tools.voices.spoken.shown import UNSPACED, shown_tokens

CHILD = Path(__file__).with_name("_piper_child.py")
HOW_TO = "docs/how-to/use-your-own-voice.md"
# A model is loaded anew for each script.
TIMEOUT_S = 110.0
LARGEST_DESCRIPTION_BYTES = 1_000_000

# ISO 639-1 codes of the languages that there are voice files for.
LANGUAGES = (
    *("ar", "bg", "ca", "cs", "cy", "da", "de", "el", "en", "es", "eu", "fa", "fi", "fr"),
    *("he", "hi", "hu", "id", "is", "it", "ja", "ka", "kk", "ko", "lv", "ml", "ne", "nl"),
    *("no", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "te", "th", "tr"),
    *("uk", "ur", "vi", "zh"),
)
# Where a voice file calls its language otherwise.
SAME = {"cmn": "zh", "nb": "no"}


class PiperConfig(Record):
    """`[plugins.piper]`: `voices` are the .onnx files by language, each with its .onnx.json.

    `pace` is 1 as the voice was recorded; `speaker` is the number of one of a file's speakers.
    `python` is another environment's Python that has piper-tts; ours where it is not set.
    """

    voices: dict[str, str] = Field(default_factory=dict)
    pace: float = Field(default=1.0, ge=0.5, le=2.0)
    speaker: int | None = Field(default=None, ge=0)
    python: str = ""


class Piper(Voice):
    name = "piper"

    def languages(self) -> tuple[str, ...]:
        return LANGUAGES

    def ready(self, config: Mapping[str, Any]) -> bool:
        return bool(config.get("voices"))

    async def speak(
        self, lines: Sequence[str], language: str, config: Mapping[str, Any]
    ) -> tuple[Utterance, ...]:
        if language not in LANGUAGES:
            raise Refused(f"no offline voice speaks {language!r}; there is {', '.join(LANGUAGES)}.")
        settings = _settings(config)
        model = _model(settings, language)
        python = _python(settings)
        shown = [shown_tokens(line, language) for line in lines]
        glue = "" if language in UNSPACED else " "
        spoken = [join_spoken(_said(tokens, language), glue) for tokens in shown]
        child = Child("piper", (python, "-I", str(CHILD)), TIMEOUT_S)
        return await child.speak(
            shown,
            spoken,
            {"model": str(model), "pace": settings.pace, "speaker": settings.speaker},
        )


def _said(tokens: Sequence[str], language: str) -> list[str]:
    if language == "ja":
        return plain_tokens([clip(token) for token in tokens])  # the engine reads kanji itself
    return say(tokens, language)


def _settings(config: Mapping[str, Any]) -> PiperConfig:
    try:
        return PiperConfig.model_validate(dict(config))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OperatorNeeded(
            f"[plugins.piper] {where}: {first['msg'].lower()}.", mend="Correct it in studio.toml."
        ) from error


def _model(settings: PiperConfig, language: str) -> Path:
    """Return the voice file of a language whose own description says the same language."""
    named = settings.voices.get(language)
    if named is None:
        raise OperatorNeeded(
            f"[plugins.piper] has no voice for {language!r}.",
            mend=f'Set voices = {{ {language} = "/path/to/voice.onnx" }} ({HOW_TO}).',
        )
    path = Path(named)
    if not path.is_absolute() or not path.is_file():
        raise OperatorNeeded(
            f"[plugins.piper] voices.{language} = {named!r} is no file.",
            mend="Write the whole path of the .onnx file, from / on.",
        )
    spoken = _spoken_language(Path(f"{path}.json"))
    if spoken != language:
        raise OperatorNeeded(
            f"The voice {path.name!r} speaks {spoken!r}, not {language!r}.",
            mend=f"Name a voice that speaks {language!r} in [plugins.piper] voices.",
        )
    return path


def _spoken_language(description: Path) -> str:
    """Return the language that a voice file's description names."""
    try:
        if description.stat().st_size > LARGEST_DESCRIPTION_BYTES:
            raise ValueError("too large")
        told = json.loads(description.read_text("utf-8"))
        code = (told.get("language") or {}).get("family") or told["espeak"]["voice"]
        family = str(code).partition("-")[0].partition("_")[0].lower()
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise OperatorNeeded(
            f"{str(description)!r} does not describe the voice: {error}.",
            mend="Put the .onnx.json file that comes with the voice beside it.",
        ) from error
    return SAME.get(family, family)


def _python(settings: PiperConfig) -> str:
    """Return the Python that has the engine."""
    if settings.python and not Path(settings.python).is_file():
        raise OperatorNeeded(
            f"[plugins.piper] python = {settings.python!r} is no file.",
            mend="Write the whole path of the Python that has piper-tts, from / on.",
        )
    if settings.python:
        return settings.python
    if find_spec("piper") is None:
        raise OperatorNeeded(
            "Piper is not installed.",
            mend=f"pip install piper-tts, or set python in [plugins.piper] ({HOW_TO}).",
        )
    return sys.executable


VOICE = Piper()
