"""How text is set, and what comes of it."""

from dataclasses import dataclass

RISE, DROP = 1.3, 0.52  # of the size: what any script's letters with their marks need
MEDIUM, BOLD, HEAVY, BLACK = 550, 700, 800, 900


@dataclass(frozen=True, slots=True)
class Style:
    """How text is set: pixels, weight (100 to 900) and tracking in thousandths of the size.

    `rtl` sets a piece of a right-to-left text, so that its marks stand on the proper side; without
    it a text's first strong letter decides.
    """

    size: int
    weight: int
    tracking: int = 0
    rtl: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """Text that fits: its style and lines.

    `leading` is from baseline to baseline as a share of the size: what was asked for, or more
    where the marks of one line would touch the letters of the next.
    """

    style: Style
    lines: tuple[str, ...]
    leading: float = 1.0


@dataclass(frozen=True, slots=True)
class Ink:
    """Where the drawn pixels of a line are, from its start on its baseline: y grows downwards."""

    left: int
    top: int
    right: int
    bottom: int
