"""What the dashboard shows, row by row. `dashboard.py` draws it."""

from drawing import Panel, mean, quantiles, rate
from running import LOOP, MACHINE

STEPS = (
    Panel(
        "Steps by end",
        "reqps",
        ((rate("bookai_task_duration_seconds_count", "outcome"), "{{outcome}}"),),
    ),
    Panel(
        "Steps that did not fail (objective 99 %)",
        "percentunit",
        (
            (
                "1 - (sum(increase(bookai_task_duration_seconds_count"
                '{outcome="failed"}[1d])) or vector(0))'
                " / sum(increase(bookai_task_duration_seconds_count"
                '{outcome=~"ok|refused|failed"}[1d]))',
                "a day",
            ),
        ),
        "stat",
    ),
    Panel(
        "Time of a step",
        "s",
        tuple(quantiles("bookai_task_duration_seconds", "capability")),
    ),
    Panel(
        "Attempts a step",
        "short",
        ((mean("bookai_task_attempts", "capability"), "{{capability}}"),),
    ),
    Panel(
        "Wait for the first agent",
        "s",
        tuple(quantiles("bookai_task_queue_wait_seconds", points=(0.5, 0.99))),
    ),
    Panel(
        "Queues",
        "short",
        (
            ("max by (queue) (bookai_queue_jobs)", "{{queue}} to do"),
            ("max by (queue) (bookai_queue_running_jobs)", "{{queue}} running"),
        ),
    ),
    Panel("Oldest entry", "s", (("max by (queue) (bookai_queue_oldest_seconds)", "{{queue}}"),)),
    Panel(
        "Workers, and jobs taken from the dead",
        "short",
        (
            ("max(bookai_workers_alive)", "alive"),
            ("sum(increase(bookai_runs_recovered_total[1h]))", "taken up in an hour"),
        ),
    ),
)
ROUTING = (
    Panel(
        "Decision time (limit of the alert: 25 ms)",
        "s",
        tuple(quantiles("bookai_router_decision_duration_seconds", "kind", (0.5, 0.99))),
    ),
    Panel(
        "Who was chosen",
        "reqps",
        (
            (
                rate('bookai_router_selections_total{result="selected"}', "kind, candidate"),
                "{{kind}} {{candidate}}",
            ),
        ),
    ),
    Panel(
        "Without a choice",
        "reqps",
        (
            (
                rate('bookai_router_selections_total{result!="selected"}', "kind, result"),
                "{{kind}} {{result}}",
            ),
        ),
    ),
    Panel(
        "Second tries",
        "reqps",
        ((rate("bookai_router_fallbacks_total", "kind, reason"), "{{kind}} after {{reason}}"),),
    ),
    Panel(
        "Retries left",
        "short",
        (("min by (kind) (bookai_router_retry_budget_tokens)", "{{kind}}"),),
    ),
    Panel(
        "What stood in",
        "reqps",
        ((rate("bookai_fallbacks_total", "what"), "{{what}}"),),
    ),
)
AGENTS = (
    Panel(
        "Expected success",
        "percentunit",
        (
            (
                "min by (agent, capability) (bookai_agent_success_probability)",
                "{{agent}} {{capability}}",
            ),
        ),
    ),
    Panel(
        "Breakers that are not closed",
        "short",
        (
            (
                'sum by (agent) (bookai_agent_breaker_state{state=~"open|half_open"})'
                " or 0 * sum by (agent) (bookai_agent_breaker_state)",
                "{{agent}}",
            ),
        ),
        "state-timeline",
    ),
    Panel(
        "Load",
        "percentunit",
        (
            (
                "sum by (agent) (bookai_agent_in_flight) / sum by (agent) (bookai_agent_capacity)",
                "{{agent}}",
            ),
        ),
    ),
    Panel(
        "Silent for",
        "s",
        (("time() - max by (agent) (bookai_agent_heartbeat_timestamp_seconds)", "{{agent}}"),),
    ),
    Panel(
        "Attempts by end",
        "reqps",
        ((rate("bookai_agent_runs_total", "agent, outcome"), "{{agent}} {{outcome}}"),),
    ),
    Panel(
        "Mean time of an attempt",
        "s",
        (
            (
                mean("gen_ai_invoke_agent_duration_seconds", "gen_ai_agent_name"),
                "{{gen_ai_agent_name}}",
            ),
        ),
    ),
)
MODELS = (
    Panel(
        "Time of a call (objective 2 s)",
        "s",
        tuple(quantiles("gen_ai_client_operation_duration_seconds", "gen_ai_request_model")),
    ),
    Panel(
        "Calls under 2 s",
        "percentunit",
        (
            (
                'sum(rate(gen_ai_client_operation_duration_seconds_bucket{le="2.0"}[5m]))'
                " / sum(rate(gen_ai_client_operation_duration_seconds_count[5m]))",
                "share",
            ),
        ),
        "stat",
    ),
    Panel(
        "First chunk",
        "s",
        tuple(
            quantiles(
                "gen_ai_client_operation_time_to_first_chunk_seconds",
                "gen_ai_request_model",
                (0.95,),
            )
        ),
    ),
    Panel(
        "Tokens a second",
        "short",
        ((rate("gen_ai_client_token_usage_sum", "gen_ai_token_type"), "{{gen_ai_token_type}}"),),
    ),
    Panel(
        "Slots in use, and questions that wait",
        "short",
        (
            ("sum by (server) (bookai_llm_in_flight)", "{{server}}"),
            ("sum by (server) (bookai_llm_slots)", "{{server}} slots"),
            ("sum by (model) (bookai_llm_waiting)", "{{model}} waiting"),
        ),
    ),
    Panel(
        "Servers up",
        "short",
        (("max by (server) (bookai_llm_up)", "{{server}}"),),
        "state-timeline",
    ),
    Panel(
        "Models in memory",
        "short",
        (("max by (server, model) (bookai_llm_model_loaded)", "{{server}} {{model}}"),),
        "state-timeline",
    ),
    Panel(
        "Loads in ten minutes, and how long",
        "short",
        (
            (
                "sum by (server) (increase(bookai_llm_load_duration_seconds_count[10m]))",
                "{{server}}",
            ),
            (mean("bookai_llm_load_duration_seconds", "server"), "{{server}} seconds"),
        ),
    ),
    Panel(
        "Attempts by end",
        "reqps",
        (
            (rate("bookai_llm_attempts_total", "server, outcome"), "{{server}} {{outcome}}"),
            (rate("bookai_model_calls_total", "provider, outcome"), "{{provider}} {{outcome}}"),
        ),
    ),
    Panel(
        "Errors by kind",
        "reqps",
        ((rate("bookai_llm_errors_total", "provider, error_type"), "{{provider}} {{error_type}}"),),
    ),
    Panel(
        "Unusable answers, and those mended",
        "reqps",
        (
            (rate("bookai_llm_invalid_outputs_total", "model, kind"), "{{model}} {{kind}}"),
            (rate("bookai_llm_repairs_total", "model, stage"), "{{model}} mended by {{stage}}"),
        ),
    ),
    Panel(
        "Prompts that did not fit",
        "reqps",
        ((rate("bookai_llm_context_overflows_total", "model, action"), "{{model}} {{action}}"),),
    ),
)
HOUSE = (
    Panel(
        "Tool calls by end", "reqps", ((rate("bookai_tool_calls_total", "outcome"), "{{outcome}}"),)
    ),
    Panel("Time in a tool", "s", tuple(quantiles("bookai_tool_seconds", "tool", (0.95,)))),
    Panel(
        "Approvals",
        "short",
        (
            ("max(bookai_approvals_pending)", "waiting"),
            ("sum by (decision) (increase(bookai_approvals_decided_total[1h]))", "{{decision}}"),
        ),
    ),
    Panel(
        "Jobs and posts by end, in an hour",
        "short",
        (
            ("sum by (status) (increase(bookai_jobs_ended_total[1h]))", "{{status}}"),
            (
                "sum by (platform, outcome) (increase(bookai_posts_total[1h]))",
                "{{platform}} {{outcome}}",
            ),
        ),
    ),
    Panel(
        "Audit log: events without a seal, and how late",
        "short",
        (
            ("max(bookai_audit_unsealed_events)", "events"),
            ("max(bookai_audit_lag_seconds)", "seconds"),
        ),
    ),
    Panel(
        "Copies outside: events behind",
        "short",
        (("max by (copy) (bookai_evidence_behind_events)", "{{copy}}"),),
    ),
)
CHAT = (
    Panel("Tasks of MCP clients", "short", (("sum by (state) (bookai_mcp_tasks)", "{{state}}"),)),
    Panel(
        "Tasks by end",
        "reqps",
        ((rate("bookai_mcp_tasks_ended_total", "state"), "{{state}}"),),
    ),
    Panel(
        "Resources read, and streams that watch",
        "short",
        (
            (rate("bookai_resource_reads_total", "room"), "{{room}} a second"),
            ("sum(bookai_watch_streams)", "watching"),
        ),
    ),
    Panel(
        "Turned away by a rate limit",
        "reqps",
        ((rate("bookai_mcp_limited_total", "limit"), "{{limit}}"),),
    ),
)
ROWS = (
    ("Loop", LOOP),
    ("Steps", STEPS),
    ("Routing", ROUTING),
    ("Agents", AGENTS),
    ("Models", MODELS),
    ("House", HOUSE),
    ("Machine", MACHINE),
    ("Chat", CHAT),
)
