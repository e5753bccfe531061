"""Plan the film: one scene a sentence, what stands on its stage and when. No pixels here.

A scene's own times are frames since it started to come in, and never depend on where in the film
it stands: a scene that is the same is drawn once, however the sentences before it change.
"""

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal

from bookai.film.shots import Candidate, EndShot, NumberShot, PhraseShot, Shot, ShotRow
from bookai.models import Line
from tools.render.brand import GroundName
from tools.render.text.align import Shown

TURN_S = 1 / 3
HEAD_START_S = 1 / 15  # the turn is over so long after the first word began
NEVER = 1 << 30
END_S = 2.0  # the end card, once the last word is said
LEAST_END_S = 1.5  # and where the voice track ends too soon for that
NOTICE_S = 2.4
TAIL_S = 0.3  # after the voice track: within what the check allows the file to be longer
EARLY_S = 1.8  # a number spoken later than this has a phrase on the stage before it
AHEAD_S = 0.13  # a card comes so long before its word
READ_S = 0.9  # a card of the last sentence stands at least so long before the end card

Turn = Literal["up", "left", "wipe"]
_TURNS: tuple[Turn, ...] = ("up", "left", "wipe")
_CALM: tuple[GroundName, ...] = ("colour", "night", "paper")
_FIGURES = frozenset({"number", "bars", "chart"})


@dataclass(frozen=True, slots=True)
class Beat:
    """A shot and the frame of its scene at which it comes; it stays until the next one."""

    frame: int
    shot: Shot


@dataclass(frozen=True, slots=True)
class Scene:
    """One sentence on the screen.

    `first` is the frame of the film at which it starts to come in, `length` how many frames it
    has, at most one more than the film gives it. Times of `words` are seconds since `first`.
    """

    line: int
    first: int
    length: int
    words: tuple[Shown, ...]
    beats: tuple[Beat, ...]
    ground: GroundName
    composition: int
    turn: Turn
    notice_from: int | None

    @property
    def stage_free_until(self) -> int:
        """The frame at which the first card comes: until then strong forms may stand there."""
        return self.beats[0].frame if self.beats else NEVER


@dataclass(frozen=True, slots=True)
class Film:
    """The whole plan; `frames` is its length, `turn_frames` that of a change of scene."""

    scenes: tuple[Scene, ...]
    frames: int
    turn_frames: int

    def at(self, frame: int) -> int:
        """Return the number of the scene that is on, or coming in, at a frame."""
        return max((k for k, scene in enumerate(self.scenes) if scene.first <= frame), default=0)


@dataclass(frozen=True, slots=True)
class Timing:
    """The voice track's length in seconds, frames a second, and a number for the film's taste."""

    duration_s: float
    fps: int
    taste: int


def plan(
    rows: Sequence[ShotRow],
    lines: Sequence[Line],
    words: Sequence[Shown],
    timing: Timing,
    *,
    disclosed: bool,
) -> Film:
    """Return the film of a script whose lines have the shots of `rows`.

    `words` are those shown, in order; `disclosed` says that a disclosure has to be seen while an
    offer is announced and at the end.
    """
    fps = timing.fps
    spoken = [
        (index, own)
        for index in range(len(lines))
        if (own := tuple(word for word in words if word.line == index))
    ]
    starts = [own[0].start_s for _, own in spoken] + [timing.duration_s + TAIL_S]
    firsts, turn = _firsts(starts, fps)
    phrases = {_phrase(row) for row in rows}
    scenes: list[Scene] = []
    for number, (index, own) in enumerate(spoken):
        lead = round(starts[0] * fps) if not number else _lead(fps)
        last = number == len(spoken) - 1
        natural = math.ceil((starts[number + 1] - starts[number]) * fps - 1e-3) + lead
        natural -= 0 if last else _lead(fps)
        shown = tuple(_shifted(word, own[0].start_s - lead / fps) for word in own)
        notice = disclosed and lines[index].kind in ("cta", "disclosure")
        scene = Scene(
            line=index,
            first=firsts[number],
            length=max(natural, firsts[number + 1] - firsts[number]),
            words=shown,
            beats=_beats(rows[index], shown, fps, phrases - {_phrase(rows[index])}),
            ground=_ground(rows[index], number, timing.taste),
            composition=timing.taste + number,
            turn=_TURNS[(timing.taste + number) % len(_TURNS)],
            notice_from=0 if notice else None,
        )
        scenes.append(_ended(scene, fps, turn, disclosed=disclosed) if last else scene)
    return Film(tuple(scenes), firsts[-1], turn)


