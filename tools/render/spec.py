"""What the worker is asked for, in one JSON file, and what it answers on its standard output."""

import errno
import shutil
from pathlib import Path
from typing import Literal

from pydantic import Field

from bookai.errors import OperatorNeeded
from bookai.film.material import BrandKit, Material
from bookai.film.shots import ShotKind, ShotRow
from bookai.models import Record, Script, Voiceover
from tools.provenance.manifest import Order
from tools.render.encoders.recipes import CPU
from tools.render.layout import Size

ROOM_BYTES = 100 * 10**6
"""What the longest film takes together with its scenes and its half-made files."""


class Target(Record):
    """One more file of the same film: another size, or `clean` of what some platforms forbid."""

    name: str
    video_path: str
    size: Size
    clean: bool = False


class Spec(Record):
    """One video to render. All paths are absolute; the worker writes these and nothing else.

    `order` says how the video is to be signed; None leaves it unsigned. `store` is the folder of
    scenes that are already encoded; "" keeps none. `swaps` are an operator's wishes by line.
    An `encoder` other than ours on the CPU is one of the program `ffmpeg`'s.
    """

    script: Script
    voiceover: Voiceover
    brand: str
    credit: str
    disclosure: str
    video_path: str
    thumbnail_path: str
    vtt_path: str
    srt_path: str
    font: str = ""
    size: Size = Size()
    order: Order | None = None
    kit: BrandKit = BrandKit()
    material: Material = Material()
    swaps: dict[int, ShotKind] = Field(default_factory=dict)
    others: tuple[Target, ...] = ()
    store: str = ""
    encoder: str = CPU
    ffmpeg: str = ""


class Progress(Record):
    """A line of the worker's output while it works; `at` is 0 to 1."""

    at: float
    what: str


class Outcome(Record):
    """The worker's last line: the film's facts, or why there is none.

    `parts` are scenes and turns, `reused` those that came from the store; `coded` are the pictures
    that the encoder had to code. `cpu_s` is processor time by stage.
    """

    error: Literal["", "Refused", "OperatorNeeded", "ToolFailed"] = ""
    message: str = ""
    frames: int = 0
    duration_s: float = 0.0
    signer: str = ""
    shots: tuple[ShotRow, ...] = ()
    parts: int = 0
    reused: int = 0
    coded: int = 0
    cpu_s: dict[str, float] = Field(default_factory=dict)


def is_full(error: BaseException) -> bool:
    """Tell whether an error of the machine means that the disk or the quota is used up."""
    return getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}


def check_room(folder: Path, needed: int = ROOM_BYTES) -> None:
    """Return when a folder's disk has room for a film and what is half made of it.

    Raises:
        OperatorNeeded: it has not: better told before minutes of work than after.
    """
    if shutil.disk_usage(folder).free < needed:
        raise no_space(folder)


def no_space(folder: Path) -> OperatorNeeded:
    """Return the error for a full disk."""
    return OperatorNeeded(
        f"No space is left on the disk of {str(folder)!r} for the video.",
        mend="Free about 100 MB there, then run the job again.",
    )
