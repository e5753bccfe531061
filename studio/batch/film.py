"""One row: write where there is only a source, speak, render, check. Runs in a worker process."""

import os
import resource
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from av.error import FFmpegError

from agents.publisher import source_credit
from agents.writer import to_request, to_script
from bookai.errors import BookAIError, Refused
from bookai.film.material import Material
from bookai.llm.base import ModelAnswer
from bookai.llm.extractive import MODEL, extract
from bookai.models import Article, CheckReport, Origin, Record, Script, Voiceover
from studio.batch.records import Made, Setup, Task
from tools.base import Desk, Fetched, ToolContext
from tools.check_video import check_video
from tools.ffmpeg.runner import find_ffmpeg
from tools.media.gather import gather
from tools.media.intake import FOLDER
from tools.provenance.config import read_config
from tools.provenance.manifest import Binding, Order, bind
from tools.read_article import read_article
from tools.render.encoders.probe import choose_encoder
from tools.render.engine.record import described, sha256_of
from tools.render.engine.run import render
from tools.render.engine.targets import NAMES, others_of, render_config
from tools.render.engine.targets import Config as RenderConfig
from tools.render.layout import Size
from tools.render.spec import Spec, Target, is_full, no_space
from tools.render_video import ENCODERS
from tools.speak import speak


async def make(task: Task, setup: Setup) -> Made:
    """Return what the row came to; its files are complete in their folder, or there are none."""
    began, spent = time.monotonic(), _cpu_s()
    ended: dict[str, Any]
    folder = Path(setup.work) / str(task.number)
    try:
        report, files, duration_s = await _film(task, setup, folder)
        ended = {"ok": report.ok, "files": files, "duration_s": round(duration_s, 3)}
        if not report.ok:
            ended["error"] = "; ".join(
                f"{f.check}: {f.detail}" for f in report.findings if not f.ok
            )
    except (BookAIError, FFmpegError, OSError) as error:
        told = no_space(Path(setup.out)) if is_full(error) else error
        ended = {"ok": False, "error": f"{told}"}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Made(
        row=task.number,
        digest=task.digest,
        seconds=round(time.monotonic() - began, 3),
        cpu_s=round(_cpu_s() - spent, 3),
        peak_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        **ended,
    )


async def _film(
    task: Task, setup: Setup, folder: Path
) -> tuple[CheckReport, dict[str, str], float]:
    """Make and check the files in the row's scratch folder, then move them to their place."""
    ctx = _context(setup)
    place = Path(setup.out) / f"{task.number:04d}"
    _refuse_foreign(place)
    written = await _script(task, setup, ctx)
    script = written.script
    _emptied(folder)
    voiceover = await speak(ctx, task.number, script, setup.voice)
    shown = gather(ctx.work_dir, task.number, ctx.config, script, written.material)
    written = replace(written, material=shown)
    facts = bind(task.number, script, voiceover, "", written.origin)
    order = _order(ctx.config, script.title, facts, folder)
    ffmpeg = find_ffmpeg(ctx.config)
    choice = await choose_encoder(ffmpeg, ctx.work_dir / ENCODERS)
    spec = _spec(setup, folder, written, voiceover, order)
    spec = spec.model_copy(update={"encoder": choice.name, "ffmpeg": str(ffmpeg)})
    outcome = render(spec, _say_nothing)
    made = described(spec, folder, outcome, choice)
    report = await check_video(ctx, task.number, made, script, voiceover, "")
    return report, _moved(folder, place), made.duration_s


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _moved(folder: Path, place: Path) -> dict[str, str]:
    """Put the finished files in their place, all at once; return their digests.

    Raises:
        Refused: something that no batch made lies in that place.
    """
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
    for path in folder.iterdir():
        if path.suffix == ".wav" or path.name.startswith("."):
            path.unlink()
    files = {f"{place.name}/{path.name}": sha256_of(path) for path in sorted(folder.iterdir())}
    _refuse_foreign(place)
    if place.exists():
        shutil.rmtree(place)
    os.rename(folder, place)
    return files


