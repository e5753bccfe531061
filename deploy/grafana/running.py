"""What the dashboard shows of the loop and of the machine under it."""

from drawing import Panel, mean, quantiles

LOOP = (
    Panel(
        "Who leads, and since which epoch",
        "short",
        (
            ("sum by (process) (bookai_loop_leader)", "{{process}} leads"),
            ("max(bookai_loop_epoch)", "epoch"),
        ),
        "state-timeline",
    ),
    Panel(
        "Ticks by end, in an hour",
        "short",
        (
            (
                "sum by (tick, outcome) (increase(bookai_loop_ticks_total[1h]))",
                "{{tick}} {{outcome}}",
            ),
        ),
    ),
    Panel(
        "How late a tick begins (objective of the p99: 1 s)",
        "s",
        (
            *quantiles("bookai_loop_tick_lag_seconds", points=(0.5, 0.99)),
            ("max(bookai_loop_overdue_seconds)", "oldest slot that waits"),
        ),
    ),
    Panel("Mean time of a tick", "s", ((mean("bookai_loop_tick_seconds", "tick"), "{{tick}}"),)),
    Panel(
        "Slots that came together, ticks done again, in an hour",
        "short",
        (
            ("sum(increase(bookai_loop_merged_slots_total[1h]))", "settled by a later tick"),
            ("sum(increase(bookai_loop_retaken_ticks_total[1h]))", "left by a dead leader"),
        ),
    ),
    Panel("Sources", "short", (("max by (state) (bookai_sources)", "{{state}}"),)),
    Panel(
        "Videos started, and what allowed no more, in an hour",
        "short",
        (
            ("sum(increase(bookai_plan_started_total[1h]))", "started"),
            ("sum by (limit) (increase(bookai_plan_bound_total[1h]))", "{{limit}}"),
        ),
    ),
    Panel("Pauses in force", "short", (("max by (scope) (bookai_pauses)", "{{scope}}"),)),
    Panel(
        "Age of what waits for people",
        "s",
        (
            ("max(bookai_approvals_oldest_seconds)", "oldest approval"),
            ("max(bookai_outbox_unknown_oldest_seconds)", "oldest unknown post"),
        ),
    ),
    Panel(
        "Posts that are not out", "short", (("max by (state) (bookai_outbox_posts)", "{{state}}"),)
    ),
    Panel(
        "Channels that run alone",
        "short",
        (
            ("max by (level) (bookai_autonomy_channels)", "{{level}}"),
            ("sum(increase(bookai_autonomy_approvals_total[1d]))", "approved by rule in a day"),
            (
                "sum by (reason) (increase(bookai_autonomy_locks_total[1d]))",
                "locked by {{reason}} in a day",
            ),
        ),
    ),
    Panel(
        "What came home, in an hour",
        "short",
        (
            ("sum by (outcome) (increase(bookai_stats_reads_total[1h]))", "numbers {{outcome}}"),
            ("sum by (outcome) (increase(bookai_offer_pages_total[1h]))", "offer {{outcome}}"),
        ),
    ),
)
MACHINE = (
    Panel(
        "Processes, and those that are not ready",
        "short",
        (
            ("max by (kind) (bookai_processes)", "{{kind}}"),
            ("count by (process) (bookai_ready == 0)", "{{process}} not ready"),
        ),
    ),
    Panel(
        "Lag of the event loops",
        "s",
        (("max by (process) (bookai_event_loop_lag_seconds)", "{{process}}"),),
    ),
    Panel(
        "Disk",
        "bytes",
        (
            ("min(bookai_disk_free_bytes)", "free"),
            ("max(bookai_database_bytes)", "database"),
            ("sum(increase(bookai_pruned_bytes_total[1d]))", "freed in a day"),
        ),
    ),
    Panel(
        "Kept from making videos by the disk",
        "short",
        (("max(bookai_disk_paused)", "paused"),),
        "state-timeline",
    ),
    Panel(
        "Removed in a day",
        "short",
        (("sum by (what) (increase(bookai_pruned_total[1d]))", "{{what}}"),),
    ),
    Panel(
        "Since the last backup",
        "s",
        (("time() - max(bookai_backup_timestamp_seconds)", "age"),),
        "stat",
    ),
    Panel(
        "Database: connections",
        "short",
        (
            ("max(bookai_database_connections)", "all"),
            ("max(bookai_database_connections_max)", "room"),
            ("sum by (process, state) (bookai_database_pool_connections)", "{{process}} {{state}}"),
        ),
    ),
    Panel(
        "Database: time to answer, oldest transaction",
        "s",
        (
            ("max(bookai_database_answer_seconds)", "answer"),
            ("max(bookai_database_oldest_transaction_seconds)", "oldest transaction"),
        ),
    ),
    Panel(
        "Spans lost in an hour",
        "short",
        (("sum(increase(bookai_trace_spans_lost_total[1h]))", "lost"),),
    ),
)
