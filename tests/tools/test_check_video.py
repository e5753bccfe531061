"""Real small videos, each with one fault: the check finds that fault, and nothing in a good one."""

import asyncio
import hashlib
import io
import shutil
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bookai.errors import OperatorNeeded, Refused
from bookai.models import CheckReport, Line, Render, Script, Voiceover
from tools.base import Desk, Fetched, ToolContext
from tools.check_video import TOOL, check_video
from tools.speak import speak

WIDTH, HEIGHT, FPS = 360, 640, 15
LIMITS = {"width": WIDTH, "height": HEIGHT, "longest_still_s": 1.5, "longest_silence_s": 1.5}
CAPTIONS = (20, 400, 320, 90)
NOTICE = (20, 330, 320, 40)
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
    captions: Literal["words", "none", "frozen"] = "words"
    dark_on_bright: bool = False
    notice: bool = True
    gain: float = 1.0
    delay_s: float = 0.0
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
        picture[written(f"{' '.join(words[:3])}\n{' '.join(words[3:])}", CAPTIONS, 34)] = ink
    if film.notice:
        picture[written(DISCLOSURE, NOTICE, 28)] = ink
    return picture


def encode(film: Film, voiceover: Voiceover, path: Path) -> None:
    flags = {"movflags": "+faststart"} if film.faststart else {}
    with wave.open(voiceover.path) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    late = np.zeros((int(film.delay_s * 48_000), 2), np.int16)
    sound = np.concatenate([late, np.clip(sound * film.gain, -32768, 32767).astype("<i2")])
    with av.open(str(path), "w", options=flags) as out:
        video = out.add_stream("libx264", rate=film.fps, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = out.add_stream("aac", rate=48_000, layout="stereo")
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


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films").resolve()


@pytest.fixture(scope="module")
def spoken(films: Path) -> Voiceover:
    return asyncio.run(speak(context(films, {}), 7, SCRIPT, "espeak"))


@pytest.fixture
def studio(tmp_path: Path, films: Path, spoken: Voiceover) -> Studio:
    return Studio(films, tmp_path.resolve() / "7", spoken)


def bad(report: CheckReport) -> set[str]:
    assert report.ok == all(finding.ok for finding in report.findings)
    return {finding.check for finding in report.findings if not finding.ok}


def detail(report: CheckReport, check: str) -> str:
    return next(finding.detail for finding in report.findings if finding.check == check)


@pytest.mark.parametrize("film", [Film(), Film(dark_on_bright=True)], ids=["night", "paper"])
async def test_a_good_video_passes_every_check(studio: Studio, film: Film) -> None:
    report = await studio.check(studio.make(film))

    assert bad(report) == set()
    assert detail(report, "loudness").endswith("LUFS (limit -14 +- 1.5)")
    assert {"captions", "disclosure", "sync", "black", "faststart"} <= {
        finding.check for finding in report.findings
    }


@pytest.mark.parametrize(
    ("film", "faults"),
    [
        (Film(black=True), {"black", "still", "captions", "disclosure"}),
        (Film(moving=False, captions="frozen"), {"still", "captions"}),
        (Film(captions="frozen"), {"captions"}),
        (Film(captions="none"), {"captions"}),
        (Film(captions="none", dark_on_bright=True), {"captions"}),
        (Film(notice=False), {"disclosure"}),
        (Film(gain=0.0), {"silence", "loudness", "sync"}),
        (Film(gain=0.3), {"loudness"}),
        (Film(gain=4.0), {"loudness", "true_peak", "clipping"}),
        (Film(delay_s=0.4), {"sync"}),
        (Film(faststart=False), {"faststart"}),
        (Film(fps=10), {"frame_rate"}),
        (Film(length=0.6), {"duration_voice", "captions", "disclosure"}),
    ],
)
async def test_each_fault_is_found_and_nothing_else(
    studio: Studio, film: Film, faults: set[str]
) -> None:
    report = await studio.check(studio.make(film))

    assert bad(report) == faults


async def test_a_video_without_an_offer_needs_no_disclosure(studio: Studio) -> None:
    report = await studio.check(studio.make(Film(notice=False)), disclosure="")

    assert bad(report) == set()


async def test_changed_bytes_are_found(studio: Studio) -> None:
    render = studio.make(Film())
    for name in ("video.mp4", "thumbnail.jpg", "captions.vtt"):
        studio.overwrite(name, studio.read(name) + b"\0\0\0\x08free")

    assert bad(await studio.check(render)) == {"sha256", "thumbnail_sha256", "captions_sha256"}


async def test_a_damaged_picture_stream_is_found(studio: Studio) -> None:
    render = studio.make(Film())
    data = bytearray(studio.read("video.mp4"))
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    studio.overwrite("video.mp4", bytes(data))

    assert {"sha256", "decode"} <= bad(await studio.check(render))


@pytest.mark.parametrize("content", [b"", b"no video at all", b"\0\0\0\x18ftypmp42" + bytes(99)])
async def test_a_file_that_is_no_video_is_a_finding(studio: Studio, content: bytes) -> None:
    render = studio.make(Film())
    studio.overwrite("video.mp4", content)

    assert bad(await studio.check(render)) == {"container"}


async def test_a_missing_file_is_named(studio: Studio) -> None:
    render = studio.make(Film())
    studio.overwrite("thumbnail.jpg", None)

    report = await studio.check(render)

    assert bad(report) == {"files"}
    assert "thumbnail.jpg" in detail(report, "files")


async def test_other_numbers_than_promised_are_found(studio: Studio) -> None:
    render = studio.make(Film()).model_copy(update={"width": 1080, "height": 1920, "fps": 30})

    assert bad(await studio.check(render)) == {"size", "frame_rate"}


@pytest.mark.parametrize(
    "marks", [{}, {"captions": (0, 0, 9999, 90)}, {"captions": (-4, 0, 90, 90)}]
)
async def test_marks_that_say_nothing_are_found(
    studio: Studio, marks: dict[str, tuple[int, int, int, int]]
) -> None:
    render = studio.make(Film()).model_copy(update={"marks": marks})

    assert bad(await studio.check(render)) == {"marks", "captions", "disclosure"}


async def test_a_render_that_forgets_the_disclosures_box_is_found(studio: Studio) -> None:
    render = studio.make(Film()).model_copy(update={"marks": {"captions": CAPTIONS}})

    assert bad(await studio.check(render)) == {"disclosure"}


async def test_a_wrong_thumbnail_and_empty_subtitles_are_found(studio: Studio) -> None:
    render = studio.make(Film())
    wide = io.BytesIO()
    Image.new("RGB", (640, 360)).save(wide, "PNG")
    changed = render.model_copy(
        update={
            "thumbnail_sha256": studio.overwrite("thumbnail.jpg", wide.getvalue()),
            "captions_sha256": studio.overwrite("captions.vtt", b"WEBVTT\n"),
        }
    )

    assert bad(await studio.check(changed)) == {"thumbnail", "captions_file"}


async def test_a_path_out_of_the_jobs_folder_is_refused(studio: Studio) -> None:
    render = studio.make(Film()).model_copy(update={"video_path": "/etc/passwd"})

    with pytest.raises(Refused, match="passwd"):
        await studio.check(render)


@pytest.mark.parametrize(
    "config", [{"check_video": {"width": "wide"}}, {"ffmpeg": {"path": "/gone/ffmpeg"}}]
)
async def test_wrong_settings_need_the_operator(studio: Studio, config: dict[str, Any]) -> None:
    render = studio.make(Film())
    ctx = context(studio.folder.parent, config)

    with pytest.raises(OperatorNeeded) as caught:
        await check_video(ctx, 7, render, SCRIPT, studio.voiceover, DISCLOSURE)

    assert caught.value.mend


def test_the_tool_keeps_the_contract() -> None:
    assert (TOOL.name, TOOL.scope, TOOL.timeout_s) == ("check_video", "agent", 180)
