"""Speak a script: one mastered track, and the time of every word as it is shown."""

import asyncio
import os
import tempfile
import wave
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from bookai.errors import OperatorNeeded, Refused
from bookai.models import Line, Script, Voiceover, Word
from tools.audio.loudness import SAMPLE_RATE, Samples
from tools.audio.master import Master, finish, resample, soften
from tools.base import Tool, ToolContext
from tools.media.paths import job_folder
from tools.voices._choir import installed_choir
from tools.voices.base import Utterance

LEAD_S = 0.12
TAIL_S = 0.6
LONGEST_S = 180.0
MOST_CHARACTERS = 20_000
MOST_LINES = 200
FADE_S = 0.005

# Silence after a line of this kind, seconds; a hook needs a moment to sink in.
PAUSES_S = {"hook": 0.6, "beat": 0.35, "quote": 0.45, "cta": 0.35, "disclosure": 0.35}


async def speak(
    ctx: ToolContext,
    job_id: Annotated[int, Field(description="The job whose folder gets the track.", ge=1)],
    script: Annotated[Script, Field(description="What is said, line by line.")],
    voice: Annotated[str, Field(max_length=64, description="The wanted voice: 'espeak'.")],
) -> Voiceover:
    """Speak the script offline and write voice.wav: 48 kHz stereo, -14 LUFS, with word times.

    Call it only after the script is accepted, before render_video. The same script gives the same
    track. Where the wanted voice cannot, another one of the language speaks and `fallback` says so.
    Refuses a language without a voice and a script that takes over 180 seconds.
    """
    _refuse_too_much(script)
    folder = job_folder(ctx.work_dir, job_id)
    await ctx.progress(0.05, f"{voice} speaks {len(script.lines)} lines")
    spoken = await installed_choir().speak(
        voice, [line.text for line in script.lines], script.language, ctx.config
    )
    utterances = spoken.utterances
    begins, duration_s = _schedule(script.lines, utterances)
    if duration_s > LONGEST_S:
        raise Refused(
            f"The script takes {duration_s:.0f} s to speak and the limit is {LONGEST_S:.0f} s: "
            "shorten it."
        )
    await ctx.progress(0.5, f"Mastering {duration_s:.0f} s of speech")
    master = await asyncio.to_thread(_mix, utterances, begins, duration_s)
    path = folder / "voice.wav"
    await asyncio.to_thread(_write_wav, master, path)
    await ctx.progress(1.0, f"{master.lufs:.1f} LUFS, true peak {master.true_peak_dbtp:.1f} dBTP")
    return Voiceover(
        path=str(path),
        words=_words(utterances, begins),
        duration_s=master.samples.shape[-1] / SAMPLE_RATE,
        voice=spoken.voice,
        fallback=spoken.fallback,
        language=script.language,
        sample_rate=SAMPLE_RATE,
    )


def _refuse_too_much(script: Script) -> None:
    characters = len(script.text)
    if not any(line.text.strip() for line in script.lines):
        raise Refused(f"The script {script.title!r} has no words to speak.")
    if characters > MOST_CHARACTERS or len(script.lines) > MOST_LINES:
        raise Refused(
            f"The script has {characters} characters in {len(script.lines)} lines; the limits are "
            f"{MOST_CHARACTERS} and {MOST_LINES}: shorten it."
        )


def _schedule(lines: Sequence[Line], utterances: Sequence[Utterance]) -> tuple[list[float], float]:
    """Return when each line begins and how long the whole takes, seconds."""
    begins, at, pause = [], LEAD_S, 0.0
    for line, utterance in zip(lines, utterances, strict=True):
        begins.append(at)
        pause = PAUSES_S[line.kind] if utterance.tokens else 0.0
        at += utterance.duration_s + pause
    return begins, at - pause + TAIL_S


def _words(utterances: Sequence[Utterance], begins: Sequence[float]) -> tuple[Word, ...]:
    return tuple(
        Word(text=token.text, line=number, start_s=begin + token.start_s, end_s=begin + token.end_s)
        for number, (utterance, begin) in enumerate(zip(utterances, begins, strict=True))
        for token in utterance.tokens
    )


def _mix(utterances: Sequence[Utterance], begins: Sequence[float], duration_s: float) -> Master:
    """Lay the lines on one track at their times and master it."""
    track: Samples = np.zeros(round(duration_s * SAMPLE_RATE), np.float32)
    for utterance, begin_s in zip(utterances, begins, strict=True):
        samples = resample(_faded(utterance), utterance.sample_rate)
        begin = round(begin_s * SAMPLE_RATE)
        part = track[begin : begin + len(samples)]
        part += samples[: len(part)]
    return finish(soften(track))


def _faded(utterance: Utterance) -> Samples:
    """Return the samples with soft edges: a cut in the middle of a wave clicks."""
    count = min(int(FADE_S * utterance.sample_rate), len(utterance.samples) // 2)
    ramp = np.linspace(0.0, 1.0, count, dtype=np.float32)
    samples = utterance.samples.copy()
    samples[:count] *= ramp
    samples[len(samples) - count :] *= ramp[::-1]
    return samples


def _write_wav(master: Master, path: Path) -> None:
    """Write 16-bit stereo beside `path`, then rename: a reader never sees half a file."""
    whole = np.round(np.clip(master.samples.T, -1, 1) * 32767).astype("<i2")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".voice-", suffix=".wav")
        try:
            with open(handle, "wb") as file, wave.open(file, "wb") as out:
                out.setnchannels(2)
                out.setsampwidth(2)
                out.setframerate(SAMPLE_RATE)
                out.writeframes(whole.tobytes())
            os.replace(temporary, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
    except OSError as error:
        raise OperatorNeeded(
            f"{str(path)!r} cannot be written: {error.strerror}.",
            mend=f"Free some space or correct the rights of {str(path.parent)!r}, then retry.",
        ) from error


TOOL = Tool(run=speak, title="Speak a script", scope="agent", timeout_s=120, task=True)
