"""The approval card: what a client that can show pages gets besides text."""

from mcp_server.cards.page import CARD_URI
from mcp_server.cards.sheets import CardSheet, LineSheet, LinkSheet, SourceSheet, SupportSheet
from mcp_server.cards.table import ANSWER_TOOL, CardApps, Cards, Deck, with_card

__all__ = [
    "ANSWER_TOOL",
    "CARD_URI",
    "CardApps",
    "CardSheet",
    "Cards",
    "Deck",
    "LineSheet",
    "LinkSheet",
    "SourceSheet",
    "SupportSheet",
    "with_card",
]
