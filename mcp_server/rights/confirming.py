"""A question to the person behind a client before something that cannot be taken back.

It saves people from a model's misreading. It proves nothing: a client may answer for its person,
so whoever may not decide without being asked may not decide here either.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Annotated, Any

from mcp.server.elicitation import (
    AcceptedElicitation,
    CancelledElicitation,
    DeclinedElicitation,
    ElicitationResult,
)
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import (
    Elicit,
    Resolve,
    build_resolver_plans,
    find_resolved_parameters,
    resolve_arguments,
)
from mcp.shared.exceptions import MCPError
from mcp.types import InputRequiredResult
from pydantic import BaseModel, Field

from bookai.errors import Refused
from mcp_server.rights.access import Access
from mcp_server.rights.detours import Asked, CannotAsk
from mcp_server.schema import McpContext
from tools.base import Tool, ToolContext

logger = logging.getLogger(__name__)


class Confirmation(BaseModel):
    """What the person fills in."""

    confirm: bool = Field(description="Yes: do it as asked.")


class NotConfirmed(Refused):
    """The person said no, or nothing."""


async def confirm(
    tool: Tool,
    context: ToolContext,
    arguments: Mapping[str, Any],
    mcp: McpContext,
    access: Access,
) -> None:
    """Return when the person has confirmed, or when there is nothing or nobody to ask.

    With `access.must_confirm` somebody has to be asked.

    Raises:
        Asked: the client has to ask its person and call again.
        CannotAsk: it must ask and cannot.
        NotConfirmed: the person declined, gave up, or did not answer in time.
    """
    question = await tool.confirm(context, **arguments) if tool.confirm else None
    if question is None:
        return
    if not _can_ask(mcp):
        if access.must_confirm:
            raise CannotAsk(
                f"{tool.name} needs a confirmation here, and this client cannot ask for one. "
                "Decide on the approval pages or with bookai approve."
            )
        return
    try:
        async with asyncio.timeout(access.answer_s) as limit:
            outcome = await _ask(tool.name, question, mcp)
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise NotConfirmed(
            f"{tool.name} did nothing: nobody confirmed it within {access.answer_s:g} s."
        ) from error
    match outcome:
        case AcceptedElicitation(data=Confirmation(confirm=True)):
            return
        case CancelledElicitation():
            raise NotConfirmed(f"{tool.name} did nothing: the question was closed unanswered.")
        case _:
            raise NotConfirmed(f"{tool.name} did nothing: the answer was no. Do not ask again.")


async def _ask(
    name: str, question: str, mcp: McpContext
) -> AcceptedElicitation[Confirmation] | DeclinedElicitation | CancelledElicitation:
    async def ask() -> Elicit[Confirmation]:
        return Elicit(question, Confirmation)

    # The key under which question and answer travel: the same in every process.
    ask.__module__, ask.__qualname__ = "studio", f"confirm_{name}"

    async def wants(
        answer: Annotated[ElicitationResult[Confirmation], Resolve(ask)],
    ) -> None: ...

    parameters = find_resolved_parameters(wants)
    try:
        found = await resolve_arguments(
            parameters, build_resolver_plans(parameters, set()), {}, mcp
        )
    except (ToolError, MCPError) as error:
        logger.info(
            "No usable answer to a question: %s", error, extra={"action": "confirmation_unusable"}
        )
        raise NotConfirmed(f"{name} did nothing: the answer could not be read.") from error
    if isinstance(found, InputRequiredResult):
        raise Asked(found)
    outcome = found["answer"]
    assert isinstance(outcome, AcceptedElicitation | DeclinedElicitation | CancelledElicitation)
    return outcome


def _can_ask(mcp: McpContext) -> bool:
    """Tell whether the client can show its person a form; so does a bare `elicitation: {}`."""
    capabilities = mcp.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)
