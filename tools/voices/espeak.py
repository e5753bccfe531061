"""The voice that is always there: espeak-ng, installed by pip, offline, in 60 languages."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from bookai.errors import OperatorNeeded, Refused, ToolFailed
from bookai.models import Record
from tools.media.tether import tether
from tools.voices._english import say_tokens
from tools.voices._plain import clip, plain_tokens
from tools.voices._timing import (
    SpokenText,
    WordEvent,
    heard_span,
    intervals,
    join_spoken,
    trim_pauses,
)
from tools.voices.base import Samples, Token, Utterance, Voice

CHILD = Path(__file__).with_name("_espeak_child.py")
TIMEOUT_S = 60.0
LIMIT_S = 240.0
SILENT_TOKEN_S = 0.25

# ISO 639-1 codes. Languages that write no spaces between words (Chinese, Japanese, Thai) are left
# out: their captions need a word splitter first.
LANGUAGES = (
    *("af", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en"),
    *("eo", "es", "et", "eu", "fa", "fi", "fr", "ga", "gu", "he", "hi", "hr", "hu", "hy"),
    *("id", "is", "it", "ka", "kk", "kn", "ko", "lt", "lv", "mk", "ml", "mr", "ms", "mt"),
    *("nb", "ne", "nl", "no", "pa", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv"),
    *("sw", "ta", "te", "tr", "uk", "ur", "uz", "vi"),
)
# Where the engine's own name is another.
ENGINE_NAMES = {"en": "en-us", "no": "nb"}


class EspeakConfig(Record):
    """`[plugins.espeak]`: words a minute, pitch and its range (0 to 100), `variant` like "f3"."""

    wpm: int = Field(default=155, ge=80, le=260)
    pitch: int = Field(default=42, ge=0, le=100)
    range: int = Field(default=60, ge=0, le=100)
    variant: str = Field(default="", pattern=r"^[A-Za-z0-9_]{0,20}$")


class Espeak(Voice):
    name = "espeak"

    def __init__(self, child: Sequence[str] = (sys.executable, "-I", str(CHILD))) -> None:
        self._child = tuple(child)

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
        spoken = [join_spoken(_spoken_tokens(line, language)) for line in lines]
        heard = [text for text in spoken if any(text.weights)]
        variant = f"+{settings.variant}" if settings.variant else ""
        request = {
            "voice": ENGINE_NAMES.get(language, language) + variant,
            **settings.model_dump(include={"wpm", "pitch", "range"}),
            "texts": [text.text for text in heard],
            "limit_s": LIMIT_S,
        }
        answers = await self._ask(request) if heard else _Answers(22_050, [])
        parts = iter(answers.texts)
        return tuple(
            _utterance(line, text, next(parts), answers.rate)
            if any(text.weights)
            else _silence(line, answers.rate)
            for line, text in zip(lines, spoken, strict=True)
        )

    async def _ask(self, request: dict[str, Any]) -> "_Answers":
        """Let a child process speak; it never outlives this call."""
        if find_spec("espeakng_loader") is None:
            raise OperatorNeeded("espeak-ng is missing.", mend="pip install espeakng-loader")
        # A file without a name: nothing of it is left behind, however we end.
        with tempfile.TemporaryFile() as pcm:
            number = pcm.fileno()
            answer = await self._run(json.dumps({**request, "pcm": number}).encode(), number)
            told = _told(answer)
            pcm.seek(0)
            samples = np.frombuffer(await asyncio.to_thread(pcm.read), np.dtype("<i2"))
        return _parse(told, samples)

    async def _run(self, request: bytes, pcm: int) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *self._child,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
            pass_fds=(pcm,),
            preexec_fn=tether(),
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer, complaint = await process.communicate(request)
        except TimeoutError as error:
            raise ToolFailed(f"espeak-ng did not finish within {TIMEOUT_S:g} s.") from error
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        if process.returncode != 0:
            last = complaint.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise ToolFailed(
                f"espeak-ng broke (exit code {process.returncode}): {' '.join(last) or 'no word'}"
            )
        return answer


@dataclass(frozen=True, slots=True)
class _Answer:
    """One text as the engine spoke it; word events in characters and samples."""

    samples: Samples
    words: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Answers:
    rate: int
    texts: list[_Answer]


def _told(answer: bytes) -> dict[str, Any]:
    """Return the child's answer, or raise what it says went wrong."""
    try:
        told: dict[str, Any] = json.loads(answer)
    except ValueError as error:
        raise ToolFailed(f"espeak-ng gave no answer but {answer[:60]!r}.") from error
    if "error" in told:
        raise (Refused if told["too_long"] else ToolFailed)(f"{told['error']}.")
    return told


def _parse(told: dict[str, Any], samples: NDArray[np.int16]) -> _Answers:
    texts, begin = [], 0
    for text in told["texts"]:
        part = samples[begin : begin + text["samples"]].astype(np.float32) / np.float32(32768)
        texts.append(_Answer(part, [(at, sample) for at, sample in text["words"]]))
        begin += text["samples"]
    return _Answers(told["rate"], texts)


def _settings(config: Mapping[str, Any]) -> EspeakConfig:
    try:
        return EspeakConfig.model_validate(dict(config))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OperatorNeeded(
            f"[plugins.espeak] {where}: {first['msg'].lower()}.", mend="Correct it in studio.toml."
        ) from error


def _spoken_tokens(line: str, language: str) -> list[str]:
    tokens = [clip(token) for token in line.split()]
    return say_tokens(tokens) if language == "en" else plain_tokens(tokens)


def _utterance(line: str, text: SpokenText, answer: _Answer, rate: int) -> Utterance:
    """Cut the silence around the words and shift their times with it."""
    start_s, end_s = heard_span(answer.samples, rate)
    if end_s <= start_s:
        return _silence(line, rate)
    events = [WordEvent(at, sample / rate) for at, sample in answer.words]
    bounds = intervals(text, events, start_s, end_s)
    bounds = trim_pauses(bounds, answer.samples, rate)
    tokens = tuple(
        Token(shown, begin - start_s, end - start_s)
        for shown, (begin, end) in zip(line.split(), bounds, strict=True)
    )
    return Utterance(answer.samples[int(start_s * rate) : int(end_s * rate)], rate, tokens)


def _silence(line: str, rate: int) -> Utterance:
    """Show a line of emoji for a moment; nothing is said."""
    shown = line.split()
    length_s = min(SILENT_TOKEN_S * len(shown), 1.0)
    step = length_s / max(1, len(shown))
    tokens = tuple(Token(text, i * step, (i + 1) * step) for i, text in enumerate(shown))
    return Utterance(np.zeros(int(length_s * rate), np.float32), rate, tokens)


VOICE = Espeak()
