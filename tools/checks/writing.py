"""Tell whether there is writing in a box of pixels, and in how many lines.

Letters are narrow runs of one tone, the same in all of them, with sharp edges on both sides and
several in a row of pixels: bright on dark, or dark on bright. Pictures rarely have that. `side` is
the whole picture's short side in pixels.
"""

import numpy as np
from numpy.typing import NDArray

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
# Accents and dots stand closer to their letters than lines to each other.
ACCENT_GAP_SHARE = 0.055
LINE_SHARE = 0.09
LARGE = 720


def has_text(luma: Luma, side: int) -> bool:
    """Return whether enough rows of the box cross several strokes of letters.

    Where nearly every row does, it is texture: writing leaves room between its lines, and a text
    that cannot be told from its background cannot be read either.
    """
    return is_text(text_rows(luma, side), side)


def is_text(rows: NDArray[np.bool_], side: int) -> bool:
    """Return what `has_text` says of a box whose `text_rows` are known."""
    return fewest_rows(side) <= int(rows.sum()) <= MOST_ROWS_SHARE * len(rows)


def fewest_rows(side: int) -> int:
    """Return how many rows of strokes make a text, and not a hair or a speck."""
    return max(4, round(side * FEWEST_ROWS_SHARE))


def text_rows(luma: Luma, side: int) -> NDArray[np.bool_]:
    """Return which rows cross strokes of letters, in the tone that has more of them."""
    widest = max(8, int(side * WIDEST_STROKE_SHARE))
    # Letters of a large picture are tall enough to be met by every other row.
    step = 2 if side >= LARGE else 1
    some = luma[::step]
    crossed = [strokes_by_row(tones, widest) >= STROKES_A_ROW for tones in (some, 255 - some)]
    return np.repeat(max(crossed, key=lambda rows: int(rows.sum())), step)[: len(luma)]


def count_lines(crossed: NDArray[np.bool_]) -> int:
    """Return how many lines of writing a box holds whose `text_rows` are these."""
    height, rows = len(crossed), np.flatnonzero(crossed)
    if not len(rows):
        return 0
    breaks = np.flatnonzero(np.diff(rows) > max(2.0, height * ACCENT_GAP_SHARE))
    begins = rows[np.concatenate([[0], breaks + 1])]
    ends = rows[np.concatenate([breaks, [len(rows) - 1]])]
    return int((ends - begins + 1 >= height * LINE_SHARE).sum())


def differ(before: Luma, after: Luma) -> bool:
    """Return whether the bright shapes of two boxes are not the same."""
    first, second = before >= BRIGHT, after >= BRIGHT
    both, either = int((first & second).sum()), int((first | second).sum())
    return either == 0 or both / either < 0.97


def strokes_by_row(luma: Luma, widest: int) -> NDArray[np.intp]:
    """Count in every row the flat bright runs, 2 to `widest` wide, that fall sharply both ways."""
    height, width = luma.shape
    values = luma.astype(np.int16)
    bright = np.zeros((height, width + 2), np.bool_)
    bright[:, 1:-1] = luma >= BRIGHT
    # In one long row, kept apart by the dark pixels at both ends of each.
    line = bright.reshape(-1)
    first = np.flatnonzero(line[1:] & ~line[:-1])
    row, begin = np.divmod(first, width + 2)
    end = np.flatnonzero(line[:-1] & ~line[1:]) - row * (width + 2)
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
