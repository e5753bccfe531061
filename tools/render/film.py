"""Draw the film: scenes, the turns between them, and the header that stays.

Every picture depends on its own scene alone: on what stands there and how long it has been there.
"""

import bisect
from collections.abc import Callable, Hashable
from dataclasses import replace

import numpy as np

from tools.render.background import Backdrop
from tools.render.brand import seed
from tools.render.captions import Captions
from tools.render.cards import (
    OUT_S,
    Card,
    Motion,
    Occasion,
    Setter,
    deal,
)
from tools.render.layout import Layout
from tools.render.look import Header, Look
from tools.render.sprites import Frame, clipped
from tools.render.text.align import Shown
from tools.render.text.plan import Beat, Film, Scene, spoken
from tools.render.typography import Typeface

LEAST_FREE_S = 1.5
ENTRY_S = 0.1


class _Layer:
    """A picture that is drawn again only when its state changes."""

    def __init__(self, layout: Layout) -> None:
        self._frame = Frame(layout.size.width, layout.size.height)
        self._state: Hashable = None

    def kept(self, state: Hashable, draw: Callable[[Frame], None]) -> Frame:
        """Return the picture of a state, drawn now if it was another one."""
        if state != self._state:
            draw(self._frame)
            self._state = state
        return self._frame


class SceneView:
    """A scene ready to draw; made when it comes, dropped when it is gone."""

    def __init__(self, look: Look, scene: Scene, number: int, header: Header) -> None:
        self.scene, self.number, self.look, self._header = scene, number, look, header
        self.ground = look.palette.ground(scene.ground)
        self._fps = look.layout.size.fps
        layout, face = look.layout, look.face
        words = _cleaned(face, scene.words)
        self._captions = Captions(layout, face, self.ground, words)
        stage = layout.stage if scene.notice_from is None else layout.short_stage
        self._setter = Setter(layout, face, self.ground, stage=stage)
        self._cards = [
            (beat.frame, self._card(number, beat)) for number, beat in enumerate(scene.beats)
        ]
        self._notice = (
            self._setter.notice(look.credits.disclosure) if scene.notice_from is not None else None
        )
        # Forms that had to leave the stage at once would only flicker.
        free = scene.stage_free_until
        free = free if free >= LEAST_FREE_S * self._fps else 0
        taste = seed(look.credits.title) + scene.line
        self._backdrop = Backdrop(layout, self.ground, scene.composition, free, taste)
        # What stood still since the last picture is kept, so that it is not drawn again.
        self._ground_layer, self._stage_layer = _Layer(layout), _Layer(layout)
        self._known: dict[int, tuple[Hashable, ...]] = {}
        self._starts = sorted({round(word.start_s * self._fps) for word in scene.words})

    def state(self, n: int) -> tuple[Hashable, ...]:
        """Return what is seen `n` frames after the scene started to come in."""
        if n not in self._known:
            if len(self._known) > 8:
                self._known.clear()
            self._known[n] = self._looked(n)
        return self._known[n]

    def _looked(self, n: int) -> tuple[Hashable, ...]:
        notice = self.scene.notice_from is not None and n >= self.scene.notice_from
        return (
            self._backdrop.state(n),
            tuple(
                (number, card.state(age, leaving)) for number, card, age, leaving in self._shown(n)
            ),
            notice,
            self._captions.state(n),
            self._said(n),
        )

    def motion(self, n: int) -> Motion | None:
        """Return the even move that makes this frame of the one before, where that is all."""
        now, before = self._shown(n), self._shown(n - 1)
        if len(now) != 1 or len(before) != 1 or now[0][0] != before[0][0]:
            return None
        _, card, age, leaving = now[0]
        move = None if leaving else card.motion(age)
        if move is None:
            return None
        pairs = enumerate(zip(self.state(n), self.state(n - 1), strict=True))
        return move if all(k == 1 or one == other for k, (one, other) in pairs) else None

    def draw(self, frame: Frame, n: int) -> None:
        """Draw the scene as it stands `n` frames after it started to come in."""
        last, frame.shows = frame.shows, None
        if last is not None and last[0] is self and self._only_travels(n, last[1]):
            _, card, age, _ = self._shown(n)[0]
            card.draw_panel(frame, age)
        else:
            self._draw_all(frame, n)
        frame.shows = (self, n)

    def _only_travels(self, n: int, since: int) -> bool:
        """Tell whether frame `n` is frame `since` but for what one card's panel shows."""
        now, before = self._shown(n), self._shown(since)
        if len(now) != 1 or len(before) != 1 or now[0][0] != before[0][0]:
            return False
        _, card, age, leaving = now[0]
        if leaving or before[0][3] or not card.only_travels(age, before[0][2]):
            return False
        pairs = enumerate(zip(self.state(n), self.state(since), strict=True))
        return all(k == 1 or one == other for k, (one, other) in pairs)

    def _draw_all(self, frame: Frame, n: int) -> None:
        state = self.state(n)
        ground = self._ground_layer.kept(state[:1], lambda into: self._set_ground(into, n))
        stage = self._stage_layer.kept(state[:3], lambda into: self._set_stage(into, ground, n))
        np.copyto(frame.buffer, stage.buffer)
        self._captions.draw(frame, n)
        said = self._said(n) / max(1, len(self._starts))
        self._header.progress(frame, self.number, said, self.ground)

    def _set_ground(self, frame: Frame, n: int) -> None:
        self._backdrop.draw(frame, n)
        self._header.draw(frame, self.number, self.ground)

    def _set_stage(self, frame: Frame, ground: Frame, n: int) -> None:
        np.copyto(frame.buffer, ground.buffer)
        for _, card, age, leaving in self._shown(n):
            card.draw(frame, age, leaving)
        starts = self.scene.notice_from
        if self._notice is not None and starts is not None and n >= starts:
            self._notice.draw(frame, n)

    def _said(self, n: int) -> int:
        return bisect.bisect_right(self._starts, n)

    def _shown(self, n: int) -> list[tuple[int, Card, int, int]]:
        """Return the cards on the stage: number, card, frames since it came, frames since it left.

        A card that replaces another waits until that one is gone; the very first picture stands
        still, for it is what people see before they press play.
        """
        shown = []
        out = round(OUT_S * self._fps)
        for number, (first, card) in enumerate(self._cards):
            following = self._cards[number + 1][0] if number + 1 < len(self._cards) else None
            leaving = max(0, n - following) if following is not None else 0
            wait = out - 2 if number or first > 0 else round(ENTRY_S * self._fps)
            if first == 0 and self.number == 0:
                wait = -round(self._fps / 3)
            if n >= first and leaving < out:
                shown.append((number, card, n - first - wait, leaving))
        return shown

    def _card(self, number: int, beat: Beat) -> Card:
        following = [other.frame for other in self.scene.beats[number + 1 : number + 2]]
        occasion = Occasion(
            title=self.look.credits.title,
            brand=self.look.credits.brand,
            credit=self.look.credits.credit,
            when=lambda at: max(0, spoken(at, self.scene.words, self._fps) - beat.frame),
            frames=(following[0] if following else self.scene.length) - beat.frame,
            pictures=self.look.pictures,
            opening=self.number == 0,
            credits=self.look.thanks,
            logo="" if self.look.clean else self.look.logo,
        )
        return deal(self._setter, beat.shot, occasion)


