"""What the house itself measures: tools, jobs, approvals, posts, queues, audit log, evidence."""

from bookai.metrics.instruments import (
    counter,
    gauge,
    histogram,
    one_counter,
    one_gauge,
    one_histogram,
)
from bookai.metrics.labels import COPY, PLATFORM, QUEUE, TOOL, Label

_CALL_SECONDS = (0.1, 1, 10, 60, 600)
_RENDER_SECONDS = (0.5, 2, 5, 10, 30, 60, 120, 300, 600, 900)

_CALLED = Label(
    "outcome",
    (
        "ok",
        "bad_arguments",
        "refused",
        "asked",
        "cannot_ask",
        "try_later",
        "operator_needed",
        "tool_failed",
        "cancelled",
        "failed",
    ),
)
_STOOD_IN = Label("what", ("agent", "writer model", "video encoder", "voice"))
_LIMITED = Label("limit", ("tool", "principal"))
_TASK_END = Label("state", ("completed", "failed", "cancelled"))
_TASK_STATE = Label("state", ("working", "input_required", "completed", "failed", "cancelled"))
_STATUS = Label("status", ("done", "refused", "failed", "cancelled"))
_DECISION = Label("decision", ("approved", "rejected"))
_POSTED = Label("outcome", ("posted", "failed", "unknown", "duplicate", "dead"))

TOOL_CALLS = counter("bookai_tool_calls_total", "MCP tool calls", TOOL, _CALLED, most=110)
TOOL_SECONDS = histogram("bookai_tool_seconds", "Time in a tool", TOOL, buckets=_CALL_SECONDS)
MCP_TASKS = gauge("bookai_mcp_tasks", "MCP tasks that can be asked after", _TASK_STATE)
MCP_TASKS_ENDED = counter("bookai_mcp_tasks_ended_total", "MCP tasks by how they ended", _TASK_END)
MCP_LIMITED = counter("bookai_mcp_limited_total", "MCP calls turned away by a rate limit", _LIMITED)
FALLBACKS = counter("bookai_fallbacks_total", "Something stood in for what was wanted", _STOOD_IN)
RENDER_SECONDS = one_histogram(
    "bookai_render_seconds", "Time to render a video", buckets=_RENDER_SECONDS
)
JOBS_ENDED = counter("bookai_jobs_ended_total", "Jobs by how they ended", _STATUS)
APPROVALS_DECIDED = counter("bookai_approvals_decided_total", "Decisions", _DECISION)
APPROVALS_PENDING = one_gauge("bookai_approvals_pending", "Approvals that wait for an operator")
POSTS = counter("bookai_posts_total", "Posts by outcome", PLATFORM, _POSTED, most=30)
QUEUE_DEPTH = gauge("bookai_queue_jobs", "Queue entries to do", QUEUE)
QUEUE_RUNNING = gauge("bookai_queue_running_jobs", "Queue entries being worked on", QUEUE)
QUEUE_OLDEST = gauge(
    "bookai_queue_oldest_seconds", "How long the oldest entry that may start has waited", QUEUE
)
QUEUE_RETRIES = counter("bookai_queue_retries_total", "Tries that were put off", QUEUE)
WORKERS_ALIVE = one_gauge("bookai_workers_alive", "Workers heard of within half a minute")
RUNS_RECOVERED = one_counter("bookai_runs_recovered_total", "Jobs taken up that nobody worked on")
RUNS_FENCED = one_counter(
    "bookai_runs_fenced_total", "Runs that came back after their job was taken"
)
AUDIT_UNSEALED = one_gauge(
    "bookai_audit_unsealed_events", "Audit events not yet under a checkpoint"
)
AUDIT_SEALED = one_counter(
    "bookai_audit_sealed_events_total", "Audit events put under a checkpoint"
)
AUDIT_LAG = one_gauge(
    "bookai_audit_lag_seconds", "How long the oldest audit event waited for its seal"
)
EVIDENCE_SUCCESS = gauge(
    "bookai_evidence_success_timestamp_seconds", "When a copy outside was last brought up", COPY
)
EVIDENCE_BEHIND = gauge(
    "bookai_evidence_behind_events", "Sealed events that a copy outside does not cover", COPY
)
EVIDENCE_ERRORS = counter(
    "bookai_evidence_errors_total", "Pushes to a copy outside that failed", COPY
)
