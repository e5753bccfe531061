"""Make twelve videos in ten languages, and set three telling frames of each on one sheet.

`python -m benchmarks.rendering.contact_sheet FOLDER [--sheet JPEG] [--only NUMBER …]` speaks,
renders and checks the stories beside this file. Films that are in the folder already are kept.
For every film the folder also gets `NN-XX.png`, one frame a sentence: look at it.
"""

import argparse
import asyncio
import hashlib
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import numpy as np
from PIL import Image, ImageDraw

from benchmarks.rendering.contact_drawings import CREDIT, LICENCE, draw
from bookai.film.material import Material, Media
from bookai.film.shots import ShotKind, ShotRow
from bookai.models import Line, Record, Script, Voiceover
from tools.base import Desk, Fetch, ToolContext
from tools.check_video import check_video
from tools.render.encoders.probe import Choice
from tools.render.encoders.recipes import CPU
from tools.render.engine.record import described
from tools.render.engine.run import render
from tools.render.spec import Spec
from tools.render.text.plan import END_S
from tools.render.typography import HEAVY, Style, Typeface
from tools.speak import speak

STORIES = Path(__file__).with_suffix(".jsonl")
MOST_BYTES = 300_000
A_FILM, A_ROW = 3, 4
WIDE, GAP, HEAD = 148, 12, 28
JUDGED = (360, 640)
GROUND, INK = (24, 25, 28), (236, 236, 232)


class Picture(Record):
    """A drawing of ours, and what it shows."""

    draw: str
    words: str


class Story(Record):
    """What a video says; `source` is the text that it was made from, where a chart needs it."""

    language: str
    title: str
    lines: tuple[str, ...]
    credit: str
    source: str = ""
    pictures: tuple[Picture, ...] = ()


class Film(Record):
    """A finished video: its shots, and when each sentence has been said, seconds."""

    video_path: str
    language: str
    rows: tuple[ShotRow, ...]
    ends_s: tuple[float, ...]
    duration_s: float
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Still:
    """A frame worth showing."""

    kind: ShotKind
    image: Image.Image


Films = Sequence[tuple[str, Sequence[Still]]]


