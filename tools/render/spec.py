"""What the worker is asked for, in one JSON file, and what it answers on its standard output."""

import errno
from pathlib import Path
from typing import Literal

from bookai.errors import OperatorNeeded
from bookai.models import Record, Script, Voiceover
from tools.provenance.manifest import Order
from tools.render.layout import Size


class Spec(Record):
    """One video to render. All paths are absolute; the worker writes these and nothing else.

    `order` says how the video is to be signed; None leaves it unsigned.
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


class Progress(Record):
    """A line of the worker's output while it works; `at` is 0 to 1."""

    at: float
    what: str


class Outcome(Record):
    """The worker's last line: the film's facts, or why there is none."""

    error: Literal["", "Refused", "OperatorNeeded", "ToolFailed"] = ""
    message: str = ""
    frames: int = 0
    duration_s: float = 0.0
    signer: str = ""


def is_full(error: BaseException) -> bool:
    """Tell whether an error of the machine means that the disk or the quota is used up."""
    return getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}


def no_space(folder: Path) -> OperatorNeeded:
    """Return the error for a full disk."""
    return OperatorNeeded(
        f"No space is left on the disk of {str(folder)!r} for the video.",
        mend="Free about 100 MB there, then run the job again.",
    )
