"""What a label may say: values from closed sets, or names from the configuration up to a limit."""

import re
from collections.abc import Iterable
from typing import Literal, get_args

from bookai.models import Capability, Queue

OTHER = "other"
"""What a value becomes that its label does not know, or has no more room for."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,63}")


class Label:
    """One label of one or more metrics; it turns every value into one of a bounded set.

    A closed label knows its values. An open one learns them, up to `most` with `other` among
    them: names that an operator wrote into the configuration. What does not look like a name, a
    sentence for one, is never learned.
    """

    def __init__(self, name: str, values: Iterable[str] = (), *, most: int = 0) -> None:
        self.name = name
        self.is_open = most > 0
        self._known = {value: value for value in values}
        self.most = most or len({*self._known, OTHER})

    def renamed(self, name: str) -> "Label":
        """Return the same label under the name that a convention asks for; it learns with it."""
        twin = Label(name, most=self.most)
        twin._known = self._known
        return twin

    @property
    def values(self) -> tuple[str, ...]:
        """The values it knows so far, in alphabetical order."""
        return tuple(sorted(self._known))

    def admit(self, value: object) -> str:
        """Return `value` when the label may carry it, else `other`."""
        text = str(value)
        known = self._known.get(text)
        if known is not None:
            return known
        has_room = self.is_open and len(self._known) < self.most - 1
        if has_room and _NAME.fullmatch(text):
            self._known[text] = text
            return text
        return OTHER


AGENT = Label("agent", most=50)
SERVER = Label("server", most=16)
MODEL = Label("model", most=10)
PROVIDER = Label("provider", most=6)
PLATFORM = Label("platform", most=10)
TOOL = Label("tool", most=32)
COPY = Label("copy", most=8)
CANDIDATE = Label("candidate", ("",), most=80)
"""Whoever the router may choose: agents, model servers, voices."""
GEN_AI_AGENT = AGENT.renamed("gen_ai_agent_name")
GEN_AI_MODEL = MODEL.renamed("gen_ai_request_model")
GEN_AI_PROVIDER = PROVIDER.renamed("gen_ai_provider_name")

CAPABILITY = Label("capability", get_args(Capability))
QUEUE = Label("queue", (*get_args(Queue), "desk"))
KIND = Label("kind", ("step", "model", "voice"))
OUTCOME = Label(
    "outcome",
    ("ok", "refused", "quality", "infra", "timeout", "busy", "client", "cancelled", "lost"),
)
TASK_OUTCOME = Label("outcome", ("ok", "refused", "failed", "cancelled"))
RESULT = Label("result", ("selected", "waited", "saturated", "none", "expired"))
REASON = Label("reason", ("quality", "infra", "timeout", "busy", "client", "missing", "excluded"))
BREAKER = Label("state", ("closed", "open", "half_open"))
OPERATION = Label("gen_ai_operation_name", ("chat",))
TOKEN_TYPE = Label("gen_ai_token_type", ("input", "output"))
FAILED = Label("error_type", ("", "failed"))
"""Whether a question failed; the kinds of error have a counter of their own."""
ErrorKind = Literal[
    "connect",
    "reset",
    "http_5xx",
    "midstream_error",
    "first_chunk_timeout",
    "idle_timeout",
    "deadline",
    "busy",
    "model_missing",
    "http_4xx",
    "context",
    "no_done",
    "cut",
    "empty",
    "blanks",
    "invalid_json",
    "invalid_schema",
    "protocol",
    "prompt_truncated",
    "budget",
]
"""What can go wrong with a question to a model; `bookai.llm` raises these."""
ERROR = Label("error_type", get_args(ErrorKind))
INVALID = Label(
    "kind",
    (
        "no_done",
        "cut",
        "empty",
        "blanks",
        "invalid_json",
        "invalid_schema",
        "protocol",
        "prompt_truncated",
    ),
)
STAGE = Label(
    "stage", ("control_characters", "fences", "think", "outermost", "commas", "reask", "lengthen")
)
OVERFLOW = Label("action", ("refused", "shortened", "next_model"))
