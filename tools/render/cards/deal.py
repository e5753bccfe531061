"""Give every shot its card."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bookai.film.shots import (
    BarsShot,
    ChartShot,
    ClipShot,
    DefinitionShot,
    EndShot,
    ImageShot,
    ListShot,
    NumberShot,
    PhraseShot,
    PlaceShot,
    QuoteShot,
    Shot,
    TimelineShot,
    TitleShot,
)
from bookai.records import Record
from tools.render.cards.bars import bars_card
from tools.render.cards.card import Card
from tools.render.cards.chart import chart_card
from tools.render.cards.numbers import number_card
from tools.render.cards.panels import Pictures, clip_card, image_card
from tools.render.cards.place import place_card
from tools.render.cards.setter import Setter
from tools.render.cards.steps import list_card, timeline_card
from tools.render.cards.words import (
    definition_card,
    end_card,
    phrase_card,
    quote_card,
    title_card,
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a card may depend on beside its shot.

    `when` tells the frame, since the card came, at which the word at an offset of the sentence is
    spoken; `frames` is how long the card stays. `pictures` are the media that could be opened, by
    their number; `credits` the line of thanks that each must be shown with. `logo` is a file, ""
    for the studio's own mark.
    """

    title: str
    brand: str
    credit: str
    when: Callable[[int], int]
    frames: int
    pictures: Pictures = field(default_factory=dict)
    opening: bool = False
    credits: Mapping[int, str] = field(default_factory=dict)
    logo: str = ""


def deal(setter: Setter, shot: Shot, scene: Occasion) -> Card:
    """Return the card of a shot.

    Raises:
        Refused: the font lacks letters, or the shot's picture is not among the opened ones.
        OperatorNeeded: the logo cannot be used.
    """
    shot = shown(setter, shot)
    match shot:
        case TitleShot():
            return title_card(setter, shot.title or scene.title, scene.brand)
        case NumberShot():
            return number_card(setter, shot)
        case EndShot():
            return end_card(setter, scene.brand, scene.credit, scene.logo)
        case BarsShot() | ChartShot() | TimelineShot() | ListShot():
            return _drawing(setter, shot, scene)
        case ImageShot() | ClipShot():
            return _picture(setter, shot, scene)
        case _:
            return _words(setter, shot)


def _words(setter: Setter, shot: QuoteShot | DefinitionShot | PlaceShot | PhraseShot) -> Card:
    match shot:
        case QuoteShot():
            return quote_card(setter, shot.text, shot.who)
        case DefinitionShot():
            return definition_card(setter, shot.term, shot.meaning)
        case PlaceShot():
            return place_card(setter, shot)
        case PhraseShot():
            return phrase_card(setter, shot.text)


def _drawing(
    setter: Setter, shot: BarsShot | ChartShot | TimelineShot | ListShot, scene: Occasion
) -> Card:
    match shot:
        case BarsShot():
            return bars_card(setter, shot, scene.when)
        case ChartShot():
            return chart_card(setter, shot)
        case TimelineShot():
            return timeline_card(setter, shot, scene.when)
        case ListShot():
            return list_card(setter, shot, scene.when)


def _picture(setter: Setter, shot: ImageShot | ClipShot, scene: Occasion) -> Card:
    credit = setter.face.clean(scene.credits.get(shot.media, ""))
    if isinstance(shot, ImageShot):
        return image_card(setter, shot, scene.pictures, credit, scene.frames)
    return clip_card(setter, shot, scene.pictures, credit, scene.frames)


def shown(setter: Setter, shot: Shot) -> Shot:
    """Return a shot whose texts hold only what the font can show."""
    return type(shot).model_validate(_cleaned(setter, shot))


def _cleaned(setter: Setter, record: Record) -> dict[str, object]:
    fields: dict[str, object] = {}
    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, str) and name != "kind":
            value = setter.face.clean(value)
        elif isinstance(value, tuple):
            value = tuple(_cleaned(setter, part) for part in value if isinstance(part, Record))
        fields[name] = value
    return fields
