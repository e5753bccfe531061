"""What routing measures: decisions, selections, failovers, agents and the steps they do."""

from collections.abc import Callable

from bookai.metrics.instruments import counter, gauge, histogram, summary
from bookai.metrics.labels import (
    AGENT,
    CANDIDATE,
    CAPABILITY,
    GEN_AI_AGENT,
    KIND,
    OUTCOME,
    REASON,
    RESULT,
    TASK_OUTCOME,
)

DECISION_SECONDS = (
    5e-6,
    1e-5,
    2e-5,
    5e-5,
    1e-4,
    2.5e-4,
    5e-4,
    1e-3,
    2.5e-3,
    5e-3,
    1e-2,
    2.5e-2,
    0.1,
)
"""25 ms, the limit of the alert, is a boundary."""
_STEP_SECONDS = (0.5, 2, 10, 30, 120, 300, 900)
_WAIT_SECONDS = (0.01, 0.1, 1, 10, 60)

ROUTER_DECISION_SECONDS = histogram(
    "bookai_router_decision_duration_seconds",
    "Time of one routing decision",
    KIND,
    buckets=DECISION_SECONDS,
    most=4,
)
ROUTER_SELECTIONS = counter(
    "bookai_router_selections_total",
    "Decisions by who was chosen; without a choice the candidate is empty",
    KIND,
    CANDIDATE,
    RESULT,
    most=110,
)
ROUTER_FALLBACKS = counter(
    "bookai_router_fallbacks_total", "Attempts that moved on to another candidate", KIND, REASON
)
RETRY_TOKENS = gauge("bookai_router_retry_budget_tokens", "Retry tokens that are left", KIND)

AGENT_RUNS = counter(
    "bookai_agent_runs_total",
    "Agents' attempts at a step",
    AGENT,
    CAPABILITY,
    OUTCOME,
    most=170,
)
AGENT_SECONDS = summary(
    "gen_ai_invoke_agent_duration_seconds",
    "Time of an agent at a step",
    GEN_AI_AGENT,
    CAPABILITY,
    most=60,
)
TASK_SECONDS = histogram(
    "bookai_task_duration_seconds",
    "Time of a step from its beginning to its end, with every attempt",
    CAPABILITY,
    TASK_OUTCOME,
    buckets=_STEP_SECONDS,
    most=24,
)
TASK_WAIT_SECONDS = histogram(
    "bookai_task_queue_wait_seconds",
    "Time a step waited for its first agent",
    CAPABILITY,
    buckets=_WAIT_SECONDS,
)
TASK_ATTEMPTS = summary("bookai_task_attempts", "Attempts that a step took", CAPABILITY)


def watch_router(kind: str) -> Callable[[str, str, float | None], None]:
    """Return what a router's dispatcher tells its decisions to: result, candidate and seconds.

    It keeps the children that it has used, for it stands in the way of every decision.
    """
    took = ROUTER_DECISION_SECONDS.labels(kind)
    count = {}

    def told(result: str, candidate: str, seconds: float | None) -> None:
        key = result, candidate
        if key not in count:
            count[key] = ROUTER_SELECTIONS.labels(kind, candidate, result)
        count[key].inc()
        if seconds is not None:
            took.observe(seconds)

    return told
