"""A voice of tones: word times computed from the script, so that no voice engine is needed."""

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bookai.models import Line, Script, Voiceover, Word
from tools.render.layout import Size
from tools.render.spec import Spec

SMALL = Size(width=360, height=640, fps=30)
Lines = list[tuple[str, str]]
LETTER_S, PAUSE_S, LEAD_S, TAIL_S = 0.065, 0.3, 0.12, 0.6

MakeScript = Callable[..., Script]
MakeVoice = Callable[..., Voiceover]
MakeSpec = Callable[..., Spec]


@pytest.fixture
def make_script() -> MakeScript:
    def make(*lines: tuple[str, str], title: str = "Clocks Lose a Second") -> Script:
        return Script.model_validate(
            {
                "title": title,
                "lines": [{"text": text, "kind": kind} for text, kind in lines],
                "language": "en",
                "draft_kind": "extractive",
                "writer": "test",
                "seconds_est": 3.0,
            }
        )

    return make


@pytest.fixture
def make_voice(tmp_path: Path) -> MakeVoice:
    def make(script: Script, *, path: Path | None = None, letter_s: float = LETTER_S) -> Voiceover:
        words = spoken(script.lines, letter_s)
        duration_s = words[-1].end_s + TAIL_S
        path = path or tmp_path / "voice.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tones(path, words, duration_s)
        return Voiceover(
            path=str(path),
            words=words,
            duration_s=duration_s,
            voice="tones",
            language=script.language,
            sample_rate=48_000,
        )

    return make


@pytest.fixture
def make_spec(tmp_path: Path, make_voice: MakeVoice) -> MakeSpec:
    def make(script: Script, *, size: Size = SMALL, disclosure: str = "", font: str = "") -> Spec:
        return Spec(
            script=script,
            voiceover=make_voice(script),
            brand="BookAI Studio",
            credit="Source: Wikinews",
            disclosure=disclosure,
            video_path=str(tmp_path / "video.mp4"),
            thumbnail_path=str(tmp_path / "thumbnail.jpg"),
            vtt_path=str(tmp_path / "captions.vtt"),
            srt_path=str(tmp_path / "captions.srt"),
            font=font,
            size=size,
        )

    return make


def spoken(lines: tuple[Line, ...], letter_s: float) -> tuple[Word, ...]:
    words: list[Word] = []
    at = LEAD_S
    for number, line in enumerate(lines):
        for text in line.text.split():
            # A word of 10,000 letters is not spoken for ten minutes.
            span = letter_s * min(40, len(text) + 1)
            words.append(Word(text=text, line=number, start_s=at, end_s=at + span))
            at += span
        at += PAUSE_S
    return tuple(words)


def write_tones(path: Path, words: tuple[Word, ...], duration_s: float) -> None:
    rate = 48_000
    track = np.zeros(int(duration_s * rate), np.float32)
    for number, word in enumerate(words):
        start, stop = int(word.start_s * rate), int(word.end_s * rate)
        tone = np.sin(np.arange(stop - start) * 2 * np.pi * (180 + 20 * (number % 5)) / rate)
        track[start:stop] = 0.3 * tone * np.hanning(stop - start)
    samples = np.repeat((track * 32767).astype("<i2"), 2)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())
