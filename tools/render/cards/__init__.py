"""What stands on the stage above the captions: one card a shot."""

from tools.render.cards.card import IN_S, OUT_S, Card, Motion, Piece
from tools.render.cards.deal import Occasion, deal
from tools.render.cards.marks import emblem, logo
from tools.render.cards.poster import draw_thumbnail, strongest
from tools.render.cards.setter import Setter
from tools.render.cards.words import AI_LABEL

__all__ = [
    "AI_LABEL",
    "IN_S",
    "OUT_S",
    "Card",
    "Motion",
    "Occasion",
    "Piece",
    "Setter",
    "deal",
    "draw_thumbnail",
    "emblem",
    "logo",
    "strongest",
]
