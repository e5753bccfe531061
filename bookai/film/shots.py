"""What may stand on the screen while a sentence is spoken: one typed record a kind of shot.

A shot holds words and figures of its own sentence (or of the source around it), never pixels: the
shot compiler fills it in, the renderer draws it, the shot report tells it.
"""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from bookai.records import Record

ShotKind = Literal[
    "title",
    "number",
    "bars",
    "chart",
    "timeline",
    "list",
    "quote",
    "definition",
    "place",
    "phrase",
    "image",
    "clip",
    "end",
]
DRAWN = "drawn by the studio"
"""The licence of everything that the renderer draws itself."""


class TitleShot(Record):
    """The hook: the video's title and who speaks."""

    kind: Literal["title"] = "title"
    title: str


class NumberShot(Record):
    """A number that counts up: `lead` ("more than"), `value`, `unit` ("million"), `label`.

    `at` is the offset of the value in the sentence: it comes when it is spoken. Where the sentence
    tells of a change, `since` is the figure that it was before, as written: it counts from there.
    """

    kind: Literal["number"] = "number"
    value: str
    unit: str = ""
    lead: str = ""
    label: str = ""
    at: int = 0
    since: str = ""


class Bar(Record):
    """One bar: what it stands for, its length, and the figure as the source writes it."""

    label: str
    value: float = Field(ge=0)
    shown: str
    at: int = 0


class BarsShot(Record):
    """A comparison of two to five figures of one unit."""

    kind: Literal["bars"] = "bars"
    bars: tuple[Bar, ...] = Field(min_length=2, max_length=5)
    unit: str = ""
    title: str = ""


class Point(Record):
    """One point of a series: its place on the axis (a year, a month), its figure, as written."""

    label: str
    value: float
    shown: str


class ChartShot(Record):
    """A small line or area chart of three to twelve figures of the source, in their order."""

    kind: Literal["chart"] = "chart"
    points: tuple[Point, ...] = Field(min_length=3, max_length=12)
    unit: str = ""
    title: str = ""
    area: bool = True


class Event(Record):
    """A moment on a timeline: when, as written, and what happened."""

    when: str
    what: str
    at: int = 0


class TimelineShot(Record):
    """Two to five events in their order in time."""

    kind: Literal["timeline"] = "timeline"
    events: tuple[Event, ...] = Field(min_length=2, max_length=5)


class Item(Record):
    """An entry of a list; it comes when the word at `at` is spoken."""

    text: str
    at: int = 0


class ListShot(Record):
    """Two to six things that the sentence names one after the other; they build up."""

    kind: Literal["list"] = "list"
    items: tuple[Item, ...] = Field(min_length=2, max_length=6)
    title: str = ""


class QuoteShot(Record):
    """A quotation, and who said it where the source says so."""

    kind: Literal["quote"] = "quote"
    text: str
    who: str = ""


class DefinitionShot(Record):
    """A term and what it means, as the sentence says."""

    kind: Literal["definition"] = "definition"
    term: str
    meaning: str


class PlaceShot(Record):
    """A place that the sentence is about, and what it belongs to or is; no map."""

    kind: Literal["place"] = "place"
    place: str
    detail: str = ""


class PhraseShot(Record):
    """A name or key phrase of the sentence, in large moving type."""

    kind: Literal["phrase"] = "phrase"
    text: str


class ImageShot(Record):
    """A picture of the source's or the operator's own; `media` is its number in the material."""

    kind: Literal["image"] = "image"
    media: int = Field(ge=0)
    caption: str = ""


class ClipShot(Record):
    """Moving pictures of the operator's own, from `start_s` on, without their sound."""

    kind: Literal["clip"] = "clip"
    media: int = Field(ge=0)
    start_s: float = Field(default=0.0, ge=0)
    caption: str = ""


class EndShot(Record):
    """The last card: who made it, from what."""

    kind: Literal["end"] = "end"


Shot = Annotated[
    TitleShot
    | NumberShot
    | BarsShot
    | ChartShot
    | TimelineShot
    | ListShot
    | QuoteShot
    | DefinitionShot
    | PlaceShot
    | PhraseShot
    | ImageShot
    | ClipShot
    | EndShot,
    Field(discriminator="kind"),
]


class Candidate(Record):
    """A shot that a sentence could have: how well it fits, 0 to 1, and why."""

    shot: Shot
    score: float = Field(ge=0, le=1)
    why: str


class ShotRow(Record):
    """One sentence of the shot report: what is shown, the best that were not, whose it is.

    `licence` is that of the picture or clip, else `DRAWN`. `swapped` names the operator's wish
    where it overruled the score.
    """

    line: int = Field(ge=0)
    sentence: str
    chosen: Candidate
    runners_up: tuple[Candidate, ...] = ()
    licence: str = DRAWN
    credit: str = ""
    swapped: bool = False


class Swap(Record):
    """An operator's wish: line `line` (from 0) is shown with another kind of shot."""

    line: int = Field(ge=0, le=199)
    kind: ShotKind


class Wishes(Record):
    """What an operator wants shown otherwise."""

    swaps: tuple[Swap, ...] = Field(default=(), max_length=200)


ShotReport = Annotated[
    tuple[ShotRow, ...],
    # Spelled out, thirteen kinds of shot would fill a model's attention with what it never writes.
    WithJsonSchema({"type": "array", "items": {"type": "object"}, "title": "Shot report"}),
]
"""One row a sentence, in order; in a tool's schema it is a list of objects."""
