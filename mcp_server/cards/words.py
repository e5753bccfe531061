"""The same as the card in plain text: for clients that show none, and for the model."""

import json
from collections.abc import Sequence

from mcp_server.cards.sheets import CardSheet

_MOST_HEAD = 160
_HOW = (
    "Show the operator each film and its script (get_job) before anyone answers. Then call "
    "decide_approval with their own word, or decide_bundle for several."
)


def summary(cards: Sequence[CardSheet], more: int, cursor: str | None = None) -> str:
    """Return one paragraph a post; `more` are listed in the structured content alone.

    `cursor` is where the next page begins.
    """
    if not cards:
        return "No approval is in this list."
    told = [_paragraph(card) for card in cards]
    if more:
        told.append(f"{more} more are in the structured content.")
    if cursor:
        told.append(f"More follow: call list_approvals with cursor {json.dumps(cursor)}.")
    if any(card.state == "pending" and card.may_decide for card in cards):
        told.append(_HOW)
    return "\n\n".join(told)


def _paragraph(card: CardSheet) -> str:
    post = card.post
    head = " ".join(line.text for line in card.lines)
    lines = [
        # Quoted as JSON: a title is material, and cannot end its own quotation marks.
        f"Approval {card.approval_id} ({card.state}): {_quoted(post.title)}",
        f"to {post.platform}/{post.account}, from {_quoted(post.source_credit)}; {_flags(card)}",
        f"says: {_quoted(head)}",
    ]
    if card.state == "pending":
        yes = sum(vote.approve for vote in card.votes)
        missing = f"; {yes} of {card.needed} said yes" if card.needed > 1 else ""
        lines.append(f"answer by {card.expires_at:%Y-%m-%d %H:%M} UTC{missing}")
    elif card.decided_by:
        lines.append(f"decided by {card.decided_by}")
    if failed := [one.check for one in card.findings if not one.ok]:
        lines.append(f"failed checks: {', '.join(failed)}")
    if card.links:
        lines.append(f"film until {card.links.expires_at:%H:%M} UTC: {card.links.video}")
    elif card.problem:
        lines.append(card.problem)
    return "\n".join(lines)


def _flags(card: CardSheet) -> str:
    flags = []
    if card.post.flags.ai_made:
        flags.append("AI-made")
    if card.post.flags.paid_promotion:
        flags.append("contains an ad")
    if card.post.visibility:
        flags.append(card.post.visibility)
    return ", ".join(flags) or "no flags"


def _quoted(text: str) -> str:
    plain = " ".join(text.split())
    short = plain if len(plain) <= _MOST_HEAD else plain[: _MOST_HEAD - 1] + "…"
    return json.dumps(short, ensure_ascii=False)