def main(argv: list[str]) -> int:
    """Make what is missing, write the sheets, say what failed its check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sheet", type=Path, help="write the contact sheet here")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of stories, from 1")
    options = parser.parse_args(argv)
    options.folder.mkdir(parents=True, exist_ok=True)
    told = STORIES.read_text(encoding="utf-8").splitlines()
    films: list[tuple[str, list[Still]]] = []
    for number, line in enumerate(told, 1):
        if options.only and number not in options.only:
            continue
        film = _film(options.folder, number, Story.model_validate_json(line))
        stills = [*_stills(film)]
        _each(stills).save(options.folder / f"{number:02d}-{film.language}.png")
        films.append((film.language, stills))
        kinds = " ".join(still.kind for still in stills)
        sys.stdout.write(f"{number:02d} {film.language} {film.duration_s:.1f} s: {kinds}\n")
        sys.stdout.writelines(f"   failed: {one}\n" for one in film.failed)
    if options.sheet:
        options.sheet.write_bytes(squeezed(sheet(chosen(films))))
    return 0


def _film(folder: Path, number: int, story: Story) -> Film:
    """Return the film of a story, made now unless it is there and of the same words."""
    job = folder / str(number)
    record = job / "film.json"
    digest = hashlib.sha256(story.model_dump_json().encode()).hexdigest()
    if record.exists() and (kept := json.loads(record.read_text()))["digest"] == digest:
        return Film.model_validate(kept["film"])
    job.mkdir(exist_ok=True)
    film = asyncio.run(_made(folder, number, story))
    record.write_text(json.dumps({"digest": digest, "film": film.model_dump(mode="json")}))
    return film


async def _made(folder: Path, number: int, story: Story) -> Film:
    script, ctx, job = script_of(story), _context(folder), folder / str(number)
    voice = await speak(ctx, number, script, "espeak")
    material = Material(source=story.source, media=tuple(_media(story, job)))
    spec = _spec(script, voice, job, story.credit).model_copy(update={"material": material})
    outcome = render(spec, lambda record: None)
    made = described(spec, job, outcome, Choice(name=CPU, reason="the sheet's own"))
    report = await check_video(ctx, number, made, script, voice, "")
    return Film(
        video_path=spec.video_path,
        language=story.language,
        rows=outcome.shots,
        ends_s=_ends(voice, len(script.lines)),
        duration_s=outcome.duration_s,
        failed=tuple(f"{one.check}: {one.detail}" for one in report.findings if not one.ok),
    )


def script_of(story: Story) -> Script:
    """Return a story as the script of a film."""
    first, *others = story.lines
    return Script(
        title=story.title,
        lines=(Line(text=first, kind="hook"), *(Line(text=one, kind="beat") for one in others)),
        language=story.language,
        draft_kind="extractive",
        writer="contact sheet",
        seconds_est=0.0,
    )


def _context(folder: Path) -> ToolContext:
    return ToolContext(
        desk=cast(Desk, None),
        fetch=cast(Fetch, None),
        work_dir=folder,
        gallery_dir=folder,
        principal="benchmark",
        progress=_nobody,
        config={"c2pa": {"enabled": False}},
    )


async def _nobody(at: float, what: str) -> None:
    """Nobody watches."""


def _media(story: Story, job: Path) -> Iterator[Media]:
    for picture in story.pictures:
        path = draw(picture.draw, job)
        yield Media(
            kind="image",
            path=str(path),
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            words=picture.words,
            licence=LICENCE,
            credit=CREDIT,
            origin="operator",
        )


def _spec(script: Script, voice: Voiceover, job: Path, credit: str) -> Spec:
    return Spec(
        script=script,
        voiceover=voice,
        brand="BookAI Studio",
        credit=credit,
        disclosure="",
        video_path=str(job / "video.mp4"),
        thumbnail_path=str(job / "thumbnail.jpg"),
        vtt_path=str(job / "captions.vtt"),
        srt_path=str(job / "captions.srt"),
    )


def _ends(voice: Voiceover, count: int) -> tuple[float, ...]:
    """Return when the last word of each sentence has just been said."""
    return tuple(
        max(word.end_s for word in voice.words if word.line == line) for line in range(count)
    )


def _stills(film: Film) -> Iterator[Still]:
    """Yield a frame a sentence, when all of it stands, and the end card."""
    # The end card comes right behind the last word.
    last = film.duration_s - END_S - 0.2
    times = [
        (row.chosen.shot.kind, min(end, last))
        for row, end in zip(film.rows, film.ends_s, strict=True)
    ]
    times.append(("end", film.duration_s - 0.2))
    with av.open(film.video_path) as box:
        stream = box.streams.video[0]
        frames = (frame for packet in box.demux(stream) for frame in packet.decode())
        kind, at = times.pop(0)
        for frame in frames:
            if frame.time is not None and frame.time >= at:
                yield Still(kind, _image(frame))
                if not times:
                    return
                kind, at = times.pop(0)


def _image(frame: av.VideoFrame) -> Image.Image:
    """Return a frame large enough to judge."""
    whole = frame.reformat(format="rgb24", src_colorspace="ITU709")
    return Image.fromarray(whole.to_ndarray()).resize(JUDGED, Image.Resampling.LANCZOS)


def chosen(films: Films) -> Films:
    """Return three frames of each film: kinds that the sheet has shown least, rare ones first."""
    total = Counter(still.kind for _, stills in films for still in stills)
    shown: Counter[ShotKind] = Counter()
    return [(language, _telling(stills, shown, total)) for language, stills in films]


def _telling(
    stills: Sequence[Still], shown: Counter[ShotKind], total: Counter[ShotKind]
) -> list[Still]:
    def worth(at: int) -> tuple[bool, int, int, int]:
        kind = stills[at].kind
        return kind in {stills[other].kind for other in taken}, shown[kind], total[kind], at

    taken: list[int] = []
    for _ in range(min(A_FILM, len(stills))):
        taken.append(min((at for at in range(len(stills)) if at not in taken), key=worth))
        shown[stills[taken[-1]].kind] += 1
    return [stills[at] for at in sorted(taken)]


def sheet(films: Films) -> Image.Image:
    """Return all films on one sheet, each with its language above its frames."""
    high = WIDE * 16 // 9
    block = (A_FILM * (WIDE + 4) + GAP, high + HEAD + GAP)
    rows = -(-len(films) // A_ROW)
    whole = Image.new("RGB", (A_ROW * block[0] + GAP, rows * block[1] + GAP), GROUND)
    face = Typeface()
    for number, (language, stills) in enumerate(films):
        left = GAP + number % A_ROW * block[0]
        top = GAP + number // A_ROW * block[1]
        mask = face.mask(language, Style(19, HEAVY, 0))
        whole.paste(INK, (left, top), Image.fromarray((mask * 255).astype(np.uint8)))
        for at, still in enumerate(stills):
            small = still.image.resize((WIDE, high), Image.Resampling.LANCZOS)
            whole.paste(small, (left + at * (WIDE + 4), top + HEAD))
    return whole


def squeezed(image: Image.Image) -> bytes:
    """Return a JPEG as good as 300 kB allow."""
    for quality in range(90, 30, -5):
        into = io.BytesIO()
        image.save(into, "JPEG", quality=quality, optimize=True, progressive=True)
        if len(into.getvalue()) <= MOST_BYTES:
            break
    return into.getvalue()


def _each(stills: Sequence[Still]) -> Image.Image:
    """Return a film's frames side by side, large enough to judge."""
    wide, high = JUDGED
    whole = Image.new("RGB", (len(stills) * wide, high + 20), GROUND)
    for at, still in enumerate(stills):
        whole.paste(still.image, (at * wide, 20))
        ImageDraw.Draw(whole).text((at * wide + 8, 4), still.kind, INK)
    return whole


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
