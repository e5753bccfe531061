"""A studio that films one short script, each film with one fault, and has it checked."""

import hashlib
import shutil
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bookai.errors import Refused
from bookai.models import CheckReport, Line, Render, Script, Voiceover
from tools.base import Desk, Fetched, ToolContext
from tools.check_video import check_video

WIDTH, HEIGHT, FPS = 360, 640, 15
LIMITS = {"width": WIDTH, "height": HEIGHT, "longest_still_s": 1.5, "longest_silence_s": 1.5}
CAPTIONS = (20, 386, 292, 100)
NOTICE = (20, 326, 292, 40)
DISCLOSURE = "Ad: we earn on this"

SCRIPT = Script(
    title="A test",
    lines=(
        Line(text="Seven towns lost their savings.", kind="hook"),
        Line(text="Nobody has found them yet.", kind="beat"),
        Line(text="This link earns us money.", kind="disclosure"),
    ),
    language="en",
    draft_kind="extractive",
    writer="test",
    seconds_est=5,
)


@dataclass(frozen=True)
class Film:
    """How a video is made; each field but the good value is one fault."""

    moving: bool = True
    black: bool = False
    captions: Literal["words", "none", "frozen", "three lines", "too low"] = "words"
    dark_on_bright: bool = False
    notice: bool = True
    button: bool = False
    gain: float = 1.0
    delay_s: float = 0.0
    longer: bool = False
    faststart: bool = True
    fps: int = FPS
    length: float = 1.0


def context(work_dir: Path, config: Mapping[str, Any]) -> ToolContext:
    async def no_network(url: str, *, accept: str = "*/*") -> Fetched:
        raise Refused(url)

    async def no_progress(fraction: float, message: str) -> None:
        assert 0 <= fraction <= 1

    return ToolContext(
        desk=cast(Desk, None),
        fetch=no_network,
        work_dir=work_dir,
        gallery_dir=work_dir,
        principal="test",
        progress=no_progress,
        config={"c2pa": {"enabled": False}, **config},
    )


@cache
def written(text: str, box: tuple[int, int, int, int], size: int) -> NDArray[np.bool_]:
    image = Image.new("L", (WIDTH, HEIGHT), 0)
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).multiline_text(box[:2], text, 255, font=font, spacing=4)
    return np.asarray(image) > 128


def luma(film: Film, voiceover: Voiceover, at_s: float) -> NDArray[np.uint8]:
    ground, ink = (225, 25) if film.dark_on_bright else (45, 235)
    picture = np.full((HEIGHT, WIDTH), ground, np.uint8)
    if film.black:
        picture[:] = 16
        return picture
    left = int(at_s * 60) % (WIDTH - 80) if film.moving else 10
    picture[:300, left : left + 80] = 130
    spoken = [word for word in voiceover.words if word.start_s <= at_s] or voiceover.words[:1]
    line = 0 if film.captions == "frozen" else spoken[-1].line
    if film.captions != "none":
        words = SCRIPT.lines[line].text.split()
        cut = [2, 4, 9] if film.captions == "three lines" else [3, 9]
        rows = [" ".join(words[a:b]) for a, b in zip([0, *cut], cut, strict=False)]
        x, y, *_ = CAPTIONS
        place = (x, y + 36 if film.captions == "too low" else y, 0, 0)
        picture[written("\n".join(rows), place, 24 if len(rows) > 2 else 33)] = ink
    if film.notice:
        picture[written(DISCLOSURE, NOTICE, 28)] = ink
    if film.button:
        picture[written("Like and follow", (30, 560, 0, 0), 30)] = ink
    return picture


def encode(film: Film, voiceover: Voiceover, path: Path) -> None:
    flags = {"movflags": "+faststart"} if film.faststart else {}
    with wave.open(voiceover.path) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    late = np.zeros((int(film.delay_s * 48_000), 2), np.int16)
    loud = np.clip(sound * film.gain, -32768, 32767).astype("<i2")
    sound = np.concatenate([late, loud])[: len(sound) + len(late) * film.longer]
    with av.open(str(path), "w", options=flags) as out:
        video = out.add_stream("libx264", rate=film.fps, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = out.add_stream("aac", rate=48_000, layout="stereo", options={"aac_coder": "fast"})
        for number in range(int(voiceover.duration_s * film.length * film.fps)):
            planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
            planes[:HEIGHT] = luma(film, voiceover, number / film.fps)
            picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, film.fps)
            out.mux(video.encode(picture))
        out.mux(video.encode())
        for begin in range(0, int(len(sound) * film.length), 1024):
            part = np.ascontiguousarray(sound[begin : begin + 1024].reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout="stereo")
            frame.sample_rate, frame.pts = 48_000, begin
            out.mux(audio.encode(frame))
        out.mux(audio.encode())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Studio:
    """Has videos of the one script checked; each kind of film is encoded once."""

    def __init__(self, films: Path, folder: Path, spoken: Voiceover) -> None:
        self.films, self.folder = films, folder
        folder.mkdir()
        voice = shutil.copy(spoken.path, folder / "voice.wav")
        self.voiceover = spoken.model_copy(update={"path": str(voice)})

    def make(self, film: Film) -> Render:
        made = self.films / f"{hash(film)}.mp4"
        if not made.exists():
            encode(film, self.voiceover, made)
        video = Path(shutil.copy(made, self.folder / "video.mp4"))
        thumbnail = self.folder / "thumbnail.jpg"
        Image.new("RGB", (WIDTH, HEIGHT), "navy").save(thumbnail)
        captions = self.folder / "captions.vtt"
        words = " ".join(word.text for word in self.voiceover.words)
        captions.write_text(f"WEBVTT\n\n00:00.000 --> 00:09.000\n{words}\n")
        return Render(
            video_path=str(video),
            thumbnail_path=str(thumbnail),
            captions_path=str(captions),
            sha256=sha256(video),
            thumbnail_sha256=sha256(thumbnail),
            captions_sha256=sha256(captions),
            size_bytes=video.stat().st_size,
            duration_s=self.voiceover.duration_s,
            width=WIDTH,
            height=HEIGHT,
            fps=FPS,
            encoder="libx264",
            encoder_reason="test",
            marks={"captions": CAPTIONS, "disclosure": NOTICE},
        )

    def overwrite(self, name: str, content: bytes | None) -> str:
        """Put other bytes into a file, or remove it; return its new SHA-256."""
        path = self.folder / name
        if content is None:
            path.unlink()
            return ""
        path.write_bytes(content)
        return sha256(path)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    async def check(self, render: Render, disclosure: str = DISCLOSURE) -> CheckReport:
        ctx = context(self.folder.parent, {"check_video": LIMITS})
        return await check_video(ctx, 7, render, SCRIPT, self.voiceover, disclosure)
