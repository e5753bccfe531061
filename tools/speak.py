"""Speak a script: one mastered track, and the time of every word as it is shown."""

import asyncio
import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from bookai.errors import Refused
from bookai.models import Line, Script, Voiceover, Word
from tools.audio.loudness import SAMPLE_RATE, Samples
from tools.audio.master import Master, finish
from tools.audio.mix import Music, mix
from tools.audio.score import choose_music
from tools.audio.track import write_wav
from tools.audio.voice import polish
from tools.base import Tool, ToolContext
from tools.media.paths import job_folder
from tools.voices._choir import installed_choir
from tools.voices.base import Utterance
from tools.voices.spoken.writing import refuse_another_writing

LEAD_S = 0.12
TAIL_S = 1.8  # the end card stands behind the last word, with the music alone
LEAST_TAIL_S = 0.6
AFTER_S = 0.4  # a film is so much longer than its track
LONGEST_S = 180.0
MOST_CHARACTERS = 20_000
MOST_LINES = 200
FADE_S = 0.005

# Silence after a line of this kind, seconds; a hook needs a moment to sink in.
PAUSES_S = {"hook": 0.6, "beat": 0.35, "quote": 0.45, "cta": 0.35, "disclosure": 0.35}
# What a line's last mark adds to it.
# ruff: noqa: RUF001 (these are the marks that people type)
STOPS_S = {
    **dict.fromkeys("?？؟…", 0.15),
    **dict.fromkeys(":：;；", -0.1),
    **dict.fromkeys(",，،、", -0.15),
}


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
    refuse_another_writing(script.text, script.language)
    music = await asyncio.to_thread(choose_music, ctx.config.get("speak", {}))
    folder = job_folder(ctx.work_dir, job_id)
    await ctx.progress(0.05, f"{voice} speaks {len(script.lines)} lines")
    spoken = await installed_choir().speak(
        voice, [line.text for line in script.lines], script.language, ctx.config
    )
    utterances = spoken.utterances
    begins, duration_s = _schedule(script.lines, utterances)
    if duration_s + AFTER_S > LONGEST_S:
        raise Refused(
            f"The script takes {math.ceil(duration_s + AFTER_S)} s to speak and the limit is "
            f"{LONGEST_S:.0f} s: shorten it."
        )
    words = _words(utterances, begins)
    await ctx.progress(0.5, f"Mastering {duration_s:.0f} s of speech")
    path = folder / "voice.wav"
    voice_track = await asyncio.to_thread(_lay, utterances, begins, duration_s)
    master = await asyncio.to_thread(_master, voice_track, music, words)
    await asyncio.to_thread(write_wav, master.samples, path)
    await ctx.progress(1.0, f"{master.lufs:.1f} LUFS, true peak {master.true_peak_dbtp:.1f} dBTP")
    return Voiceover(
        path=str(path),
        words=words,
        duration_s=master.samples.shape[-1] / SAMPLE_RATE,
        voice=spoken.voice,
        fallback=spoken.fallback,
        language=script.language,
        sample_rate=SAMPLE_RATE,
        music=music.credit if music else "",
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
        pause = _pause(line) if utterance.tokens else 0.0
        at += utterance.duration_s + pause
    return begins, track_s(at - pause)


def track_s(spoken_s: float) -> float:
    """Return how long a track is whose last word ends at `spoken_s`, seconds.

    A script that just fits keeps its words and has less of an end.
    """
    return spoken_s + max(LEAST_TAIL_S, min(TAIL_S, LONGEST_S - AFTER_S - spoken_s))


def _pause(line: Line) -> float:
    """Return the silence after a line, seconds: a question waits, a list goes on."""
    stop = line.text.rstrip(" \"'”’»)」』）")[-1:]
    return max(0.1, PAUSES_S[line.kind] + STOPS_S.get(stop, 0.0))


def _words(utterances: Sequence[Utterance], begins: Sequence[float]) -> tuple[Word, ...]:
    return tuple(
        Word(text=token.text, line=number, start_s=begin + token.start_s, end_s=begin + token.end_s)
        for number, (utterance, begin) in enumerate(zip(utterances, begins, strict=True))
        for token in utterance.tokens
    )


def _lay(utterances: Sequence[Utterance], begins: Sequence[float], duration_s: float) -> Samples:
    """Lay the lines on one track at their times; return it polished, at 48 kHz."""
    rate = max(utterance.sample_rate for utterance in utterances)
    track: Samples = np.zeros(math.ceil(duration_s * rate), np.float32)
    for utterance, begin_s in zip(utterances, begins, strict=True):
        begin = round(begin_s * rate)
        part = track[begin : begin + len(utterance.samples)]
        part += _faded(utterance)[: len(part)]
    return polish(track, rate)


def _master(track: Samples, music: Music | None, words: Sequence[Word]) -> Master:
    mixed = mix(track, music, [(word.start_s, word.end_s) for word in words])
    return finish(mixed.samples, mixed.power)


def _faded(utterance: Utterance) -> Samples:
    """Return the samples with soft edges: a cut in the middle of a wave clicks."""
    count = min(int(FADE_S * utterance.sample_rate), len(utterance.samples) // 2)
    ramp = np.linspace(0.0, 1.0, count, dtype=np.float32)
    samples = utterance.samples.copy()
    samples[:count] *= ramp
    samples[len(samples) - count :] *= ramp[::-1]
    return samples


TOOL = Tool(run=speak, title="Speak a script", scope="agent", timeout_s=120, task=True)
