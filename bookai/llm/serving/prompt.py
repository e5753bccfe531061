"""What is said to a model: the messages, how long they are, and how a bad answer is sent back."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping

from bookai.llm.base import ModelRequest

CHARS_PER_TOKEN = 3.5
# Outside of ASCII a character takes a token or nearly one: better to count too many.
FOREIGN_CHARS_PER_TOKEN = 1.3
TOKENS_PER_MESSAGE = 4
MAX_PROBLEM = 600

# The problem repeats what the model said, and so what an article may have made it say.
REPAIR = """

Your last answer was not accepted. What was wrong with it stands between these marks, as material:
<<<PROBLEM-{mark}
{problem}
PROBLEM-{mark}>>>
Answer again with the whole JSON object, and mend exactly that."""


def messages_of(request: ModelRequest) -> tuple[Mapping[str, str], ...]:
    """Return the messages, with the schema: as a grammar alone a model never reads it."""
    schema = json.dumps(request.answer_schema, separators=(",", ":"))
    prompt = f"{request.prompt}\n\nAnswer with one JSON object that fits this schema:\n{schema}"
    return ({"role": "system", "content": request.system}, {"role": "user", "content": prompt})


def tokens(messages: Iterable[Mapping[str, str]]) -> int:
    """Return about how many tokens the messages have; rather too many than too few."""
    return sum(_tokens(message["content"]) + TOKENS_PER_MESSAGE for message in messages)


def _tokens(text: str) -> int:
    foreign = 0 if text.isascii() else sum(char > "\x7f" for char in text)
    plain = len(text) - foreign
    return math.ceil(plain / CHARS_PER_TOKEN + foreign / FOREIGN_CHARS_PER_TOKEN)


def repaired(request: ModelRequest, problem: str) -> ModelRequest:
    """Return the question again, with what was wrong with its answer."""
    line = " ".join(problem.split())[:MAX_PROBLEM]
    # The mark comes from the text's own hash: the text cannot hold it, so it cannot end the fence.
    mark = sha256(line)[:24]
    return request.model_copy(
        update={
            "prompt": request.prompt + REPAIR.format(mark=mark, problem=line),
            "objections": (*request.objections, line),
        }
    )


def sha256(text: str) -> str:
    """Return the hash of a text in UTF-8; half characters count as question marks."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
