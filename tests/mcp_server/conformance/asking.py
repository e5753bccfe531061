"""Props: tools that ask their caller, in the way of the older era and of the newer one."""

import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

from mcp.server.mcpserver import Context, Elicit, ElicitationResult, MCPServer, Resolve, Sample
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp.types import (
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
)
from pydantic import BaseModel, Field

from tests.mcp_server.conformance.contents import answer, text

NAME = {"name": {"type": "string"}}
ENUMS: Mapping[str, Any] = {
    "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
    "titledSingle": {
        "type": "string",
        "oneOf": [{"const": f"value{n}", "title": f"{n}. Option"} for n in (1, 2, 3)],
    },
    "legacyEnum": {
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    "untitledMulti": {
        "type": "array",
        "items": {"type": "string", "enum": ["option1", "option2", "option3"]},
    },
    "titledMulti": {
        "type": "array",
        "items": {"anyOf": [{"const": f"value{n}", "title": f"{n}. Choice"} for n in (1, 2, 3)]},
    },
}
DEFAULTS: Mapping[str, Any] = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}


class Contact(BaseModel):
    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


def form(message: str, properties: Mapping[str, Any]) -> ElicitRequest:
    schema = {"type": "object", "properties": dict(properties), "required": list(properties)}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sampling(question: str, tokens: int = 100) -> CreateMessageRequest:
    said = SamplingMessage(role="user", content=text(question))
    return CreateMessageRequest(
        params=CreateMessageRequestParams(messages=[said], max_tokens=tokens)
    )


async def ask_contact(message: str) -> Elicit[Contact]:
    return Elicit(message, Contact)


async def ask_model() -> Sample:
    return Sample(sampling("Who are you?").params.messages, max_tokens=10)


def add_questions(server: MCPServer[Any]) -> Collection[str]:
    """Add tools that ask while they run; return their names."""

    @server.tool(description="Ask who is there.")
    async def test_elicitation(
        message: str, given: Annotated[ElicitationResult[Contact], Resolve(ask_contact)]
    ) -> CallToolResult:
        return answer(text(f"User response: {given.model_dump_json()}"))

    @server.tool(description="Ask with defaults.")
    async def test_elicitation_sep1034_defaults(ctx: Context[Any, Any]) -> CallToolResult:
        return await _elicited(ctx, DEFAULTS)

    @server.tool(description="Ask with choices.")
    async def test_elicitation_sep1330_enums(ctx: Context[Any, Any]) -> CallToolResult:
        return await _elicited(ctx, ENUMS)

    @server.tool(description="Ask the client's model.")
    async def test_sampling(prompt: str, ctx: Context[Any, Any]) -> CallToolResult:
        said = sampling(prompt).params
        with warnings.catch_warnings():
            # Deprecated, and the studio never does it; the suite's older set has it.
            warnings.simplefilter("ignore", MCPDeprecationWarning)
            asking = ctx.session.create_message(said.messages, max_tokens=said.max_tokens)
        return answer(text(f"LLM response: {(await asking).content}"))

    @server.tool(description="Need what the client does not have.")
    async def test_missing_capability(
        said: Annotated[CreateMessageResult, Resolve(ask_model)],
    ) -> CallToolResult:
        return answer(text(str(said.content)))

    @server.tool(description="Ask on a stream.")
    async def test_streaming_elicitation(ctx: Context[Any, Any]) -> Any:
        return _asked_once(ctx, {"user_name": form("What is your name?", NAME)})

    return (
        *("test_elicitation", "test_elicitation_sep1034_defaults"),
        *("test_elicitation_sep1330_enums", "test_sampling"),
        *("test_missing_capability", "test_streaming_elicitation"),
    )


def add_rounds(server: MCPServer[Any]) -> Collection[str]:
    """Add tools that answer with questions, once or more than once; return their names."""
    name = form("What is your name?", NAME)
    ok = form("Please confirm", {"ok": {"type": "boolean"}})
    roots = ListRootsRequest()
    rounds: Mapping[str, Callable[[Context[Any, Any]], Any]] = {
        "elicitation": lambda ctx: _asked_once(ctx, {"user_name": name}),
        "sampling": lambda ctx: _asked_once(
            ctx, {"capital_question": sampling("What is the capital of France?")}
        ),
        "list_roots": lambda ctx: _asked_once(ctx, {"client_roots": roots}),
        "request_state": lambda ctx: _asked_once(ctx, {"confirm": ok}, "noted"),
        "tampered_state": lambda ctx: _asked_once(ctx, {"confirm": ok}, "noted"),
        "multiple_inputs": lambda ctx: _asked_once(
            ctx,
            {"user_name": name, "greeting": sampling("Generate a greeting", 50)}
            | {"client_roots": roots},
            "noted",
        ),
        "capabilities": _asked_of_the_able,
        "multi_round": _asked_twice,
    }
    for kind, run in rounds.items():
        _add_round(server, f"test_input_required_result_{kind}", run)
    return [f"test_input_required_result_{kind}" for kind in rounds]


def _add_round(server: MCPServer[Any], name: str, run: Callable[[Context[Any, Any]], Any]) -> None:
    @server.tool(name=name, description=f"Ask: {name}.")
    async def rounds(ctx: Context[Any, Any]) -> Any:
        return run(ctx)


def _asked_once(
    ctx: Context[Any, Any], asks: Mapping[str, Any], state: str | None = None
) -> CallToolResult | InputRequiredResult:
    given = ctx.input_responses or {}
    if any(key not in given for key in asks):
        return InputRequiredResult(input_requests=dict(asks), request_state=state)
    if state is not None and ctx.request_state != state:
        raise ToolError("The state is not the one that was given out")
    said = " ".join(str(given[key].model_dump(mode="json")) for key in asks)
    return answer(text(f"{'state-ok ' if state else ''}{said}"))


def _asked_twice(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
    given = ctx.input_responses or {}
    match ctx.request_state:
        case "first" if "step1" in given:
            color = form("Step 2: What is your favorite color?", {"color": {"type": "string"}})
            return InputRequiredResult(input_requests={"step2": color}, request_state="second")
        case "second" if "step2" in given:
            return answer(text("Both are known"))
        case _:
            name = form("Step 1: What is your name?", NAME)
            return InputRequiredResult(input_requests={"step1": name}, request_state="first")


def _asked_of_the_able(ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
    able = ctx.client_capabilities
    asks: dict[str, Any] = {}
    if able and able.elicitation:
        asks["user_name"] = form("What is your name?", NAME)
    if able and able.sampling:
        asks["greeting"] = sampling("Generate a greeting", 50)
    if able and able.roots:
        asks["client_roots"] = ListRootsRequest()
    return _asked_once(ctx, asks)


async def _elicited(ctx: Context[Any, Any], properties: Mapping[str, Any]) -> CallToolResult:
    schema = {"type": "object", "properties": dict(properties), "required": []}
    given = await ctx.session.elicit_form("Please fill this in", schema, ctx.request_id)
    return answer(text(f"Elicitation completed: action={given.action}, content={given.content}"))
