"""Render one film: compile its shots, plan, draw, encode, join, and write what goes with it."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from av import VideoFrame
from PIL import Image

from bookai.errors import Refused
from bookai.film.shots import ClipShot, ImageShot, ShotRow
from bookai.models import Record
from tools.provenance.sign import sign_video
from tools.render.brand import read_kit, seed
from tools.render.cards import Setter, draw_thumbnail, strongest
from tools.render.encoders.pipe import PipeEncoder
from tools.render.encoders.recipes import CPU
from tools.render.engine.coder import Coder, SceneCoder, Segment
from tools.render.engine.device import DeviceCoder
from tools.render.engine.joiner import join, write_sound
from tools.render.engine.media import open_media
from tools.render.engine.reel import Counts, Reel, encode
from tools.render.engine.store import Store, digest_of, key_of
from tools.render.layout import Layout, Size
from tools.render.look import Credits, Look
from tools.render.shots.compiler import compile_shots
from tools.render.spec import Outcome, Progress, Spec, Target
from tools.render.sprites import Frame
from tools.render.text.align import Shown, align
from tools.render.text.plan import Film, Timing, plan, told
from tools.render.text.subtitles import subrip, webvtt
from tools.render.typography import Typeface

Say = Callable[[Record], None]
MakeCoder = Callable[[Size], SceneCoder]
SLACK_S = 1.0
OWN = ("own work", "eigenes werk")  # licences that ask for nothing
EVERY = 15  # frames between two words of progress


class Stopwatch:
    """Processor seconds of this process by stage."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._at = time.process_time()

    def lap(self, stage: str) -> None:
        """Book what was spent since the last lap on `stage`."""
        now = time.process_time()
        self.stages[stage] = round(self.stages.get(stage, 0.0) + now - self._at, 4)
        self._at = now


def render(spec: Spec, say: Say, *, make_coder: MakeCoder | None = None) -> Outcome:
    """Write the files of a spec; `say` is told of progress.

    `make_coder` gives another coder than the spec's encoder has, such as one without loss.

    Raises:
        Refused: the script, its words or its pictures cannot be filmed.
        OperatorNeeded: a font, a colour or a certificate of the operator's cannot be used.
        FFmpegError, OSError: the encoder or the disk.
    """
    watch = Stopwatch()
    face = Typeface(spec.font or spec.kit.font, spec.script.language)
    for line in spec.script.lines:
        face.clean(line.text)  # refuses a script that the font lacks before any work is done
    words = align(
        [line.text for line in spec.script.lines], spec.voiceover.words, spec.script.language
    )
    _check_times(words, spec.voiceover.duration_s)
    if not words:
        raise Refused("The voiceover has no words: there is nothing to show. Speak the script.")
    rows = compile_shots(spec.script, spec.material, spec.swaps)
    studio = _Studio(spec, face, words, rows)
    watch.lap("shots")
    sound = Path(spec.video_path).with_name("sound.m4a")
    counts = Counts()
    for number, target in enumerate(studio.targets):
        film, look = studio.planned(target)
        if not number:
            studio.rows = told(studio.rows, film)
            studio.write_sound(sound, film.frames / target.size.fps)
            watch.lap("sound")
        telling = _Telling(say, number / len(studio.targets), 1 / len(studio.targets), film.frames)
        reel = Reel(film, look, spec.material.media, spec.encoder)
        coder = (make_coder or studio.coder)(target.size)
        segments = encode(reel, coder, studio.store, telling, counts)
        units = [unit for segment in segments for unit in segment.units]
        watch.lap("pictures")
        join(units, sound, Path(target.video_path), target.size.fps)
        watch.lap("join")
    sound.unlink()
    studio.write_rest()
    watch.lap("thumbnail")
    # Last of all: whatever changes a file after this breaks its signature.
    say(Progress(at=1.0, what="signing"))
    signer = studio.signed()
    studio.store.settle()
    watch.lap("signing")
    frames = studio.planned(studio.targets[0])[0].frames
    return Outcome(
        frames=frames,
        duration_s=frames / spec.size.fps,
        signer=signer,
        shots=studio.rows,
        parts=counts.parts,
        reused=counts.reused,
        coded=counts.coded,
        cpu_s=watch.stages,
    )


def _check_times(words: Sequence[Shown], duration_s: float) -> None:
    """Refuse words that lie outside of the voice track: the film would go on without a sound."""
    for word in words:
        # Written so that what is no number fails, too.
        if not 0 <= word.start_s <= word.end_s <= duration_s + SLACK_S:
            raise Refused(
                f"The word {word.text[:40]!r} is said from {word.start_s:g} to {word.end_s:g} s,"
                f" the voice track takes {duration_s:g} s: speak the script again."
            )


@dataclass(slots=True)
class _Telling:
    """Progress of one target: `share` of the whole, from `start` on."""

    say: Say
    start: float
    share: float
    frames: int
    told: int = -EVERY

    def __call__(self, ready: int) -> None:
        if ready - self.told >= EVERY:
            self.told = ready
            at = self.start + self.share * min(1.0, ready / self.frames)
            self.say(Progress(at=at, what=f"frame {ready} of {self.frames}"))


