"""What a request for an answer says, and how many tokens of it the server reads."""

import json
import math
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from bookai.testing.fake_ollama.config import Answered, FakeModel

CHARS_PER_TOKEN = 4
MESSAGE_TOKENS = 4
TOO_LONG = "request ({0} tokens) exceeds the available context size ({1} tokens), try increasing it"
TOO_LONG_TO_SHIFT = (
    "the prompt is longer than the context length currently available to the model; shorten the "
    "prompt, adjust the context length in settings, or use a model with a longer context length"
)


class Options(BaseModel):
    """The options that change what the fake does; the others are taken and not looked at."""

    num_ctx: int | None = None
    num_predict: int | None = None


class Body(BaseModel):
    """The JSON of /api/chat and /api/generate."""

    model: str = ""
    messages: list[dict[str, Any]] = Field(default_factory=list)
    prompt: str = ""
    system: str = ""
    stream: bool = True
    format: str | dict[str, Any] | None = None
    tools: list[dict[str, Any]] = Field(default_factory=list)
    think: bool | str | None = None
    keep_alive: Any = None
    truncate: bool = True
    shift: bool = True
    options: Options = Field(default_factory=Options)

    def key(self, chat: bool) -> str:
        """Return the prompt as one text: what the answer depends on."""
        return json.dumps(self.messages, sort_keys=True) if chat else self.system + self.prompt

    def is_empty(self, chat: bool) -> bool:
        """Return whether it asks nothing: it loads or unloads the model."""
        return not self.messages if chat else not self.prompt


def read_body(raw: bytes) -> Body:
    """Parse a request.

    Raises:
        Answered: 400, it is no JSON or no request.
    """
    if not raw:
        raise Answered(400, "missing request body")
    try:
        found = json.loads(raw)
        given = {key: value for key, value in found.items() if value is not None}
        return Body.model_validate(given)
    except (ValueError, AttributeError) as error:
        what = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise Answered(400, what) from error


def tokens_in(text: str) -> int:
    """Return about how many tokens a text is."""
    return math.ceil(len(text) / CHARS_PER_TOKEN)


def tokens_read(body: Body, chat: bool, num_ctx: int, knows_truncate: bool) -> int:
    """Return the prompt's tokens as the server reports them: fewer when it cut the front off.

    Raises:
        Answered: 400, the prompt doesn't fit and may not be cut.
    """
    may_cut = body.truncate or not knows_truncate
    if chat:
        count = _of_messages(body.messages, num_ctx if may_cut else None)
    else:
        count = tokens_in(body.prompt) + tokens_in(body.system)
    if count < num_ctx:
        return max(1, count)
    if not may_cut:
        raise Answered(400, TOO_LONG.format(count, num_ctx))
    if not body.shift and knows_truncate:
        raise Answered(400, TOO_LONG_TO_SHIFT)
    return num_ctx - max((num_ctx - 5) // 2, 1)


def _of_messages(messages: Sequence[dict[str, Any]], limit: int | None) -> int:
    """Count the tokens; above `limit` the oldest messages go, but system ones and the last."""
    sizes = [tokens_in(str(m.get("content") or "")) + MESSAGE_TOKENS for m in messages]
    total = sum(sizes)
    for size, message in zip(sizes[:-1], messages, strict=False):
        if limit is None or total <= limit:
            break
        if message.get("role") != "system":
            total -= size
    return total


def context_for(body: Body, model: FakeModel, default: int) -> int:
    """Return the context it is answered with: what was asked for, as far as the model goes."""
    return min(model.context_length, max(4, body.options.num_ctx or default))