class Turning:
    """The frames in which one scene gives way to the next."""

    def __init__(self, old: SceneView, new: SceneView, film: Film) -> None:
        self._old, self._new, self._frames = old, new, film.turn_frames
        size = old.look.layout.size
        self._before, self._after = Frame(size.width, size.height), Frame(size.width, size.height)
        self._was: list[Hashable] = [None, None]

    def state(self, n: int) -> Hashable:
        """Return a new state every frame: all of it moves."""
        return n

    def motion(self, n: int) -> Motion | None:
        """Return None: two pictures move."""
        return None

    def draw(self, frame: Frame, n: int) -> None:
        """Draw frame `n` of the turn, which is frame `n` of the new scene."""
        old, new = self._old, self._new
        frame.shows = None
        share = _settle((n + 1) / (self._frames + 1))
        parts = ((self._before, old, old.scene.length + n), (self._after, new, n))
        for k, (picture, view, at) in enumerate(parts):
            state = view.state(at)
            if state != self._was[k]:
                view.draw(picture, at)
                self._was[k] = state
        self._mix(frame, share, new)

    def _mix(self, frame: Frame, share: float, new: SceneView) -> None:
        width, height = frame.box[2:]
        down, right = round(height * share) & ~1, round(width * share) & ~1
        match new.scene.turn:
            case "up":
                frame.copy(self._before, (0, down, width, height - down), (0, 0))
                frame.copy(self._after, (0, 0, width, down), (0, height - down))
            case "left":
                frame.copy(self._before, (right, 0, width - right, height), (0, 0))
                frame.copy(self._after, (0, 0, right, height), (width - right, 0))
            case "wipe":
                frame.copy(self._before, (0, 0, width, height - down), (0, 0))
                frame.copy(self._after, (0, height - down, width, down), (0, height - down))
                band = round(new.look.layout.px(150) * 4 * share * (1 - share)) & ~1
                edge = clipped((0, height - down, width, band), frame.box)
                frame.fill(edge, new.ground.pop)


def _cleaned(face: Typeface, words: tuple[Shown, ...]) -> list[Shown]:
    """Return the words that can be shown; one that was only an emoji is none."""
    cleaned = []
    for word in words:
        text = face.clean(word.text)
        if text:
            cleaned.append(replace(word, text=text))
    return cleaned


def _settle(share: float) -> float:
    """Return a share of the way that starts and ends gently."""
    return share * share * (3 - 2 * share)
