"""The voice that is always there: espeak-ng, installed by pip, offline, in 63 languages."""

import asyncio
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
from tools.voices.spoken.saying import say
from tools.voices.spoken.shown import shown_tokens

CHILD = Path(__file__).with_name("_espeak_child.py")

# ISO 639-1 codes.
LANGUAGES = (
    *("af", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en"),
    *("eo", "es", "et", "eu", "fa", "fi", "fr", "ga", "gu", "he", "hi", "hr", "hu", "hy"),
    *("id", "is", "it", "ja", "ka", "kk", "kn", "ko", "lt", "lv", "mk", "ml", "mr", "ms", "mt"),
    *("nb", "ne", "nl", "no", "pa", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv"),
    *("sw", "ta", "te", "th", "tr", "uk", "ur", "uz", "vi", "zh"),
)
# Where the engine's own name is another.
ENGINE_NAMES = {"en": "en-us", "no": "nb", "zh": "cmn"}
# What the engine says in these is not understood by those who speak them.
ROUGH = ("th",)


# A space between two Chinese characters would be heard.
UNGLUED = ("zh",)
_ROUGH_MEND = (
    "Set a Piper voice for the language (docs/how-to/use-your-own-voice.md), or rough = true in "
    "[plugins.espeak] of studio.toml to hear it all the same."
)


class EspeakConfig(Record):
    """`[plugins.espeak]`: words a minute, pitch and its range (0 to 100), `variant` like "f3".

    `rough` lets it speak also the languages that it speaks too badly to be understood.
    """

    wpm: int = Field(default=155, ge=80, le=260)
    pitch: int = Field(default=42, ge=0, le=100)
    range: int = Field(default=60, ge=0, le=100)
    variant: str = Field(default="", pattern=r"^[A-Za-z0-9_]{0,20}$")
    rough: bool = False


class Espeak(Voice):
    name = "espeak"

    def __init__(self, child: Sequence[str] = (sys.executable, "-I", str(CHILD))) -> None:
        self._child = Child("espeak-ng", tuple(child))

    def languages(self) -> tuple[str, ...]:
        return LANGUAGES

    async def speak(
        self, lines: Sequence[str], language: str, config: Mapping[str, Any]
    ) -> tuple[Utterance, ...]:
        if language not in LANGUAGES:
            raise Refused(
                f"no offline voice speaks {language!r}; there is {', '.join(self.languages())}."
            )
        settings = _settings(config)
        if language in ROUGH and not settings.rough:
            raise OperatorNeeded(f"espeak-ng speaks {language!r} too badly.", mend=_ROUGH_MEND)
        shown = [shown_tokens(line, language) for line in lines]
        said = await asyncio.to_thread(lambda: [say(tokens, language) for tokens in shown])
        glue = "" if language in UNGLUED else " "
        spoken = [join_spoken(words, glue) for words in said]
        variant = f"+{settings.variant}" if settings.variant else ""
        request = {
            "voice": ENGINE_NAMES.get(language, language) + variant,
            **settings.model_dump(include={"wpm", "pitch", "range"}),
        }
        if find_spec("espeakng_loader") is None:
            raise OperatorNeeded("espeak-ng is missing.", mend="pip install espeakng-loader")
        return await self._child.speak(shown, spoken, request)


def _settings(config: Mapping[str, Any]) -> EspeakConfig:
    try:
        return EspeakConfig.model_validate(dict(config))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OperatorNeeded(
            f"[plugins.espeak] {where}: {first['msg'].lower()}.", mend="Correct it in studio.toml."
        ) from error


VOICE = Espeak()
