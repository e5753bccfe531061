"""One effect for one key: a call that is repeated is answered again, not done again."""

import hashlib
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import anyio
from mcp.types import CallToolResult, TextContent
from pydantic_core import to_jsonable_python

from bookai.errors import OperatorNeeded, Refused, TryLater
from bookai.mcp_tasks import Known
from mcp_server.wire import BadArguments
from tools.base import Tool

logger = logging.getLogger(__name__)

KEY = "idempotency_key"
REPLAYED_META = "bookai/replayed"
SHORTEST, LONGEST = 8, 128
SCHEMA: dict[str, Any] = {
    "type": "string",
    "minLength": SHORTEST,
    "maxLength": LONGEST,
    "description": "Sent again: the same answer, no new act.",
}
Place = tuple[str, str, str]
"""Principal, tool and hash of the key: keys of others are none of ours."""

MOST_KEPT = 1_000_000
"""Characters of the longest answer that is kept."""

_SLACK_S = 10.0
_WRITE_S = 5.0


class Replies(Protocol):
    """Where answers are kept; `bookai.db.mcp.replies` fills it in."""

    async def look(self, place: Place, digest: str, within_s: float) -> Known:
        """Tell what is known of the key; `new` when nothing is."""

    async def begin(self, place: Place, digest: str, within_s: float) -> Known:
        """Take the key, or tell what is known of it."""

    async def finish(self, place: Place, reply: str) -> None:
        """Keep the answer."""

    async def release(self, place: Place) -> None:
        """Give the key back: nothing was done under it."""


class Stopped(TryLater):
    """The tool's own limit stopped it, wherever it was."""


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


@dataclass(frozen=True, slots=True)
class Once:
    """One call under its key, with arguments that fit its tool."""

    replies: Replies
    tool: Tool
    principal: str
    key: str
    arguments: Mapping[str, Any]

    async def recall(self) -> CallToolResult | None:
        """Return the first answer when there is one; None: nothing was begun under this key.

        Raises:
            Refused: the key was used with other arguments, or its call was lost half-way.
            TryLater: the first call is still being done, or the database does not answer.
        """
        return self._judge(await self.replies.look(self._place, self._digest, self._within_s))

    async def run(self, do: Callable[[], Awaitable[CallToolResult]]) -> CallToolResult:
        """Do it and keep the answer, unless another call began meanwhile: then as `recall`."""
        known = await self.replies.begin(self._place, self._digest, self._within_s)
        if (before := self._judge(known)) is not None:
            return before
        try:
            answer = await do()
        except Stopped:
            raise  # what it had done by then is not known
        except (Refused, TryLater, OperatorNeeded) as error:
            # So a tool says that it did nothing. One that broke, or that lost the database on its
            # way, may have done half of it.
            if getattr(error, "is_midway", False):
                raise
            await self._note(self.replies.release(self._place))
            raise
        await self._note(self.replies.finish(self._place, self._kept(answer)))
        return answer

    @property
    def _place(self) -> Place:
        return self.principal, self.tool.name, hashlib.sha256(self.key.encode()).hexdigest()

    @property
    def _digest(self) -> str:
        # Keyed with the key, which is not kept: a person's own words, which can be erased, must not
        # be guessable from what tells them from others.
        exact = json.dumps(to_jsonable_python(self.arguments), sort_keys=True)
        return hmac.new(self.key.encode(), exact.encode(), "sha256").hexdigest()

    @property
    def _within_s(self) -> float:
        return self.tool.timeout_s + _SLACK_S

    def _judge(self, known: Known) -> CallToolResult | None:
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
                    "The first call with this key did not end in order: whether it had its effect "
                    "is not known. Look first (list_jobs, list_approvals), then call with a new "
                    "key."
                )

    def _kept(self, answer: CallToolResult) -> str:
        try:
            reply = answer.model_dump_json(by_alias=True, exclude_none=True)
        except ValueError:  # half a character, which no database takes
            reply = ""
        if 0 < len(reply) <= MOST_KEPT:
            return reply
        said = f"{self.tool.name} did its work, but its answer could not be kept. Look: list_jobs."
        instead = CallToolResult(content=[TextContent(type="text", text=said)], is_error=True)
        return instead.model_dump_json(by_alias=True, exclude_none=True)

    async def _note(self, write: Awaitable[None]) -> None:
        """Write it down whoever cancels; what stays unwritten counts as lost."""
        with anyio.move_on_after(_WRITE_S, shield=True):
            try:
                await write
            except TryLater as error:
                logger.warning(
                    "How %s ended was not kept under its key: %s",
                    self.tool.name,
                    error,
                    extra={"action": "reply_not_kept"},
                )


def is_replayed(answer: CallToolResult) -> bool:
    """Tell whether an answer was given before."""
    return bool((answer.meta or {}).get(REPLAYED_META))
