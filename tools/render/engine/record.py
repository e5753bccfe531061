"""The record of a finished film."""

import hashlib
from pathlib import Path

from bookai.models import Render, Variant
from tools.render.encoders.probe import Choice
from tools.render.layout import Layout
from tools.render.spec import Outcome, Spec

UNSIGNED = "not signed: turned off in settings"


def described(spec: Spec, folder: Path, outcome: Outcome, choice: Choice) -> Render:
    """Return the record of a spec's files, which lie, or are about to lie, in `folder`."""
    layout = Layout(spec.size)
    marks = {"captions": layout.captions}
    if spec.disclosure:
        marks["disclosure"] = layout.notice
    video, thumbnail, captions = map(Path, (spec.video_path, spec.thumbnail_path, spec.vtt_path))
    return Render(
        video_path=str(folder / video.name),
        thumbnail_path=str(folder / thumbnail.name),
        captions_path=str(folder / captions.name),
        sha256=sha256_of(video),
        thumbnail_sha256=sha256_of(thumbnail),
        captions_sha256=sha256_of(captions),
        size_bytes=video.stat().st_size,
        duration_s=outcome.duration_s,
        width=spec.size.width,
        height=spec.size.height,
        fps=spec.size.fps,
        encoder=choice.name,
        encoder_reason=choice.reason,
        marks=marks,
        credentials=f"signed by {outcome.signer}" if spec.order else UNSIGNED,
        shots=outcome.shots,
        others=tuple(
            Variant(
                name=one.name,
                video_path=str(folder / Path(one.video_path).name),
                sha256=sha256_of(Path(one.video_path)),
                width=one.size.width,
                height=one.size.height,
                clean=one.clean,
            )
            for one in spec.others
        ),
    )


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
