"""What a video is made of: each file, voice, typeface and offer, with its licence and hash."""

import hashlib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from bookai.db.dossier import Dossier
from bookai.film.shots import ClipShot, ImageShot
from tools.provenance.read import read_credentials
from tools.render.typography import Typeface

OWN = "made by this studio from what is listed here; the rights are its operator's"
PICTURES = "drawn by this program; no photograph or footage of others is used"
REST = "all pictures but those listed here are drawn by this program"
NOTED = "as the settings name it when this pack was made"
VOICES = {
    "espeak": ("espeakng-loader", "eSpeak NG, GPL-3.0-or-later; its speech is not covered"),
    "piper": ("", "the operator's own voice file, under its own licence"),
}

File = dict[str, Any]


def list_assets(dossier: Dossier, plugins: Mapping[str, Mapping[str, Any]]) -> list[File]:
    """Return every asset the job really used."""
    return [*_made(dossier), *_voice(dossier), *_drawn(dossier, plugins), *_offers(dossier)]


def _made(dossier: Dossier) -> Iterator[File]:
    render = dossier.job.render
    if render is None:
        return
    yield {
        "kind": "video",
        "sha256": render.sha256,
        "size_bytes": render.size_bytes,
        "duration_s": render.duration_s,
        "width": render.width,
        "height": render.height,
        "fps": render.fps,
        "encoder": render.encoder,
        "encoder_reason": render.encoder_reason,
        "licence": OWN,
    }
    yield {"kind": "thumbnail", "sha256": render.thumbnail_sha256, "licence": OWN}
    yield {"kind": "captions", "sha256": render.captions_sha256, "licence": OWN}


def _voice(dossier: Dossier) -> Iterator[File]:
    spoken = dossier.job.voiceover
    if spoken is None:
        return
    package, licence = VOICES.get(spoken.voice.split(":")[0], ("", "the voice plug-in's own"))
    yield {
        "kind": "voice",
        "name": spoken.voice,
        "language": spoken.language,
        "duration_s": spoken.duration_s,
        "sha256": hash_of(Path(spoken.path)),
        "engine": f"{package} {metadata.version(package)}" if package else spoken.voice,
        "licence": licence,
    }
    yield {"kind": "music", "name": spoken.music or "none", "licence": spoken.music or "none"}


def _drawn(dossier: Dossier, plugins: Mapping[str, Mapping[str, Any]]) -> Iterator[File]:
    if dossier.job.render is None:
        return
    own = str(plugins.get("render_video", {}).get("font") or plugins.get("kit", {}).get("font", ""))
    script = dossier.job.script
    face = Typeface(own, script.language if script else "")
    for path in face.files(f"{script.title} {script.text}" if script else "A"):
        yield {
            "kind": "typeface",
            "name": Path(path).name,
            "sha256": hash_of(Path(path)),
            "licence": "the operator's own file" if path == own else "SIL Open Font License 1.1",
            "noted": NOTED,
        }
    shown = [*_shown(dossier), *_logo(str(plugins.get("kit", {}).get("logo", "")))]
    yield from shown
    licence = REST if shown else PICTURES
    yield {"kind": "background", "name": "motion background", "licence": licence}


def _shown(dossier: Dossier) -> Iterator[File]:
    """Yield the pictures and clips of others' or the operator's own that the film shows."""
    render = dossier.job.render
    for row in render.shots if render else ():
        if isinstance(row.chosen.shot, ImageShot | ClipShot):
            yield {
                "kind": row.chosen.shot.kind,
                "name": f"shown with line {row.line}",
                "licence": row.licence,
                "credit": row.credit,
            }


def _logo(path: str) -> Iterator[File]:
    """Yield the channel's logo, which the end card shows."""
    if path:
        yield {
            "kind": "logo",
            "name": Path(path).name,
            "sha256": hash_of(Path(path)),
            "licence": "the operator's own file",
            "noted": NOTED,
        }


def _offers(dossier: Dossier) -> Iterator[File]:
    chosen = dossier.job.offer
    if chosen is None or chosen.offer is None:
        return
    for link in dossier.links:
        yield {"kind": "offer", **link, "disclosure": chosen.disclosure, "reason": chosen.reason}


def hash_of(path: Path) -> str | None:
    """Return a file's SHA-256, or None where it is gone."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def credentials_of(video: Path) -> dict[str, Any] | None:
    """Return what the final file's Content Credentials say, or None where it is gone."""
    try:
        return read_credentials(video).model_dump(mode="json")
    except OSError:
        return None
