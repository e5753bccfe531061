"""The approval card: what a client that can show pages gets besides text."""

from mcp_server.cards.page import CARD_URI
from mcp_server.cards.sheets import CardSheet, LineSheet, LinkSheet, SourceSheet, SupportSheet
from mcp_server.cards.table import Cards, CardTable, Deck, card_apps, with_card

__all__ = [
    "CARD_URI",
    "CardSheet",
    "CardTable",
    "Cards",
    "Deck",
    "LineSheet",
    "LinkSheet",
    "SourceSheet",
    "SupportSheet",
    "card_apps",
    "with_card",
]
