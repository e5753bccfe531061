"""What is written where, looked up in the pixels of the finished file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bookai.models import Finding, Script, Voiceover, Word
from tools.checks.limits import Limits
from tools.checks.writing import Luma, count_lines, differ, fewest_rows, is_text, text_rows

Box: TypeAlias = tuple[int, int, int, int]  # x, y, width, height in pixels
Marks: TypeAlias = Mapping[str, Box]

MOST_FRAMES = 30
MOST_NOTICES = 8
STRAY_STRIDE = 3
LAST_MOMENT_S = 1.0
LONGEST_S = 1200.0
# What is free of writing around the captions, as a share of the picture's short side.
CLEAR_SHARE = 0.022


@dataclass(frozen=True, slots=True)
class Look:
    """A frame to look at: its number, and the mark (`captions`, `disclosure`) wanted in it."""

    frame: int
    mark: str
    line: int


@dataclass(slots=True)
class Sights:
    """What was seen in the frames looked at; filled in frame by frame.

    `safe` is the part of the picture that no platform covers. `boxes` are copies of the marks'
    pixels, `strays` are places with writing where none may be.
    """

    looks: Sequence[Look]
    marks: Marks
    size: tuple[int, int]
    safe: Box
    boxes: dict[tuple[int, str], Luma] = field(default_factory=dict)
    outside: list[str] = field(default_factory=list)
    close: list[str] = field(default_factory=list)
    searched: int = 0

    @property
    def frames(self) -> frozenset[int]:
        """The numbers of the frames to look at."""
        return frozenset(look.frame for look in self.looks)

    def take(self, number: int, luma: Luma) -> None:
        """Look at a frame."""
        for look in self.looks:
            if look.frame == number and look.mark in self.marks:
                self.boxes[number, look.mark] = _cut(luma, self.marks[look.mark]).copy()
        order = sorted(look.frame for look in self.looks if look.mark == "captions")
        if number in order[::STRAY_STRIDE] and "captions" in self.marks:
            self._search(number, luma)

    def _search(self, number: int, luma: Luma) -> None:
        """Look for writing outside of the safe part, and close to the captions."""
        self.searched += 1
        side = min(self.size)
        for name, box in zones(self.size, self.safe).items():
            if is_text(text_rows(_cut(luma, box), side), side):
                self.outside.append(f"{name} of frame {number}")
        for name, box in _beside(self.marks["captions"], self.size).items():
            # A strip is so thin that letters may cross it all: texture is not told apart.
            if int(text_rows(_cut(luma, box), side).sum()) >= fewest_rows(side):
                self.close.append(f"{name} in frame {number}")


def looks_for(script: Script, voiceover: Voiceover, fps: float, disclosure: str) -> list[Look]:
    """Return the frames to look at: the middle of words spread over every line.

    A disclosure is looked for while it is spoken, else in the video's last second.
    """
    words = [word for word in voiceover.words if _spoken(word) and _timed(word)]
    looks = [Look(_middle(word, fps), "captions", word.line) for word in _spread(words)]
    if not disclosure:
        return looks
    said = {number for number, line in enumerate(script.lines) if line.kind == "disclosure"}
    moments = [_middle(word, fps) for word in words if word.line in said]
    if not moments:
        end = max(0.0, voiceover.duration_s - LAST_MOMENT_S)
        end = end if end < LONGEST_S else 0.0
        moments = [int((end + step * 0.2) * fps) for step in range(4)]
    step = -(-len(moments) // MOST_NOTICES)
    return looks + [Look(frame, "disclosure", -1) for frame in moments[::step]]


def check_marks(marks: Marks, size: tuple[int, int]) -> None:
    """Make sure that every mark is a box of the picture.

    Raises:
        ValueError: there is none, or one is empty or outside the picture of `size` (width, height).
    """
    if not marks:
        raise ValueError("the render names no box to look into")
    for name, (x, y, width, height) in marks.items():
        if min(x, y) < 0 or min(width, height) < 8 or x + width > size[0] or y + height > size[1]:
            raise ValueError(f"the mark {name!r} {(x, y, width, height)} is not in the picture")


def zones(size: tuple[int, int], safe: Box) -> dict[str, Box]:
    """Return the four parts of the picture around the safe one."""
    width, height = size
    x, y, wide, high = safe
    return {
        "the top": (0, 0, width, y),
        "the bottom": (0, y + high, width, height - y - high),
        "the left edge": (0, y, x, high),
        "the right edge": (x + wide, y, width - x - wide, high),
    }


def _beside(captions: Box, size: tuple[int, int]) -> dict[str, Box]:
    """Return the strips above and below the captions, as far as they are in the picture."""
    x, y, width, height = captions
    thick = max(6, round(min(size) * CLEAR_SHARE))
    above, below = max(0, y - thick), y + height
    return {
        "above": (x, above, width, y - above),
        "below": (x, below, width, min(thick, size[1] - below)),
    }


def judge_text(sights: Sights, limits: Limits) -> list[Finding]:
    """Say for each mark in how many of the frames looked at there is text.

    Captions must also change from line to line, or the words stand still while the voice goes on,
    and never take more lines than allowed.
    """
    findings = []
    for mark, share in (
        ("captions", limits.captions_share),
        ("disclosure", limits.disclosure_share),
    ):
        wanted = [look for look in sights.looks if look.mark == mark]
        if not wanted and mark == "disclosure":
            continue
        if mark not in sights.marks or not wanted:
            why = "no word is spoken to look for"
            if wanted:
                why = f"the render names no box for it (marks: {', '.join(sights.marks) or 'none'})"
            findings.append(Finding(check=mark, ok=False, detail=why))
            continue
        findings += _judge_mark(sights, mark, share, limits)
    return findings


def judge_places(sights: Sights, limits: Limits) -> list[Finding]:
    """Say whether anything is written where platforms cover it, or crowds the captions."""
    if "captions" not in sights.marks:
        return []
    outside = [f"the mark {name!r}" for name, box in sights.marks.items() if not _in(box, sights)]
    outside += sights.outside
    x, y, width, height = sights.safe
    searched = f"{sights.searched} frames searched"
    return [
        Finding(
            check="safe_areas",
            ok=len(outside) <= limits.strays,
            detail=f"{len(outside)} writings outside {width}x{height} at {x},{y} in {searched} "
            f"(limit {limits.strays})" + (f", first: {outside[0]}" if outside else ""),
        ),
        Finding(
            check="captions_clear",
            ok=len(sights.close) <= limits.strays,
            detail=f"{len(sights.close)} writings touch the captions in {searched} "
            f"(limit {limits.strays})" + (f", first: {sights.close[0]}" if sights.close else ""),
        ),
    ]


def _judge_mark(sights: Sights, mark: str, share: float, limits: Limits) -> list[Finding]:
    side = min(sights.size)
    looks = [look for look in sights.looks if look.mark == mark]
    boxes = [
        (look.line, sights.boxes[look.frame, mark])
        for look in looks
        if (look.frame, mark) in sights.boxes
    ]
    rows = [text_rows(box, side) for _, box in boxes]
    seen = sum(is_text(crossed, side) for crossed in rows)
    detail = f"text seen in {seen} of {len(looks)} frames looked at (limit {share:.0%})"
    ok = seen >= share * len(looks)
    if mark != "captions":
        return [Finding(check=mark, ok=ok, detail=detail)]
    turns = [
        differ(before, after)
        for (line, before), (next_line, after) in pairwise(boxes)
        if line != next_line
    ]
    ok = ok and sum(turns) >= share * len(turns)
    detail += f"; it changed at {sum(turns)} of {len(turns)} turns of line (limit {share:.0%})"
    return [Finding(check=mark, ok=ok, detail=detail), _judge_lines(rows, limits)]


def _judge_lines(rows: Sequence[NDArray[np.bool_]], limits: Limits) -> Finding:
    most = max((count_lines(crossed) for crossed in rows), default=0)
    return Finding(
        check="caption_lines",
        ok=most <= limits.caption_lines,
        detail=f"at most {most} lines at a time (limit {limits.caption_lines})",
    )


def _in(box: Box, sights: Sights) -> bool:
    x, y, width, height = sights.safe
    return (
        box[0] >= x
        and box[1] >= y
        and box[0] + box[2] <= x + width
        and box[1] + box[3] <= y + height
    )


def _cut(luma: Luma, box: Box) -> Luma:
    x, y, width, height = box
    return luma[y : y + height, x : x + width]


def _spoken(word: Word) -> bool:
    """Return whether a word is long enough to be seen: two letters, or one that is a word."""
    letters = [letter for letter in word.text if letter.isalnum()]
    return len(letters) >= 2 or any(letter >= "\u2e80" for letter in letters)


def _timed(word: Word) -> bool:
    """Return whether a word has times that a video can have; not a number has none."""
    return 0 <= word.start_s <= word.end_s < LONGEST_S


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
