"""The others, given the same pictures, voice, words and music; each measured as a whole process."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bookai.models import Voiceover
from rendering.graph import Variant, command
from rendering.material import phrases, subrip_of, write_music, write_pictures
from rendering.meter import Metered, metered

HERE = Path(__file__).resolve().parent
CLIP = "scale=1200:2134,crop=1080:1920:'n/2':'n/2',format=yuv420p"


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody's video and what it cost; `steps` are wall seconds where he has steps."""

    name: str
    run: Metered
    video: Path
    steps: str = ""


def font_file() -> Path:
    """Return the font that all of them set their captions in."""
    spec = find_spec("fontpkg_montserrat")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.rglob("Montserrat[[]wght[]].ttf"))


def prepare(folder: Path, voice: Voiceover, ffmpeg: Path) -> Path:
    """Write what every peer gets."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = write_pictures(folder)
    shutil.copy(voice.path, folder / "voice.wav")
    write_music(folder / "music.wav", voice.duration_s + 2)
    (folder / "captions.srt").write_text(subrip_of(voice))
    (folder / "phrases.json").write_text(json.dumps(phrases(voice)))
    (folder / "facts.json").write_text(json.dumps({"seconds": voice.duration_s}))
    for k, picture in enumerate(pictures):
        moving = [ffmpeg, "-y", "-v", "error", "-loop", "1", "-i", picture, "-t", "5", "-r", "30"]
        moving += [
            "-vf",
            CLIP,
            "-c:v",
            "libx264",
            "-preset",
            "fast",
            "-an",
            folder / f"clip{k}.mp4",
        ]
        subprocess.run(moving, check=True, timeout=120)
    return folder


def graphs(ffmpeg: Path, material: Path, out: Path) -> list[Peer]:
    """Run the ffmpeg graph as it pans at its quickest and as it zooms at two presets."""
    found = []
    for variant in (
        Variant("pan", "ultrafast"),
        Variant("zoom", "veryfast"),
        Variant("zoom", "medium"),
    ):
        name = f"ffmpeg graph, {variant.motion}, {variant.preset}"
        video = out / f"graph-{variant.motion}-{variant.preset}.mp4"
        asked = command(ffmpeg, material, font_file().parent, video, variant)
        found.append(Peer(name, metered(asked), video))
    return found


def moviepy(python: Path, material: Path, out: Path) -> Peer:
    """Run plain MoviePy 2."""
    video = out / "moviepy.mp4"
    asked = [python, HERE / "peer_moviepy.py", material, video, font_file(), "ultrafast"]
    return Peer("MoviePy 2, zoom, ultrafast", metered(asked), video)


def turbo(python: Path, checkout: Path, material: Path, out: Path, kind: str) -> Peer:
    """Run MoneyPrinterTurbo's composition from `clips` or from `pictures`."""
    folder = out / f"turbo-{kind}"
    asked = [python, HERE / "peer_mpt.py", kind, material, folder]
    # It keeps settings and files under the home folder: not under the operator's.
    env = {**os.environ, "HOME": str(out / "home"), "XDG_DATA_HOME": str(out / "home" / "data")}
    (out / "home").mkdir(exist_ok=True)
    run = metered(asked, cwd=checkout, env=env)
    return Peer(f"MoneyPrinterTurbo, {kind}", run, folder / "final.mp4", run.said.splitlines()[-1])
