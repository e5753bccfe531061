"""Where cards meet the protocol: the page as a resource, the tool that it belongs to, its data."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp.server.apps import Apps, ResourceCsp, client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import CallToolRequestParams, CallToolResult, ResourceLink, TextContent

from bookai.errors import BookAIError, Refused
from mcp_server.auth import Principal
from mcp_server.cards.page import CARD_URI, card_html, origin_of
from mcp_server.cards.sheets import CardSheet
from mcp_server.cards.words import summary
from mcp_server.rooms import FileKind, Signer
from mcp_server.schema import GuardedTool

logger = logging.getLogger(__name__)

Deck = Callable[[Principal, Sequence[int]], Awaitable[tuple[CardSheet, ...]]]
"""Returns what the cards of these approvals show to this principal."""

CARD_TOOL = "list_approvals"
ANSWER_TOOL = "decide_approval"
LINKED_TOOL = "get_job"
CARDS_META = "bookai/cards"
MOST = 10
_LIMIT_S = 8.0
_LINKED: tuple[tuple[FileKind, str], ...] = (("video", "video/mp4"), ("thumbnail", "image/jpeg"))


@dataclass(frozen=True, slots=True)
class Cards:
    """What the studio lends to cards; `web_url` is where its signed links lead."""

    deck: Deck
    signer: Signer
    web_url: str


def with_card(tool: GuardedTool, cards: Cards | None) -> GuardedTool:
    """Return the tool, with its card named where it has one."""
    if cards is None or tool.name != CARD_TOOL:
        return tool
    return tool.model_copy(update={"meta": {**(tool.meta or {}), "ui": {"resourceUri": CARD_URI}}})


class CardApps(Apps):
    """The MCP Apps extension: the card's page, and what an answer needs to be shown on it.

    The card's data travels in `_meta`, which hosts hand to the card and keep from the model. A
    client without cards gets plain text and links alone. It comes after any extension that turns
    calls into tasks: then a task's result has its card too. `takes_answers` is false where the
    server changes nothing: then no card offers a yes or a no.
    """

    def __init__(
        self, cards: Cards, who: Callable[[], Principal], *, takes_answers: bool = True
    ) -> None:
        super().__init__()
        self._cards = cards
        self._who = who
        self._takes_answers = takes_answers
        origin = origin_of(cards.web_url)
        self.add_html_resource(
            CARD_URI,
            card_html(origin),
            name="approval_card",
            title="Approval card",
            description="What waits for an operator: film, script with its sources, yes and no.",
            csp=ResourceCsp(resource_domains=[origin]),
            prefers_border=True,
        )

    async def intercept_tool_call(
        self,
        params: CallToolRequestParams,
        ctx: ServerRequestContext[Any, Any],
        call_next: CallNext,
    ) -> HandlerResult:
        """Let the call run, then add to its answer; what cannot be added is left out."""
        result = await call_next(ctx)
        if params.name not in (CARD_TOOL, LINKED_TOOL) or not isinstance(result, CallToolResult):
            return result
        data, principal = result.structured_content, self._who()
        # Agents look at no films.
        if result.is_error or not isinstance(data, dict) or principal.may("agent"):
            return result
        try:
            async with asyncio.timeout(_LIMIT_S):
                if params.name == LINKED_TOOL:
                    return await self._with_links(result, data["job"]["job_id"], principal)
                return await self._with_cards(result, data, principal, client_supports_apps(ctx))
        except (BookAIError, TimeoutError) as error:
            logger.warning(
                "An answer of %s goes out without its card: %s",
                params.name,
                type(error).__name__,
                extra={"action": "card_missing"},
            )
            return result

    async def _with_cards(
        self,
        result: CallToolResult,
        data: Mapping[str, Any],
        principal: Principal,
        shows_cards: bool,
    ) -> CallToolResult:
        rows = data.get("items", data.get("approvals", ()))
        numbers = [row["approval_id"] for row in rows]
        cards = await self._cards.deck(principal, numbers[:MOST])
        if not self._takes_answers:
            cards = tuple(card.model_copy(update={"may_decide": False}) for card in cards)
        links = [
            _link(card.links.video, f"film-{card.job_id}.mp4", "video/mp4")
            for card in cards
            if card.links
        ]
        text = summary(cards, len(numbers) - len(cards), data.get("next_cursor"))
        words = TextContent(type="text", text=text)
        meta = dict(result.meta or {})
        if shows_cards:
            meta[CARDS_META] = [card.model_dump(mode="json") for card in cards]
        return result.model_copy(update={"content": [words, *links], "meta": meta or None})

    async def _with_links(
        self, result: CallToolResult, job_id: int, principal: Principal
    ) -> CallToolResult:
        links = []
        for kind, mime_type in _LINKED:
            try:
                signed = await self._cards.signer(job_id, kind, principal)
            except Refused:
                break  # nothing is rendered yet
            links.append(_link(signed.url, signed.url.rpartition("/")[2], mime_type))
        return result.model_copy(update={"content": [*result.content, *links]})


def _link(url: str, name: str, mime_type: str) -> ResourceLink:
    return ResourceLink(
        type="resource_link",
        uri=url,
        name=name,
        mime_type=mime_type,
        description="Good for half an hour, for you alone.",
    )
