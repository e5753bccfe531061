"""One call, and what the audit log and the metrics are told about it."""

import hashlib
import inspect
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bookai.errors import BookAIError
from bookai.metrics import TOOL_CALLS, TOOL_SECONDS
from bookai.toolbox import AGENT_META, JOB_META
from mcp_server.auth import Principal
from mcp_server.once import key_of
from mcp_server.schema import MAX_ID, Arguments, McpContext
from mcp_server.wire import outcome_of, scrub
from tools.base import Tool

_SHOWN_CHARACTERS = 120


@dataclass(slots=True)
class Call:
    """One call on its way: what the audit log will say about it."""

    tool: Tool
    principal: Principal
    arguments: Arguments
    agent: str | None
    job_id: int | None
    key: object = None
    replayed: bool = False
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, tool: Tool, principal: Principal, arguments: Arguments, mcp: McpContext) -> "Call":
        """Return the call; only our own agents are believed when they say in whose name."""
        meta: Mapping[str, Any] = {}
        if principal.may("agent"):
            meta = mcp.request_context.meta or {}
        agent = meta.get(AGENT_META)
        arguments = dict(arguments)
        key = key_of(tool, arguments)
        return cls(
            tool=tool,
            principal=principal,
            arguments=arguments,
            agent=scrub(agent)[:64] if isinstance(agent, str) else None,
            job_id=_number(arguments.get("job_id", meta.get(JOB_META))),
            key=key,
        )

    @property
    def actor(self) -> str:
        """Who stands in the audit log: an agent by its own name, else the principal."""
        return f"agent:{self.agent}" if self.agent else self.principal.name

    def body(self) -> dict[str, object]:
        """Return what is known before the call; long texts are present as a digest only."""
        told = {k: v for k, v in self.arguments.items() if k not in self.tool.private}
        exact = json.dumps(told, sort_keys=True, default=str)
        return {
            "tool": self.tool.name,
            "principal": self.principal.name,
            "agent": self.agent,
            "job_id": self.job_id,
            "arguments": self._small_ones(),
            "arguments_sha256": hashlib.sha256(exact.encode()).hexdigest(),
        }

    def _small_ones(self) -> dict[str, object]:
        # Names that the tool does not have are the caller's text: they stay out of the log.
        names = list(inspect.signature(self.tool.run).parameters)[1:]
        shown = [name for name in names if name not in self.tool.private]
        told = {name: self.arguments[name] for name in shown if name in self.arguments}
        return {
            name: _shown(value)
            for name, value in told.items()
            if value is None or isinstance(value, str | int | float)
        }

    def outcome(self, problem: BaseException | None) -> dict[str, object]:
        """Return the body of the row that tells how the call ended; durations are in ms."""
        return (
            self.body()
            | {
                "outcome": outcome_of(problem) if problem else "ok",
                "error": type(problem).__name__ if problem else None,
                "reason": _shown(problem.logged) if isinstance(problem, BookAIError) else None,
                "ms": round((time.monotonic() - self.started) * 1000),
            }
            | ({"replayed": True} if self.replayed else {})
        )

    def count(self, problem: BaseException | None) -> None:
        """Count the call in the metrics."""
        TOOL_CALLS.labels(self.tool.name, outcome_of(problem) if problem else "ok").inc()
        TOOL_SECONDS.labels(self.tool.name).observe(time.monotonic() - self.started)


def _number(job_id: object) -> int | None:
    if not isinstance(job_id, int) or isinstance(job_id, bool):
        return None
    return job_id if 0 < job_id <= MAX_ID else None


def _shown(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = scrub(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