def told(rows: Sequence[ShotRow], film: Film) -> tuple[ShotRow, ...]:
    """Return the shot report as the film is: a last sentence too short for a card has the end's."""
    last = film.scenes[-1]
    row = rows[last.line]
    ended = isinstance(row.chosen.shot, EndShot)
    if ended or any(not isinstance(beat.shot, EndShot) for beat in last.beats):
        return tuple(rows)
    why = "the last sentence is too short for a card of its own"
    end = Candidate(shot=EndShot(), score=row.chosen.score, why=why)
    only = row.model_copy(update={"chosen": end, "runners_up": ()})
    return tuple(only if one is row else one for one in rows)


def _lead(fps: int) -> int:
    """Return how many frames before its first word a scene starts to come in."""
    return max(1, round((TURN_S - HEAD_START_S) * fps))


def _firsts(starts: Sequence[float], fps: int) -> tuple[list[int], int]:
    """Return each scene's first frame and, last of all, the film's length; and a turn's length."""
    turn = max(2, round(TURN_S * fps))
    firsts = [0]
    for start_s in starts[1:-1]:
        firsts.append(max(firsts[-1] + turn + 2, round(start_s * fps) - _lead(fps)))
    firsts.append(max(firsts[-1] + turn + 2, round(starts[-1] * fps)))
    return firsts, turn


def _shifted(word: Shown, by_s: float) -> Shown:
    """Return a word with its times since its scene's start, to the millisecond.

    Finer steps would differ with the sentence's place in the track.
    """
    return replace(word, start_s=round(word.start_s - by_s, 3), end_s=round(word.end_s - by_s, 3))


def _phrase(row: ShotRow) -> str:
    shot = row.chosen.shot
    return shot.text.lower() if isinstance(shot, PhraseShot) else ""


def _beats(row: ShotRow, own: Sequence[Shown], fps: int, elsewhere: Set[str]) -> tuple[Beat, ...]:
    """Return what stands on the stage while a line is spoken.

    `elsewhere` are phrases, in lower case, that other lines show.
    """
    shot = row.chosen.shot
    if not isinstance(shot, NumberShot):
        return (Beat(0, shot),)
    at = spoken(shot.at, own, fps)
    if at < EARLY_S * fps:
        return (Beat(at, shot),)
    for other in row.runners_up:
        # Without words for the moment before, the number comes at once: no empty stage.
        phrase = other.shot
        if not isinstance(phrase, PhraseShot) or phrase.text.lower() in elsewhere:
            continue
        if not _says(phrase, shot):
            return Beat(0, phrase), Beat(at, shot)
    return (Beat(0, shot),)


def _says(phrase: PhraseShot, number: NumberShot) -> bool:
    return number.value in phrase.text or bool(number.label and number.label in phrase.text)


def spoken(offset: int, own: Sequence[Shown], fps: int) -> int:
    """Return the frame at which the word at `offset` of its line is spoken, a moment early."""
    heard = [word.start_s for word in own if 0 <= word.at <= offset]
    return max(0, round(((heard[-1] if heard else own[0].start_s) - AHEAD_S) * fps))


def _ground(row: ShotRow, number: int, taste: int) -> GroundName:
    """Return a ground that differs from its neighbours'; figures may glow, never two in a row.

    It depends on the scene's own shot and place alone.
    """
    if row.chosen.shot.kind in _FIGURES and number and (number + taste) % 2:
        return "accent"
    return _CALM[number % len(_CALM)]


def _ended(scene: Scene, fps: int, turn: int, *, disclosed: bool) -> Scene:
    """Return the last scene with the end card on it, behind the last word where the track allows.

    What would come later is left out.
    """
    # A card that is sent away before it was read would only flicker.
    least = round(READ_S * fps)
    said = math.ceil(scene.words[-1].end_s * fps)
    read = max((max(beat.frame, turn) + least for beat in scene.beats), default=0)
    end = max(scene.length - round(END_S * fps), said, read)
    end = max(0, min(end, scene.length - round(LEAST_END_S * fps)))
    kept = tuple(beat for beat in scene.beats if end - max(beat.frame, turn) >= least)
    if kept and isinstance(kept[-1].shot, EndShot):
        kept, end = kept[:-1], kept[-1].frame
    end = end if kept else 0
    # A disclosure is seen as long as ever, though the end card comes later.
    latest = max(0, scene.length - round(NOTICE_S * fps))
    notice = scene.notice_from if scene.notice_from is not None else min(end, latest)
    return replace(
        scene, beats=(*kept, Beat(end, EndShot())), notice_from=notice if disclosed else None
    )
