"""One effect for one key: a call that is repeated is answered again, not done again."""

import hashlib
import json
from typing import Any, Protocol

from mcp.types import CallToolResult

from bookai.errors import Refused, TryLater
from bookai.mcp_tasks import Known
from mcp_server.wire import BadArguments
from tools.base import Tool

KEY = "idempotency_key"
REPLAYED_META = "bookai/replayed"
SHORTEST, LONGEST = 8, 128
SCHEMA: dict[str, Any] = {
    "type": "string",
    "minLength": SHORTEST,
    "maxLength": LONGEST,
    "description": "Sent again, it brings the first answer and no new effect.",
}
Place = tuple[str, str, str]
"""Principal, tool and key: keys of others are none of ours."""

_SLACK_S = 10.0


class Replies(Protocol):
    """Where answers are kept; `bookai.db.mcp.replies` fills it in."""

    async def begin(self, place: Place, digest: str, within_s: float) -> Known:
        """Take the key, or tell what is known of it."""

    async def finish(self, place: Place, reply: str) -> None:
        """Keep the answer."""

    async def release(self, place: Place) -> None:
        """Give the key back: nothing was done under it."""


def takes_key(tool: Tool) -> bool:
    """Tell whether calls of a tool may carry a key: those of operators that change something."""
    return not tool.read_only and tool.scope in ("operate", "approve", "admin")


def key_of(tool: Tool, arguments: dict[str, Any]) -> object:
    """Take the key out of the arguments: it is the server's, not the tool's."""
    return arguments.pop(KEY, None) if takes_key(tool) else None


def check_key(tool: Tool, key: object) -> str:
    """Return a key that can be kept.

    Raises:
        BadArguments: it is none.
    """
    fits = isinstance(key, str) and SHORTEST <= len(key) <= LONGEST
    if not fits or not str(key).isprintable() or not str(key).isascii():
        raise BadArguments(
            f"The arguments of {tool.name} do not fit.\n"
            f"{KEY}: should be {SHORTEST} to {LONGEST} printable ASCII characters"
        )
    return str(key)


def digest_of(arguments: dict[str, Any]) -> str:
    """Return what tells these arguments from others."""
    text = json.dumps(arguments, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


async def begin(replies: Replies, tool: Tool, place: Place, digest: str) -> CallToolResult | None:
    """Return the first answer when there is one; None: the call is new, and to be done.

    Raises:
        Refused: the key was used with other arguments, or its call was lost half-way.
        TryLater: the first call is still being done.
    """
    known = await replies.begin(place, digest, tool.timeout_s + _SLACK_S)
    match known.state:
        case "new":
            return None
        case "done":
            answer = CallToolResult.model_validate_json(known.reply or "")
            answer.meta = {**(answer.meta or {}), REPLAYED_META: True}
            return answer
        case "busy":
            raise TryLater("The first call with this key is still being done.", after_s=2)
        case "other":
            raise Refused(
                f"This {KEY} was used with other arguments. Take a new key for a new call."
            )
        case "lost":
            raise Refused(
                "The first call with this key did not end in order: whether it had its effect is "
                "not known. Look first (list_jobs, list_approvals), then call with a new key."
            )
