"""Write caption files from word times: WebVTT and SubRip, at most two lines a cue."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TypeAlias

from tools.render.text.align import Shown
from tools.render.type.bidi import reads_from_right
from tools.render.type.clusters import clusters

LINE_CHARS, WIDE_CHARS = 42, 16  # of a line: Latin and the like, and Chinese, Japanese, Korean
_ENDS = (".", "!", "?", "…", ".”", "!”", "?”", '."', "。", "！", "？", "。」", "۔", "؟", "।", "॥")  # noqa: RUF001
_EMBED, _POP = "\u202b", "\u202c"
LONGEST_S = 6.0

Cue: TypeAlias = tuple[float, float, tuple[str, ...]]


def cues(words: Sequence[Shown], language: str = "") -> list[Cue]:
    """Return start and end in seconds and one or two lines of text, in order, without overlap.

    `language` (a tag such as "ar") tells how a line reads that begins with a foreign name.
    """
    made: list[Cue] = []
    from_right = _from_right(words, language)
    for group in _groups([piece for word in words for piece in _pieces(word)]):
        start = max(group[0].start_s, made[-1][1] if made else 0.0)
        end = max(group[-1].end_s, start + 0.001)
        lines = _wrapped(group)
        if group[0].line in from_right:
            # Players take a line for left-to-right: its full stop would stand at the wrong end.
            lines = tuple(f"{_EMBED}{line}{_POP}" for line in lines)
        made.append((start, end, lines))
    return made


@lru_cache(maxsize=4096)
def cells(text: str) -> float:
    """Return how wide a text reads, in letters: one of Chinese counts for two and a half."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(clusters(text)) - wide + wide * LINE_CHARS / WIDE_CHARS


def webvtt(words: Sequence[Shown], language: str = "") -> str:
    """Return the text of a WebVTT file."""
    blocks = ["WEBVTT\n"]
    for start, end, lines in cues(words, language):
        # "-->" ends the cue's text and "<" starts a tag; both must reach the viewer as written.
        text = "\n".join(
            line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for line in lines
        )
        blocks.append(f"{_clock(start, '.')} --> {_clock(end, '.')}\n{text}\n")
    return "\n".join(blocks)


def subrip(words: Sequence[Shown], language: str = "") -> str:
    """Return the text of a SubRip file; "-->" within the text becomes an arrow."""
    return "\n".join(
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n"
        + "\n".join(line.replace("-->", "→") for line in lines)
        + "\n"
        for number, (start, end, lines) in enumerate(cues(words, language), 1)
    )


def _from_right(words: Sequence[Shown], language: str) -> set[int]:
    """Return the lines of the script that read from the right."""
    texts: dict[int, list[str]] = {}
    for word in words:
        texts.setdefault(word.line, []).append(word.text)
    return {line for line, said in texts.items() if reads_from_right(" ".join(said), language)}


def _pieces(word: Shown) -> list[Shown]:
    """Break a word longer than a line; its pieces share its time by length."""
    if cells(word.text) <= LINE_CHARS:
        return [word]
    texts, wide = [""], 0.0
    for letter in clusters(word.text):
        if texts[-1] and wide + cells(letter) > LINE_CHARS:
            texts.append("")
            wide = 0.0
        texts[-1] += letter
        wide += cells(letter)
    step = (word.end_s - word.start_s) / len(texts)
    return [
        replace(
            word,
            text=text,
            start_s=word.start_s + k * step,
            end_s=word.start_s + (k + 1) * step,
            close=word.close or k > 0,
        )
        for k, text in enumerate(texts)
    ]


def _groups(words: Sequence[Shown]) -> list[list[Shown]]:
    groups: list[list[Shown]] = []
    rows: list[float] = []
    for word in words:
        group = groups[-1] if groups else []
        rows = _with(rows, word, LINE_CHARS)
        fresh = (
            not group
            or group[-1].line != word.line
            or group[-1].text.endswith(_ENDS)
            or len(rows) > 2
            or word.end_s - group[0].start_s > LONGEST_S
        )
        if fresh:
            groups.append([word])
            rows = [cells(word.text)]
        else:
            group.append(word)
    return groups


def _with(rows: Sequence[float], word: Shown, room: float) -> list[float]:
    """Return the widths of lines after one more word, in cells."""
    wide = cells(word.text)
    longer = (rows[-1] if rows else room) + (0 if word.close else 1) + wide
    return [*rows[:-1], longer] if rows and longer <= room else [*rows, wide]


def _rows(words: Sequence[Shown], room: float) -> list[int]:
    """Return on which line each word of a group stands."""
    rows: list[float] = []
    found = []
    for word in words:
        rows = _with(rows, word, room)
        found.append(len(rows) - 1)
    return found


def _wrapped(words: Sequence[Shown]) -> tuple[str, ...]:
    """Return two lines of about the same length rather than a long and a stub."""
    rows = _rows(words, LINE_CHARS)
    if rows[-1] == 1:
        total = sum(cells(word.text) for word in words)
        for room in range(int(total / 2), LINE_CHARS):
            even = _rows(words, room)
            if even[-1] == 1:
                rows = even
                break
    lines = [""] * (rows[-1] + 1)
    for row, word in zip(rows, words, strict=True):
        lines[row] += word.text if word.close or not lines[row] else f" {word.text}"
    return tuple(lines)


def _clock(seconds: float, point: str) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3600000:02d}:{ms // 60000 % 60:02d}:{ms // 1000 % 60:02d}{point}{ms % 1000:03d}"
