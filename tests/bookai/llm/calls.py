"""Calls to model servers, as the pool makes them."""

import asyncio
from collections.abc import Callable
from typing import Any

from bookai.llm.base import Call, CallFailed, Model, ModelRequest, Provider, Server

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 80},
        "lines": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 8},
    },
    "required": ["title", "lines"],
    "additionalProperties": False,
}
REQUEST = ModelRequest(
    task="write_script",
    system="Be brief.",
    prompt="Rain?",
    prompt_version="test-1",
    answer_schema=SCHEMA,
)


def make_call(
    server: Server,
    model: str,
    *,
    seconds: float = 5.0,
    silence_s: float = 5.0,
    heard: Callable[[str], None] | None = None,
    request: ModelRequest = REQUEST,
) -> Call:
    return Call(
        request=request,
        messages=(
            {"role": "system", "content": request.system},
            {"role": "user", "content": request.prompt},
        ),
        model=Model(f"{server.provider}/{model}"),
        server=server,
        until=asyncio.get_running_loop().time() + seconds,
        max_tokens=request.max_tokens,
        heard=heard,
        first_chunk_s=silence_s,
        idle_s=silence_s,
    )


async def failure_of(provider: Provider, call: Call) -> CallFailed:
    """Return the error that a call ends with."""
    try:
        reply = await provider.reply(call)
    except CallFailed as error:
        return error
    raise AssertionError(f"it answered {reply.text!r}")