def _refuse_foreign(place: Path) -> None:
    """Refuse a place that holds anything but a batch's files: it is never removed."""
    if not os.path.lexists(place):
        return
    whole = place.is_dir() and not place.is_symlink()
    inside = sorted(place.iterdir()) if whole else [place]
    foreign = next((one for one in inside if not _is_ours(one)), None)
    if foreign:
        raise Refused(f"{str(foreign)!r} is no batch's: move it away, then go on with --resume.")


def _is_ours(path: Path) -> bool:
    named = path.name in NAMES.values() or path.match("video-*.mp4")
    return named and path.is_file() and not path.is_symlink()


def _context(setup: Setup) -> ToolContext:
    """Return what tools are lent in a batch: a folder and settings; no desk and no network."""
    work = Path(setup.work)
    return ToolContext(
        desk=cast(Desk, None),
        fetch=_no_network,
        work_dir=work,
        gallery_dir=work,
        principal="batch",
        progress=_no_progress,
        config=setup.config,
    )


async def _no_network(url: str, *, accept: str = "*/*") -> Fetched:
    raise Refused(f"A batch reads files, not {url!r}: save the page and give its path.")


async def _no_progress(at: float, what: str) -> None:
    """Nobody watches a row; the batch counts rows."""


def _say_nothing(record: Record) -> None:
    """Nobody watches a frame either."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A script, what the video names as its source, and the text that it was made from."""

    script: Script
    credit: str
    origin: Origin
    material: Material


async def _script(task: Task, setup: Setup, ctx: ToolContext) -> _Written:
    """Return the row's script; one of a source is written first."""
    row = task.row
    spoken = row.spoken
    if spoken is not None:
        return _Written(spoken, row.credit, Origin(), Material())
    article = await read_article(ctx, row.source)
    script = _draft(article, setup.seconds)
    return _Written(
        script,
        row.credit or source_credit(article, script.language)[:200],
        Origin(source_url=article.url, article_sha256=article.sha256),
        Material(source=article.text),
    )


def _draft(article: Article, seconds: float) -> Script:
    """Let the built-in writer write it: no model, the source's own sentences."""
    content = extract(to_request(article, seconds))
    answer = ModelAnswer(
        content=content, provider="extractive", model=MODEL, draft_kind="extractive"
    )
    try:
        return to_script(answer, article)
    except ValueError as error:
        raise Refused(f"The built-in writer's draft does not hold: {error}.") from error


def _spec(
    setup: Setup, folder: Path, written: _Written, voiceover: Voiceover, order: Order | None
) -> Spec:
    config = render_config(setup.config.get("render_video", {}))
    size, others = targets(setup, config, folder)
    return Spec(
        script=written.script,
        voiceover=voiceover,
        brand=setup.brand,
        credit=written.credit,
        disclosure="",
        font=config.font,
        size=size,
        material=written.material,
        kit=setup.kit,
        order=order,
        others=others,
        video_path=str(folder / NAMES["video_path"]),
        thumbnail_path=str(folder / NAMES["thumbnail_path"]),
        vtt_path=str(folder / NAMES["vtt_path"]),
        srt_path=str(folder / NAMES["srt_path"]),
    )


def targets(setup: Setup, config: RenderConfig, folder: Path) -> tuple[Size, tuple[Target, ...]]:
    """Return the main file's size, and the others: those asked for, else those of the settings."""
    main = config.size
    if not setup.formats:
        return main, others_of(config, folder)
    wished = config.model_copy(update={"formats": setup.formats, "clean": False})
    found = {one.name: one for one in others_of(wished, folder)}
    first, *more = setup.formats
    size = found[first].size if first in found else main
    rest = (found.get(name) or _main_too(name, main, folder) for name in more)
    return size, tuple(rest)


def _main_too(name: str, size: Size, folder: Path) -> Target:
    path = folder / f"video-{name.replace(':', 'x')}.mp4"
    return Target(name=name, video_path=str(path), size=size)


def _order(tables: Mapping[str, Any], title: str, binding: Binding, folder: Path) -> Order | None:
    config = read_config(tables)
    if not config.enabled:
        return None
    return Order(config=config, title=title, binding=binding, earlier=str(folder / "none.mp4"))


def _cpu_s() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
