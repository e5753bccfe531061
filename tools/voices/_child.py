"""An engine in a process of its own: it may crash, and it is not ours to trust with a thread.

The child reads one JSON object from standard input, with the texts and the number `pcm` of an open
file; it writes mono 16-bit samples of all texts there, one after the other, and answers on standard
output: {"rate", "texts": [{"samples": count, "words": [[character, sample], ...]}]}, or
{"error": "why", "too_long": bool}.
"""

import asyncio
import json
import os
import signal
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bookai.errors import Refused, ToolFailed
from tools.media.tether import lent, tether
from tools.voices._timing import SpokenText, WordEvent, heard_span, intervals, trim_pauses
from tools.voices.base import Samples, Token, Utterance

TIMEOUT_S = 60.0
LIMIT_S = 240.0
SILENT_TOKEN_S = 0.25
SILENT_RATE = 22_050


@dataclass(frozen=True, slots=True)
class Child:
    """A program that speaks; `name` is the engine's in messages."""

    name: str
    command: tuple[str, ...]
    timeout_s: float = TIMEOUT_S

    async def speak(
        self, shown: Sequence[Sequence[str]], spoken: Sequence[SpokenText], request: dict[str, Any]
    ) -> tuple[Utterance, ...]:
        """Let it say each line; a line without sound is shown for a moment and not said.

        Raises:
            Refused: the lines take too long to say.
            ToolFailed: the engine broke.
        """
        heard = [text for text in spoken if any(text.weights)]
        asked = {**request, "texts": [text.text for text in heard], "limit_s": LIMIT_S}
        answers = await self._ask(asked) if heard else _Answers(SILENT_RATE, [])
        parts = iter(answers.texts)
        return tuple(
            _utterance(tokens, text, next(parts), answers.rate)
            if any(text.weights)
            else _silence(tokens, answers.rate)
            for tokens, text in zip(shown, spoken, strict=True)
        )

    async def _ask(self, request: dict[str, Any]) -> "_Answers":
        """Let the child speak; it never outlives this call."""
        # A file without a name: nothing of it is left behind, however we end.
        with tempfile.TemporaryFile() as pcm:
            number = pcm.fileno()
            answer = await self._run(json.dumps({**request, "pcm": number}).encode(), number)
            told = self._told(answer)
            pcm.seek(0)
            samples = np.frombuffer(await asyncio.to_thread(pcm.read), np.dtype("<i2"))
        return _parse(told, samples)

    async def _run(self, request: bytes, pcm: int) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
            pass_fds=(pcm,),
            env=lent(),
            preexec_fn=tether(),
        )
        try:
            async with asyncio.timeout(self.timeout_s):
                answer, complaint = await process.communicate(request)
        except TimeoutError as error:
            raise ToolFailed(f"{self.name} did not finish within {self.timeout_s:g} s.") from error
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        if process.returncode != 0:
            last = complaint.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise ToolFailed(
                f"{self.name} broke (exit code {process.returncode}): {' '.join(last) or 'no word'}"
            )
        return answer

    def _told(self, answer: bytes) -> dict[str, Any]:
        """Return the child's answer, or raise what it says went wrong."""
        try:
            told: dict[str, Any] = json.loads(answer)
        except ValueError as error:
            raise ToolFailed(f"{self.name} gave no answer but {answer[:60]!r}.") from error
        if "error" in told:
            raise (Refused if told["too_long"] else ToolFailed)(f"{told['error']}.")
        return told


@dataclass(frozen=True, slots=True)
class _Answer:
    """One text as the engine spoke it; word events in characters and samples."""

    samples: Samples
    words: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Answers:
    rate: int
    texts: list[_Answer]


def _parse(told: dict[str, Any], samples: NDArray[np.int16]) -> _Answers:
    texts, begin = [], 0
    for text in told["texts"]:
        part = samples[begin : begin + text["samples"]].astype(np.float32) / np.float32(32768)
        texts.append(_Answer(part, [(at, sample) for at, sample in text["words"]]))
        begin += text["samples"]
    return _Answers(told["rate"], texts)


def _utterance(shown: Sequence[str], text: SpokenText, answer: _Answer, rate: int) -> Utterance:
    """Cut the silence around the words and shift their times with it."""
    start_s, end_s = heard_span(answer.samples, rate)
    if end_s <= start_s:
        return _silence(shown, rate)
    events = [WordEvent(at, sample / rate) for at, sample in answer.words]
    bounds = intervals(text, events, start_s, end_s)
    bounds = trim_pauses(bounds, answer.samples, rate)
    tokens = tuple(
        Token(token, begin - start_s, end - start_s)
        for token, (begin, end) in zip(shown, bounds, strict=True)
    )
    return Utterance(answer.samples[int(start_s * rate) : int(end_s * rate)], rate, tokens)


def _silence(shown: Sequence[str], rate: int) -> Utterance:
    """Show a line of emoji for a moment; nothing is said."""
    length_s = min(SILENT_TOKEN_S * len(shown), 1.0)
    step = length_s / max(1, len(shown))
    tokens = tuple(Token(text, i * step, (i + 1) * step) for i, text in enumerate(shown))
    return Utterance(np.zeros(int(length_s * rate), np.float32), rate, tokens)
