"""Plan the film: one scene a sentence, what stands on its stage and when. No pixels here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bookai.models import Line, Script
from tools.render.brand import GroundName, seed
from tools.render.text.accents import Number, Quote, find_number, find_phrase, find_quote
from tools.render.text.align import Shown

TURN_FRAMES = 10
NEVER = 1 << 30
END_S = 2.4
TAIL_S = 0.3  # after the voice track: within what the check allows the file to be longer
MOST_QUOTE_CHARS = 210
EARLY_S = 1.8  # a number spoken later than this has a phrase on the stage before it

Turn = Literal["up", "left", "wipe"]
_TURNS: tuple[Turn, ...] = ("up", "left", "wipe")
_CALM: tuple[GroundName, ...] = ("night", "paper", "colour")


@dataclass(frozen=True, slots=True)
class Title:
    """The title card."""


@dataclass(frozen=True, slots=True)
class End:
    """The end card: credit, label, brand."""


Card = Title | End | Number | Quote | str


@dataclass(frozen=True, slots=True)
class Beat:
    """A card and the frame of the film at which it comes; it stays until the next one."""

    frame: int
    card: Card


@dataclass(frozen=True, slots=True)
class Scene:
    """One sentence on the screen, from frame `first`, at which it starts to come in."""

    line: int
    first: int
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
    """The whole plan; `frames` is its length."""

    scenes: tuple[Scene, ...]
    frames: int

    def at(self, frame: int) -> int:
        """Return the number of the scene that is on, or coming in, at a frame."""
        return max((k for k, scene in enumerate(self.scenes) if scene.first <= frame), default=0)


def plan(
    script: Script, words: Sequence[Shown], duration_s: float, fps: int, *, disclosed: bool
) -> Film:
    """Return the film of a script.

    `words` are those shown, in order; `duration_s` is the voice track's length; `disclosed` says
    that a disclosure has to be seen while an offer is announced and at the end.
    """
    frames = round((duration_s + TAIL_S) * fps)
    end = max(0, frames - round(END_S * fps))
    scenes: list[Scene] = []
    seen: frozenset[str] = frozenset()
    shift = seed(script.title)
    for index, line in enumerate(script.lines):
        own = tuple(word for word in words if word.line == index)
        if not own:
            continue
        first = _first(own, scenes, fps)
        beats = _beats(line, own, script.language, (first, fps), seen, opening=not scenes)
        seen |= {b.card.lower() for b in beats if isinstance(b.card, str)}
        notice = disclosed and line.kind in ("cta", "disclosure")
        scenes.append(
            Scene(
                line=index,
                first=first,
                words=own,
                beats=beats,
                ground=_ground(beats, scenes),
                composition=shift + len(scenes),
                turn=_TURNS[(shift + len(scenes)) % len(_TURNS)],
                notice_from=first if notice else None,
            )
        )
    scenes[-1] = _ended(scenes[-1], end, disclosed=disclosed)
    return Film(tuple(scenes), frames)


def _first(own: Sequence[Shown], scenes: Sequence[Scene], fps: int) -> int:
    """Return when a scene starts to come in: in the pause before its first word."""
    if not scenes:
        return 0
    before = scenes[-1]
    return max(before.first + TURN_FRAMES + 2, round(own[0].start_s * fps) - TURN_FRAMES + 2)


def _beats(
    line: Line,
    own: Sequence[Shown],
    language: str,
    clock: tuple[int, int],
    seen: frozenset[str],
    *,
    opening: bool,
) -> tuple[Beat, ...]:
    """Return what stands on the stage while a line is spoken."""
    first, fps = clock
    if opening:
        return (Beat(first, Title()),)
    quote = find_quote(line.text)
    if quote is None and line.kind == "quote":
        quote = Quote(line.text.strip(' “”"„«»'), "")
    if quote is not None and len(quote.text) <= MOST_QUOTE_CHARS:
        return (Beat(first, quote),)
    phrase = find_phrase(line.text, language, seen)
    number = find_number(line.text)
    if number is None or (number.weak and phrase):
        return (Beat(first, phrase),) if phrase else ()
    at = max(first, _spoken(number.at, own, fps))
    if at - first < EARLY_S * fps:
        return (Beat(max(first, at), number),)
    # Without words for the moment before, the number comes at once: no empty stage.
    if not phrase or (number.label and number.label in phrase):
        return (Beat(first, number),)
    return Beat(first, phrase), Beat(at, number)


def _spoken(offset: int, own: Sequence[Shown], fps: int) -> int:
    """Return the frame at which the word at `offset` of its line is spoken, a moment early."""
    heard = [word.start_s for word in own if 0 <= word.at <= offset]
    return max(0, round((heard[-1] if heard else own[0].start_s) * fps) - 4)


def _ground(beats: Sequence[Beat], scenes: Sequence[Scene]) -> GroundName:
    """Return a ground that differs from the scene before; numbers glow, quotations are paper."""
    before = scenes[-1].ground if scenes else None
    wanted: GroundName = "colour"
    if scenes:
        calm = [name for name in _CALM if name != before]
        past = [scene.ground for scene in scenes]
        wanted = min(calm, key=lambda name: _last(past, name))
    glowed = any(scene.ground == "accent" for scene in scenes[-2:])
    if any(isinstance(beat.card, Number) for beat in beats) and not glowed:
        wanted = "accent"
    elif any(isinstance(beat.card, Quote) for beat in beats):
        wanted = "paper"
    return wanted if wanted != before else "night"


def _last(past: Sequence[GroundName], name: GroundName) -> int:
    return max((k for k, ground in enumerate(past) if ground == name), default=-1)


def _ended(scene: Scene, end: int, *, disclosed: bool) -> Scene:
    """Return the last scene with the end card on it; what would come later is left out."""
    # A stage that was free for a moment only would flicker.
    end = max(end, scene.first) if scene.beats or end > scene.first + 60 else scene.first
    kept = tuple(beat for beat in scene.beats if beat.frame < end - TURN_FRAMES)
    notice = scene.notice_from if scene.notice_from is not None else end
    return replace(
        scene, beats=(*kept, Beat(end, End())), notice_from=notice if disclosed else None
    )
