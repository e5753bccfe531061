"""What the loop measures: its ticks, who leads, what it plans, clears away and brings home."""

from bookai.metrics.instruments import (
    counter,
    gauge,
    one_counter,
    one_gauge,
    one_histogram,
    summary,
)
from bookai.metrics.labels import Label

_LAG_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""1 s is the objective of the 99th percentile; 10 s is the time that a takeover may cost."""

TICK = Label(
    "tick",
    ("watch", "plan", "outbox", "stats", "links", "forecasts", "prune", "disk", "ladder"),
)
_TICK_END = Label("outcome", ("done", "failed", "timeout"))
_BOUND = Label(
    "limit",
    (
        "none",
        "slots",
        "posts_per_day",
        "platform",
        "waiting",
        "approvals",
        "videos",
        "cents",
        "failures",
        "paused",
        "standing",
        "stories",
    ),
)
_LEVEL = Label("level", ("manual", "limited", "locked"))
_LOCKED_BY = Label("reason", ("rejection", "edit", "operator", "strike", "takedown", "passport"))
_PRUNED = Label("what", ("checkpoints", "media", "ticks", "cache", "leftovers"))
_STATS = Label("outcome", ("read", "stale", "gone", "failed"))
_PAGE = Label("outcome", ("answers", "dead", "unsure"))

LOOP_LEADER = one_gauge("bookai_loop_leader", "1 while this process leads the loop, else 0")
LOOP_EPOCH = one_gauge("bookai_loop_epoch", "The leadership that this process holds; 0: none")
LOOP_OVERDUE = one_gauge(
    "bookai_loop_overdue_seconds", "How long the oldest slot that nobody has begun is due"
)
LOOP_TICKS = counter(
    "bookai_loop_ticks_total", "Ticks of the loop by how they ended", TICK, _TICK_END
)
LOOP_MERGED = one_counter(
    "bookai_loop_merged_slots_total", "Slots that a later tick settled, as nobody led meanwhile"
)
LOOP_RETAKEN = one_counter(
    "bookai_loop_retaken_ticks_total", "Ticks done again that a leader left behind"
)
TICK_LAG = one_histogram(
    "bookai_loop_tick_lag_seconds", "From a tick's slot to its beginning", buckets=_LAG_SECONDS
)
TICK_SECONDS = summary("bookai_loop_tick_seconds", "Time of a tick", TICK)

PLAN_STARTED = one_counter("bookai_plan_started_total", "Videos that the planner started")
PLAN_BOUND = counter(
    "bookai_plan_bound_total",
    "Plans by the limit that allowed no more; none: every slot is served",
    _BOUND,
)
AUTONOMY_CHANNELS = gauge("bookai_autonomy_channels", "Channels by rung of the ladder", _LEVEL)
AUTONOMY_APPROVALS = one_counter(
    "bookai_autonomy_approvals_total", "Approvals that the studio gave under a rule"
)
AUTONOMY_LOCKS = counter(
    "bookai_autonomy_locks_total", "Channels that lost their autonomy, by why", _LOCKED_BY
)
PRUNED = counter("bookai_pruned_total", "Things removed as retention asks", _PRUNED)
PRUNED_BYTES = one_counter("bookai_pruned_bytes_total", "Bytes that retention freed")
STATS_READ = counter("bookai_stats_reads_total", "Looks at a post's numbers, by outcome", _STATS)
OFFER_PAGES = counter("bookai_offer_pages_total", "Looks at an offer's page, by outcome", _PAGE)
