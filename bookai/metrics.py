"""Every Prometheus instrument, named once. Labels come from closed sets only."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.01, 0.05, 0.25, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)

TOOL_CALLS = Counter("bookai_tool_calls_total", "MCP tool calls", ["tool", "outcome"])
TOOL_SECONDS = Histogram("bookai_tool_seconds", "Time in a tool", ["tool"], buckets=_SECONDS)
AGENT_RUNS = Counter(
    "bookai_agent_runs_total", "Agents' attempts at a step", ["agent", "capability", "outcome"]
)
AGENT_SECONDS = Histogram(
    "bookai_agent_seconds", "Time of an agent at a step", ["agent", "capability"], buckets=_SECONDS
)
FALLBACKS = Counter("bookai_fallbacks_total", "Something stood in for what was wanted", ["what"])
MODEL_CALLS = Counter(
    "bookai_model_calls_total", "Questions to a model provider", ["provider", "outcome"]
)
MODEL_SECONDS = Histogram(
    "gen_ai_client_operation_duration_seconds",
    "Duration of a question to a model",
    ["gen_ai_provider_name"],
    buckets=_SECONDS,
)
RENDER_SECONDS = Histogram("bookai_render_seconds", "Time to render a video", buckets=_SECONDS)
JOBS_ENDED = Counter("bookai_jobs_ended_total", "Jobs by how they ended", ["status"])
APPROVALS_DECIDED = Counter("bookai_approvals_decided_total", "Decisions", ["decision"])
APPROVALS_PENDING = Gauge("bookai_approvals_pending", "Approvals that wait for an operator")
POSTS = Counter("bookai_posts_total", "Posts by outcome", ["platform", "outcome"])
QUEUE_DEPTH = Gauge("bookai_queue_jobs", "Queue entries to do", ["queue"])
QUEUE_RUNNING = Gauge("bookai_queue_running_jobs", "Queue entries being worked on", ["queue"])
QUEUE_OLDEST = Gauge(
    "bookai_queue_oldest_seconds", "How long the oldest entry that may start has waited", ["queue"]
)
QUEUE_RETRIES = Counter("bookai_queue_retries_total", "Tries that were put off", ["queue"])
WORKERS_ALIVE = Gauge("bookai_workers_alive", "Workers heard of within half a minute")
RUNS_RECOVERED = Counter("bookai_runs_recovered_total", "Jobs taken from silent workers")
RUNS_FENCED = Counter("bookai_runs_fenced_total", "Runs that came back after their job was taken")
AUDIT_UNSEALED = Gauge("bookai_audit_unsealed_events", "Audit events not yet under a checkpoint")
AUDIT_SEALED = Counter("bookai_audit_sealed_events_total", "Audit events put under a checkpoint")
AUDIT_LAG = Gauge("bookai_audit_lag_seconds", "How long the oldest audit event waited for its seal")
