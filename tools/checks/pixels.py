"""Is there text where text must be? Looked up in the pixels of the finished file.

Letters are narrow runs of one tone, the same in all of them, with sharp edges on both sides and
several in a row of pixels: bright on dark, or dark on bright. Pictures rarely have that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bookai.models import Finding, Script, Voiceover, Word
from tools.checks.detect import Crop
from tools.checks.limits import Limits

Luma = NDArray[np.uint8]

BRIGHT = 110
FALL = 50
FLAT = 24
EVEN = 70
INK = 14
WIDEST_STROKE_SHARE = 0.08
STROKES_A_ROW = 3
FEWEST_ROWS_SHARE = 0.008
MOST_ROWS_SHARE = 0.85
MOST_FRAMES = 36
LAST_MOMENT_S = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """A frame to look at: its number, and the mark (`captions`, `disclosure`) wanted in it."""

    frame: int
    mark: str
    line: int


def looks_for(script: Script, voiceover: Voiceover, fps: float, disclosure: str) -> list[Look]:
    """Return the frames to look at: the middle of words spread over every line.

    A disclosure is looked for while it is spoken, else in the video's last second.
    """
    words = [word for word in voiceover.words if _spoken(word)]
    looks = [Look(_middle(word, fps), "captions", word.line) for word in _spread(words)]
    if not disclosure:
        return looks
    said = {number for number, line in enumerate(script.lines) if line.kind == "disclosure"}
    moments = [_middle(word, fps) for word in words if word.line in said]
    if not moments:
        end = max(0.0, voiceover.duration_s - LAST_MOMENT_S)
        moments = [int((end + step * 0.2) * fps) for step in range(4)]
    step = max(1, len(moments) // 8)
    return looks + [Look(frame, "disclosure", -1) for frame in moments[::step]]


def crop_around(marks: Mapping[str, tuple[int, int, int, int]], size: tuple[int, int]) -> Crop:
    """Return the smallest box around all marks.

    Raises:
        ValueError: there is none, or one is empty or outside the picture of `size` (width, height).
    """
    if not marks:
        raise ValueError("the render names no box to look into")
    for name, (x, y, width, height) in marks.items():
        if min(x, y) < 0 or min(width, height) < 8 or x + width > size[0] or y + height > size[1]:
            raise ValueError(f"the mark {name!r} {(x, y, width, height)} is not in the picture")
    left = min(x for x, _, _, _ in marks.values())
    top = min(y for _, y, _, _ in marks.values())
    right = max(x + width for x, _, width, _ in marks.values())
    bottom = max(y + height for _, y, _, height in marks.values())
    return Crop(left, top, right - left, bottom - top)


def read_frames(path: Path, frames: Sequence[int], crop: Crop) -> dict[int, Luma]:
    """Return the luma of `crop` by frame number, as ffmpeg wrote it; later ones may be missing."""
    order = sorted(set(frames))
    size = crop.width * crop.height
    if not path.exists():
        return {}
    count = min(len(order), path.stat().st_size // size)
    pixels = np.fromfile(path, np.uint8, count * size).reshape(count, crop.height, crop.width)
    return dict(zip(order, pixels, strict=False))


def judge_text(
    looks: Sequence[Look],
    frames: Mapping[int, Luma],
    marks: Mapping[str, tuple[int, int, int, int]],
    crop: Crop,
    limits: Limits,
) -> list[Finding]:
    """Say for each mark in how many of the frames looked at there is text.

    Captions must also change from line to line, or the words stand still while the voice goes on.
    """
    findings = []
    for mark, share in (
        ("captions", limits.captions_share),
        ("disclosure", limits.disclosure_share),
    ):
        wanted = [look for look in looks if look.mark == mark]
        if not wanted:
            continue
        if mark not in marks:
            detail = f"the render names no box for it (marks: {', '.join(marks) or 'none'})"
            findings.append(Finding(check=mark, ok=False, detail=detail))
            continue
        x, y, width, height = marks[mark]
        rows, columns = (
            slice(y - crop.y, y - crop.y + height),
            slice(x - crop.x, x - crop.x + width),
        )
        boxes = [
            (look.line, frames[look.frame][rows, columns])
            for look in wanted
            if look.frame in frames
        ]
        findings.append(_judge_mark(mark, len(wanted), boxes, share, limits.width))
    return findings


def _judge_mark(
    mark: str, wanted: int, boxes: Sequence[tuple[int, Luma]], share: float, width: int
) -> Finding:
    seen = sum(has_text(box, width) for _, box in boxes)
    detail = f"text seen in {seen} of {wanted} frames looked at (limit {share:.0%})"
    ok = seen >= share * wanted
    if mark == "captions":
        turns = [
            _differ(before, after)
            for (line, before), (next_line, after) in pairwise(boxes)
            if line != next_line
        ]
        ok = ok and sum(turns) >= share * len(turns)
        detail += f"; it changed at {sum(turns)} of {len(turns)} turns of line (limit {share:.0%})"
    return Finding(check=mark, ok=ok, detail=detail)


def has_text(luma: Luma, picture_width: int) -> bool:
    """Return whether enough rows of the box cross several strokes of letters.

    Where nearly every row does, it is texture: writing leaves room between its lines, and a text
    that cannot be told from its background cannot be read either.
    """
    widest = max(8, int(picture_width * WIDEST_STROKE_SHARE))
    fewest = max(4, round(picture_width * FEWEST_ROWS_SHARE))
    most = MOST_ROWS_SHARE * luma.shape[0]
    rows = [
        int((strokes_by_row(tones, widest) >= STROKES_A_ROW).sum()) for tones in (luma, 255 - luma)
    ]
    return max(rows) >= fewest and max(rows) <= most


def strokes_by_row(luma: Luma, widest: int) -> NDArray[np.intp]:
    """Count in every row the flat bright runs, 2 to `widest` wide, that fall sharply both ways."""
    height, width = luma.shape
    values = luma.astype(np.int16)
    bright = np.zeros((height, width + 2), np.int8)
    bright[:, 1:-1] = values >= BRIGHT
    edges = np.diff(bright, axis=1)
    row, begin = np.nonzero(edges == 1)
    end = np.nonzero(edges == -1)[1]
    middle = values[row, (begin + end - 1) // 2]
    flat = np.abs(values[row, np.minimum(begin + 1, end - 1)] - middle) <= FLAT
    left = values[row, np.maximum(begin - 3, 0)]
    right = values[row, np.minimum(end + 2, width - 1)]
    length = end - begin
    stroke = (
        flat
        & (length >= 2)
        & (length <= widest)
        & (begin > 0)
        & (end < width)
        & (middle - left >= FALL)
        & (middle - right >= FALL)
        & (np.abs(left - right) <= EVEN)
    )
    inked = stroke & _of_one_ink(middle, stroke)
    return np.bincount(row[inked], minlength=height)


def _of_one_ink(tones: NDArray[np.int16], among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which tones are the commonest one, or near: a text is written in one ink."""
    if not among.any():
        return among
    counts = np.bincount(tones[among], minlength=256)
    near = np.convolve(counts, np.ones(2 * INK + 1), "same")
    return np.abs(tones - int(near.argmax())) <= INK


def _differ(before: Luma, after: Luma) -> bool:
    """Return whether the bright shapes of two boxes are not the same."""
    first, second = before >= BRIGHT, after >= BRIGHT
    both, either = int((first & second).sum()), int((first | second).sum())
    return either == 0 or both / either < 0.97


def _spoken(word: Word) -> bool:
    return sum(letter.isalnum() for letter in word.text) >= 2


def _middle(word: Word, fps: float) -> int:
    return int((word.start_s + word.end_s) / 2 * fps)


def _spread(words: Sequence[Word]) -> list[Word]:
    """Return some words of every line, at most `MOST_FRAMES` in all, in order."""
    lines: dict[int, list[Word]] = {}
    for word in words:
        lines.setdefault(word.line, []).append(word)
    each = max(1, min(4, MOST_FRAMES // max(1, len(lines))))
    chosen = []
    for group in lines.values():
        turns = min(each, len(group))
        chosen += [group[(2 * turn + 1) * len(group) // (2 * turns)] for turn in range(turns)]
    step = -(-len(chosen) // MOST_FRAMES) if chosen else 1
    return chosen[::step]
