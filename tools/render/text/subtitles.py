"""Write caption files from word times: WebVTT and SubRip, two lines of at most 42 characters."""

from collections.abc import Sequence
from typing import TypeAlias

from tools.render.text.align import Shown

LINE_CHARS = 42
_ENDS = (".", "!", "?", "…", ".”", "!”", "?”", '."')
LONGEST_S = 6.0

Cue: TypeAlias = tuple[float, float, tuple[str, ...]]


def cues(words: Sequence[Shown]) -> list[Cue]:
    """Return start and end in seconds and one or two lines of text, in order, without overlap."""
    made: list[Cue] = []
    for group in _groups([piece for word in words for piece in _pieces(word)]):
        start = max(group[0].start_s, made[-1][1] if made else 0.0)
        end = max(group[-1].end_s, start + 0.001)
        made.append((start, end, _wrapped(group)))
    return made


def webvtt(words: Sequence[Shown]) -> str:
    """Return the text of a WebVTT file."""
    blocks = ["WEBVTT\n"]
    for start, end, lines in cues(words):
        # "-->" ends the cue's text and "<" starts a tag; both must reach the viewer as written.
        text = "\n".join(
            line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for line in lines
        )
        blocks.append(f"{_clock(start, '.')} --> {_clock(end, '.')}\n{text}\n")
    return "\n".join(blocks)


def subrip(words: Sequence[Shown]) -> str:
    """Return the text of a SubRip file; "-->" within the text becomes an arrow."""
    return "\n".join(
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n"
        + "\n".join(line.replace("-->", "→") for line in lines)
        + "\n"
        for number, (start, end, lines) in enumerate(cues(words), 1)
    )


def _pieces(word: Shown) -> list[Shown]:
    """Break a word longer than a line; its pieces share its time by length."""
    if len(word.text) <= LINE_CHARS:
        return [word]
    texts = [word.text[k : k + LINE_CHARS] for k in range(0, len(word.text), LINE_CHARS)]
    step = (word.end_s - word.start_s) / len(texts)
    return [
        Shown(text, word.line, word.start_s + k * step, word.start_s + (k + 1) * step, word.at)
        for k, text in enumerate(texts)
    ]


def _groups(words: Sequence[Shown]) -> list[list[Shown]]:
    groups: list[list[Shown]] = []
    for word in words:
        group = groups[-1] if groups else []
        fresh = (
            not group
            or group[-1].line != word.line
            or group[-1].text.endswith(_ENDS)
            or len(_lines([*group, word])) > 2
            or word.end_s - group[0].start_s > LONGEST_S
        )
        if fresh:
            groups.append([word])
        else:
            group.append(word)
    return groups


def _lines(words: Sequence[Shown], room: int = LINE_CHARS) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word.text) <= room:
            lines[-1] += f" {word.text}"
        else:
            lines.append(word.text)
    return lines


def _wrapped(words: Sequence[Shown]) -> tuple[str, ...]:
    """Return two lines of about the same length rather than a long and a stub."""
    lines = _lines(words)
    if len(lines) == 2:
        for room in range(len(max(lines, key=len)) // 2, LINE_CHARS + 1):
            even = _lines(words, room)
            if len(even) == 2 and max(map(len, even)) <= LINE_CHARS:
                return tuple(even)
    return tuple(lines)


def _clock(seconds: float, point: str) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3600000:02d}:{ms // 60000 % 60:02d}:{ms // 1000 % 60:02d}{point}{ms % 1000:03d}"
