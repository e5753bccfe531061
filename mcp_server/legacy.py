"""`logging/setLevel` for clients of the older era: they hear what a call is at, if they asked.

The newer era has no such request: its clients have tasks, or ask for progress with the call.
"""

from typing import Any, get_args

from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import (
    EmptyResult,
    LoggingLevel,
    LoggingMessageNotification,
    LoggingMessageNotificationParams,
    SetLevelRequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

_KEY = "bookai.level"
_LEVELS: tuple[LoggingLevel, ...] = get_args(LoggingLevel)
_INFO: LoggingLevel = "info"
_LOGGER = "bookai"


def add_logging(server: MCPServer[Any]) -> None:
    """Serve `logging/setLevel`."""

    async def set_level(
        ctx: ServerRequestContext[Any, Any], params: SetLevelRequestParams
    ) -> EmptyResult:
        ctx.session._connection.state[_KEY] = params.level
        return EmptyResult()

    # The SDK has no public way for a high-level server to serve it (2.3).
    server._lowlevel_server.add_request_handler(
        "logging/setLevel", SetLevelRequestParams, set_level
    )


async def say(mcp: Context[Any, Any], message: str) -> None:
    """Say what a call is at to a client that set a level which lets it through, and no progress."""
    session, meta = mcp.session, mcp.request_context.meta or {}
    # A level lasts as long as its connection, and the SDK hands out no other way to it (2.3).
    level = session._connection.state.get(_KEY)
    if level is None or session.protocol_version in MODERN_PROTOCOL_VERSIONS:
        return
    if "progress_token" in meta or _LEVELS.index(level) > _LEVELS.index(_INFO):
        return
    said = LoggingMessageNotificationParams(level=_INFO, logger=_LOGGER, data=message)
    await session.send_notification(
        LoggingMessageNotification(params=said), related_request_id=mcp.request_id
    )
