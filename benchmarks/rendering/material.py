"""A script of about so many seconds, six photographs that nobody took, and a bed of music."""

import hashlib
import wave
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import Image

from bookai.film.material import Media
from bookai.models import Line, Script, Voiceover

WIDTH, HEIGHT, PICTURES = 1080, 1920, 6
LETTER_S = 0.086  # a letter as the voice speaks, measured
SENTENCES = (
    "The last leap second will be added before 2035.",
    "Delegates of 193 countries agreed on it after twenty years of talks.",
    "In 2012 about 27 percent of large sites went down, in 2017 only 9 percent.",
    "Banks, satellites and power grids all have trouble with a minute of 61 seconds.",
    "It is a relief for everyone who keeps servers running, said the bureau's director.",
    "Since 1972 the clocks were stopped 27 times to wait for the earth.",
    "Astronomers in Paris will keep tables of their own for their telescopes.",
    "A clock that nobody corrects will be one minute off within a century.",
)
CALL = "Follow for more stories like this."


def script_of(seconds: float) -> Script:
    """Return a script that takes about `seconds` to speak; its sentences come round again."""
    letters, texts = (seconds - 3.0) / LETTER_S, list[str]()
    for text in islice(cycle(SENTENCES), 100):
        if letters <= 0:
            break
        texts.append(text)
        letters -= len(text) + 5
    kinds = ["hook", *["beat"] * (len(texts) - 1)]
    lines = [
        Line.model_validate({"text": text, "kind": kind})
        for text, kind in zip(texts, kinds, strict=True)
    ]
    lines.append(Line(text=CALL, kind="cta"))
    return Script(
        title="Clocks will lose their leap second",
        lines=tuple(lines),
        language="en",
        draft_kind="extractive",
        writer="benchmark",
        seconds_est=seconds,
    )


def write_pictures(folder: Path) -> list[Path]:
    """Write six JPEGs with large soft forms and a camera's noise; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"picture{k}.jpg" for k in range(PICTURES)]
    for k, path in enumerate(paths):
        if not path.exists():
            _picture(k).save(path, quality=92)
    return paths


def _picture(k: int) -> Image.Image:
    rng = np.random.default_rng(k)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    waves = np.zeros((HEIGHT, WIDTH), np.float32)
    for _ in range(8):
        across, down, phase = rng.uniform(40, 300), rng.uniform(40, 300), rng.uniform(0, 6)
        waves += np.sin(x / across + y / down + phase).astype(np.float32)
    waves = (waves - waves.min()) / (waves.max() - waves.min())
    noise = rng.normal(0, 6, (HEIGHT, WIDTH, 1))
    colours = np.stack([waves * 200, waves * waves * 255, 255 - waves * 180], -1)
    return Image.fromarray(np.clip(colours + noise, 0, 255).astype(np.uint8))


def media_of(script: Script, pictures: list[Path]) -> tuple[Media, ...]:
    """Return pictures that show what the sentences between first and last say, one a sentence."""
    return tuple(
        Media(
            kind="image",
            path=str(path),
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            words=line.text,
            licence="CC0",
            credit="Benchmark",
            origin="operator",
        )
        for line, path in zip(script.lines[1:-1], pictures, strict=False)
    )


def write_music(path: Path, seconds: float) -> None:
    """Write four chords that come round, stereo."""
    rate = 44_100
    count = int(seconds * rate)
    t = np.arange(count) / rate
    chords = ((220, 262, 330), (175, 220, 262), (262, 330, 392), (196, 247, 294))
    bed = np.zeros(count)
    for number, chord in enumerate(chords):
        turn = (t // 2 % len(chords)) == number
        swell = np.minimum(1, (t % 2) * 4) * np.minimum(1, (2 - t % 2) * 6)
        bed += turn * swell * sum(np.sin(2 * np.pi * tone * t) for tone in chord) * 0.1
    samples = np.repeat((bed * 32767 * 0.8).astype("<i2"), 2)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())


def phrases(voice: Voiceover) -> list[tuple[str, float, float]]:
    """Return what peers show at once, with its times: at most four words of one line."""
    found: list[tuple[str, float, float]] = []
    words = voice.words
    at = 0
    while at < len(words):
        stop = at + 1
        while stop < len(words) and stop - at < 4 and words[stop].line == words[at].line:
            stop += 1
        text = " ".join(word.text for word in words[at:stop])
        found.append((text, words[at].start_s, words[stop - 1].end_s))
        at = stop
    return found


def subrip_of(voice: Voiceover) -> str:
    """Return the phrases as SRT."""
    parts = [
        f"{number}\n{_clock(start)} --> {_clock(end)}\n{text}\n"
        for number, (text, start, end) in enumerate(phrases(voice), 1)
    ]
    return "\n".join(parts)


def _clock(seconds: float) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{thousandths:03d}"
