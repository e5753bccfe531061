"""Ours, in a process of its own: `python -m rendering.ours '{"folder": …, …}'`, one JSON line out.

The whole path of the product: a script in, a checked MP4 with thumbnail and captions out. A
process that has just started pays for its imports, a worker of a batch once for twenty videos: both
are told. `lossless` writes our reference: the same pictures without any loss.
"""

import asyncio
import json
import resource
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from bookai.film.material import Material
from bookai.models import Script, Voiceover
from rendering.material import media_of, script_of
from tools.base import Desk, Fetch, ToolContext
from tools.check_video import check_video
from tools.render.encoders.probe import Choice
from tools.render.encoders.recipes import CPU
from tools.render.engine import run
from tools.render.engine.coder import Coder
from tools.render.engine.record import described
from tools.render.layout import Size
from tools.render.spec import Outcome, Spec, Target
from tools.speak import speak

JOB = 1


def cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


async def _progress(at: float, what: str) -> None:
    """Nobody watches."""


def context(folder: Path) -> ToolContext:
    return ToolContext(
        desk=cast(Desk, None),
        fetch=cast(Fetch, None),
        work_dir=folder,
        gallery_dir=folder,
        principal="benchmark",
        progress=_progress,
        config={"c2pa": {"enabled": False}},
    )


def spec_of(folder: Path, script: Script, voice: Voiceover, order: dict[str, Any]) -> Spec:
    job = folder / str(JOB)
    sizes = {"1x1": (1080, 1080), "16x9": (1920, 1080)} if order.get("formats") else {}
    media = media_of(script, [Path(one) for one in order.get("pictures", [])])
    return Spec(
        script=script,
        voiceover=voice,
        brand="BookAI Studio",
        credit="Source: Wikinews",
        disclosure="",
        video_path=str(job / "video.mp4"),
        thumbnail_path=str(job / "thumbnail.jpg"),
        vtt_path=str(job / "captions.vtt"),
        srt_path=str(job / "captions.srt"),
        size=Size(),
        material=Material(media=media),
        # A picture a sentence, as far as they go: photographs are the hard case.
        swaps=dict.fromkeys(range(1, len(media) + 1), "image")
        if media
        else {int(line): kind for line, kind in order.get("swaps", {}).items()},
        store=order.get("store", ""),
        others=tuple(
            Target(name=name, video_path=str(job / f"{name}.mp4"), size=Size(width=w, height=h))
            for name, (w, h) in sizes.items()
        ),
    )


def render(spec: Spec, *, lossless: bool) -> Outcome:
    make_coder = partial(Coder, quality=0, skips=False) if lossless else None
    return run.render(spec, lambda record: None, make_coder=make_coder)


async def whole(folder: Path, script: Script, order: dict[str, Any]) -> dict[str, Any]:
    """Make one video; return processor seconds by stage."""
    ctx = context(folder)
    (folder / str(JOB)).mkdir(parents=True, exist_ok=True)
    laps, began = [cpu_s()], time.perf_counter()
    voice = await speak(ctx, JOB, script, "espeak")
    laps.append(cpu_s())
    spec = spec_of(folder, script, voice, order)
    outcome = render(spec, lossless=bool(order.get("lossless")))
    laps.append(cpu_s())
    choice = Choice(name=CPU, reason="measured on the CPU")
    made = described(spec, folder / str(JOB), outcome, choice)
    report = await check_video(ctx, JOB, made, script, voice, "")
    laps.append(cpu_s())
    spoken, rendered, checked = (late - early for early, late in pairwise(laps))
    failed = [f"{one.check}: {one.detail}" for one in report.findings if not one.ok]
    return {
        "wall_s": time.perf_counter() - began,
        "cpu_s": laps[-1] - laps[0],
        "stages": {
            "speak": spoken,
            **{f"render: {name}": seconds for name, seconds in outcome.cpu_s.items()},
            "check": checked,
        },
        "render_s": rendered,
        "duration_s": outcome.duration_s,
        "frames": outcome.frames,
        "coded": outcome.coded,
        "parts": outcome.parts,
        "reused": outcome.reused,
        "size_bytes": made.size_bytes,
        "failed": failed,
        "shots": [row.chosen.shot.kind for row in outcome.shots],
        "voice": voice.model_dump(mode="json"),
    }


def main() -> None:
    order = json.loads(sys.argv[1])
    folder = Path(order["folder"])
    script = (
        Script.model_validate(order["script"])
        if order.get("script")
        else script_of(order.get("seconds", 30.0))
    )
    imports = cpu_s()
    told = asyncio.run(whole(folder, script, order))
    told["imports_s"] = imports
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
