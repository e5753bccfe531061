"""A card: pieces that come when it is their time, rest, and go together.

A piece's place at a frame is computed once and is both what is drawn and what `state` tells, so
that equal states are equal pictures: the engine pays for a frame only where something moved.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

from tools.render.layout import Box
from tools.render.shapes import eased, overshot
from tools.render.sprites import Frame, Sprite

Motion: TypeAlias = tuple[tuple[int, int], Box]
"""A vector in pixels and the field of macroblocks (left, top, right, bottom) that moves by it."""
How: TypeAlias = Literal[
    "rise", "drop", "uncover", "uncover left", "grow", "grow left", "fall", "pop"
]
IN_S, OUT_S = 0.53, 0.23
"""How long a piece takes to come in, and a card to go."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Frames a piece takes to come in and to go; they depend on the frame rate."""

    come: int
    go: int

    @classmethod
    def at(cls, fps: int) -> "Pace":
        """Return the pace at `fps` frames a second."""
        return cls(max(1, round(IN_S * fps)), max(1, round(OUT_S * fps)))

    def gone(self, leaving: int) -> float:
        """Return how much of a card has gone `leaving` frames after it was sent away, 0 to 1."""
        return min(1.0, max(0, leaving) / self.go) ** 2


class Part(Protocol):
    """Something on a card; `n` counts frames since it came, `leaving` since it was sent away."""

    @property
    def latest(self) -> int:
        """A frame from which on it no longer changes."""

    def state(self, n: int, leaving: int) -> Hashable:
        """Return what is seen of it; None where that is nothing."""

    def draw(self, frame: Frame, n: int, leaving: int) -> None:
        """Draw it."""


class Travelling(Part, Protocol):
    """A part whose change from one frame to the next may be an even move."""

    def motion(self, n: int) -> Motion | None:
        """Return the move that makes frame `n` of the one before, where it is just that."""

    def is_open(self, n: int) -> bool:
        """Tell whether all of it is seen: what it shows then covers what it showed before."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One line or form of a card; `delay` in frames.

    It rises from behind its own lower edge or drops from behind its upper one, is uncovered from a
    side or from above ("fall"), grows from a side with its far end ahead, or rises a little beyond
    its place and back ("pop").
    """

    sprite: Sprite
    x: int
    y: int
    pace: Pace
    delay: int = 0
    how: How = "rise"
    rise: int = 0  # from its upper edge to the line that its letters stand on

    @property
    def latest(self) -> int:
        """A frame from which on it no longer changes."""
        return max(0, self.delay + self.pace.come)

    def state(self, n: int, leaving: int) -> tuple[int, int, Box] | None:
        """Return where its left upper corner is and what may be seen of it, all even."""
        raw = (n - self.delay) / self.pace.come
        gone = self.pace.gone(leaving)
        if raw <= 0 or gone >= 1:
            return None
        share = eased(raw) * (1 - gone)
        x, y, wide, high = self.x, self.y, self.sprite.width, self.sprite.height
        seen = max(0, min(wide, round(wide * share))) & ~1
        match self.how:
            case "uncover":
                return x, y, (x, y, seen, high)
            case "uncover left":
                return x, y, (x + wide - seen, y, seen, high)
            case "grow":
                return x + seen - wide, y, (x, y, seen, high)
            case "grow left":
                return x + wide - seen, y, (x + wide - seen, y, seen, high)
            case "fall":
                return x, y, (x, y, wide, max(0, min(high, round(high * share))) & ~1)
            case "drop":
                shift = round(high * (overshot(raw) - 1)) - round(high * gone)
                return x, (y + shift) & ~1, (x, y - high // 4 & ~1, wide, high + high // 2 & ~1)
            case "pop":
                shift = round(high * (1 - overshot(raw))) + round(high * gone)
                return x, (y + shift) & ~1, (x, y, wide, high)
            case "rise":
                shift = round(high * ((1 - eased(raw)) - gone))
                return x, (y + shift) & ~1, (x, y, wide, high)

    def draw(self, frame: Frame, n: int, leaving: int) -> None:
        """Draw it."""
        placed = self.state(n, leaving)
        if placed is not None:
            self.sprite.draw(frame, placed[0], placed[1], placed[2])


class Card:
    """Parts that come and go together."""

    def __init__(self, parts: Sequence[Part], *, panel: Travelling | None = None) -> None:
        """Put `parts` over a `panel` of pictures, where it has one."""
        self.parts: tuple[Part, ...] = tuple(parts)
        self._panel = panel
        self._all: tuple[Part, ...] = (panel, *self.parts) if panel is not None else self.parts
        self.settled = self._settled()

    def state(self, n: int, leaving: int = 0) -> Hashable:
        """Return what is seen `n` frames after it came: equal states are equal pictures."""
        return tuple(part.state(n, leaving) for part in self._all)

    def motion(self, n: int) -> Motion | None:
        """Return the even move that makes frame `n` of the one before, where that is all."""
        if self._panel is None:
            return None
        if any(part.state(n, 0) != part.state(n - 1, 0) for part in self.parts):
            return None
        return self._panel.motion(n)

    def only_travels(self, n: int, since: int) -> bool:
        """Tell whether frames `since` and `n` differ in nothing but what its open panel shows."""
        if self._panel is None or not (self._panel.is_open(n) and self._panel.is_open(since)):
            return False
        return all(part.state(n, 0) == part.state(since, 0) for part in self.parts)

    def draw_panel(self, frame: Frame, n: int) -> None:
        """Draw the panel alone, over one that is open."""
        if self._panel is not None:
            self._panel.draw(frame, n, 0)

    def draw(self, frame: Frame, n: int, leaving: int = 0) -> None:
        """Draw it `n` frames after it came, `leaving` frames after it was sent away."""
        for part in self._all:
            part.draw(frame, n, leaving)

    def _settled(self) -> int:
        """Return the first frame from which on nothing changes."""
        last = max((part.latest for part in self._all), default=0)
        rest = self.state(last)
        while last > 0 and self.state(last - 1) == rest:
            last -= 1
        return last


def flipped(piece: Piece, x: int, width: int) -> Piece:
    """Return a piece at the mirrored place of a column from `x` on, `width` wide."""
    at = 2 * x + width - piece.x - piece.sprite.width
    return replace(piece, x=at & ~1)
