"""How an error crosses the wire: its text for the caller, its class in `_meta`.

`bookai/toolbox.py` reads what is written here and raises the same class again.
"""

import asyncio
import re

from mcp.types import CallToolResult, TextContent

from bookai.errors import BookAIError, NotYet, OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.toolbox import AFTER_META, ERROR_META, HELD_META, MEND_META
from mcp_server.rights.detours import Asked, CannotAsk

NOT_ALLOWED = -32010
"""The protocol's code for a missing right: JSON-RPC leaves -32000 to -32019 to the server."""

# Ours by intent or not, no message may carry a password out of the house.
_SECRETS = (
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@]+@"), r"\1…@"),
    (re.compile(r"(?i)\b(\w*(?:password|passwd|secret|token|api_?key))=[^\s&;,]+"), r"\1=…"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 …"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class BadArguments(ToolFailed):
    """The arguments do not fit the tool; one line a field."""


def outcome_of(error: BaseException) -> str:
    """Return the closed-set label of an error, for metrics and the audit log."""
    match error:
        case Asked():
            return "asked"
        case CannotAsk():
            return "cannot_ask"
        case BadArguments():
            return "bad_arguments"
        case Refused():
            return "refused"
        case TryLater():
            return "try_later"
        case OperatorNeeded():
            return "operator_needed"
        case BookAIError():
            return "tool_failed"
        case asyncio.CancelledError():
            return "cancelled"
        case _:
            return "failed"


def error_result(tool: str, error: Exception) -> CallToolResult:
    """Return the answer that tells the caller about `error`.

    Only an error we raised on purpose speaks for itself; any other stays in the log.
    """
    if not isinstance(error, BookAIError):
        return _answer(f"{tool} failed inside; see the studio's log.", {ERROR_META: "tool_failed"})
    outcome = outcome_of(error)
    meta: dict[str, object] = {ERROR_META: "tool_failed" if outcome == "bad_arguments" else outcome}
    if isinstance(error, TryLater):
        meta[AFTER_META] = error.after_s
    if isinstance(error, NotYet):
        meta[HELD_META] = True
    if isinstance(error, OperatorNeeded):
        meta[MEND_META] = scrub(error.mend)
    return _answer(scrub(str(error)), meta)


def _answer(text: str, meta: dict[str, object]) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True, _meta=meta)


def scrub(text: str) -> str:
    """Return `text` without passwords in addresses, secrets in queries and control characters."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return _CONTROL.sub(" ", text).encode(errors="replace").decode()