class _Studio:
    """What all targets of a spec share."""

    def __init__(
        self, spec: Spec, face: Typeface, words: tuple[Shown, ...], rows: tuple[ShotRow, ...]
    ) -> None:
        self.spec, self.face, self.words, self.rows = spec, face, words, rows
        self.palette = read_kit(spec.kit, spec.script.title)
        fresh = Path(spec.video_path).with_name("scenes")
        self.store = Store(Path(spec.store) if spec.store else None, fresh)
        self.targets = (
            Target(name="main", video_path=spec.video_path, size=spec.size),
            *spec.others,
        )
        self.pictures = open_media(spec.material.media, rows)
        self.thanks = {
            row.chosen.shot.media: thanks(row.credit, row.licence)
            for row in rows
            if isinstance(row.chosen.shot, ImageShot | ClipShot)
        }
        self.credits = Credits(
            face.clean(spec.script.title),
            face.clean(spec.brand),
            face.clean(spec.credit),
            face.clean(spec.disclosure),
        )

    def planned(self, target: Target) -> tuple[Film, Look]:
        """Return the film in a target's size, and how it looks."""
        spec = self.spec
        timing = Timing(spec.voiceover.duration_s, target.size.fps, seed(spec.script.title))
        disclosed = bool(spec.disclosure)
        film = plan(self.rows, spec.script.lines, self.words, timing, disclosed=disclosed)
        layout = Layout(target.size)
        look = Look(
            layout=layout,
            face=self.face,
            palette=self.palette,
            credits=self.credits,
            scenes=len(film.scenes),
            pictures=self.pictures,
            thanks=self.thanks,
            logo=spec.kit.logo,
            clean=target.clean,
        )
        if spec.disclosure:
            # One that does not fit is refused now, not when its scene comes.
            Setter(layout, self.face, self.palette.ground("night")).notice(self.credits.disclosure)
        return film, look

    def write_sound(self, into: Path, duration_s: float) -> None:
        """Write the sound of the film, or take over that of the film before."""
        voice = Path(self.spec.voiceover.path)
        with voice.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        key = key_of({"sound": digest, "duration_s": round(duration_s, 6)})
        kept = self.store.get(key)
        if kept is not None:
            into.write_bytes(kept.units[0])
            return
        write_sound(voice, into, duration_s)
        self.store.put(key, Segment((into.read_bytes(),), 0))

    def coder(self, size: Size) -> SceneCoder:
        """Return what encodes scenes of a size, as the spec's encoder is."""
        spec = self.spec
        if spec.encoder == CPU:
            return Coder(size)
        return DeviceCoder(PipeEncoder(Path(spec.ffmpeg), spec.encoder), size)

    def write_rest(self) -> None:
        """Write the thumbnail and the subtitles."""
        spec = self.spec
        self._write_thumbnail(Path(spec.thumbnail_path))
        Path(spec.vtt_path).write_text(webvtt(self.words, spec.script.language), encoding="utf-8")
        Path(spec.srt_path).write_text(subrip(self.words, spec.script.language), encoding="utf-8")

    def _write_thumbnail(self, into: Path) -> None:
        """Write the thumbnail, or take over that of the film before, where it shows the same."""
        size, shot = self.targets[0].size, strongest(self.rows)
        facts = {
            "thumbnail": shot.model_dump(mode="json"),
            "size": size.model_dump(),
            "words": asdict(self.credits),
            "palette": asdict(self.palette),
            "font": [digest_of(self.face.path), self.face.language],
        }
        key = key_of(facts)
        kept = self.store.get(key)
        if kept is not None:
            into.write_bytes(kept.units[0])
            return
        drawn = draw_thumbnail(Layout(size), self.face, self.palette, self.credits, self.rows)
        picture(drawn).save(into, "JPEG", quality=90, subsampling=0)
        self.store.put(key, Segment((into.read_bytes(),), 0))

    def signed(self) -> str:
        """Sign every file as the spec orders; return who did, "" for nobody."""
        if self.spec.order is None:
            return ""
        signer = ""
        for target in self.targets:
            signer = sign_video(Path(target.video_path), self.spec.order, datetime.now(UTC)).signer
        return signer


def thanks(credit: str, licence: str) -> str:
    """Return the line that must be shown with a picture or clip; "" where nothing is asked for."""
    credit, licence = credit.strip(), licence.strip()
    if not credit:
        return "" if licence.casefold() in OWN else licence
    told_already = licence.casefold() in credit.casefold()
    return credit if told_already else f"{credit} · {licence}"


def picture(frame: Frame) -> Image.Image:
    """Return a frame as an RGB picture."""
    whole = VideoFrame.from_numpy_buffer(frame.buffer, format="yuv420p")
    return Image.fromarray(whole.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray())
