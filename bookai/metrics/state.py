"""How the studio stands: what waits for people, the disk, the database, its processes."""

from bookai.metrics.instruments import gauge, one_counter, one_gauge
from bookai.metrics.labels import Label

_FRESHNESS = Label("state", ("fresh", "silent", "new"))
_OPEN_POST = Label("state", ("armed", "sending", "unknown", "failed", "dead"))
_PAUSED = Label("scope", ("studio", "channel"))
_LENT = Label("state", ("used", "idle"))
_KIND = Label("kind", ("loop", "mcp", "worker"))

SOURCES = gauge(
    "bookai_sources",
    "Sources that are watched: read lately, silent for three times as long, new",
    _FRESHNESS,
)
APPROVALS_OLDEST = one_gauge(
    "bookai_approvals_oldest_seconds", "How long the oldest approval has waited for an operator"
)
OUTBOX_POSTS = gauge("bookai_outbox_posts", "Posts that are not out, by state", _OPEN_POST)
OUTBOX_UNKNOWN = one_gauge(
    "bookai_outbox_unknown_oldest_seconds", "How long nobody has known whether a post is out"
)
PAUSES = gauge("bookai_pauses", "Pauses in force", _PAUSED)
DISK_FREE = one_gauge("bookai_disk_free_bytes", "Free for the studio where its home is")
DISK_PAUSED = one_gauge("bookai_disk_paused", "1 while a full disk keeps videos from being made")
BACKUP_AT = one_gauge(
    "bookai_backup_timestamp_seconds", "When the last backup was complete; 0: there is none"
)
DATABASE_POOL = gauge("bookai_database_pool_connections", "This process's own pool", _LENT)
DATABASE_SECONDS = one_gauge(
    "bookai_database_answer_seconds", "From asking for a connection to the answer, last time"
)
DATABASE_BYTES = one_gauge("bookai_database_bytes", "Size of the database")
DATABASE_OLDEST = one_gauge(
    "bookai_database_oldest_transaction_seconds", "Age of the oldest transaction in the database"
)
DATABASE_CONNECTIONS = one_gauge("bookai_database_connections", "Connections to the database")
DATABASE_ROOM = one_gauge("bookai_database_connections_max", "Connections that Postgres takes")
PROCESSES = gauge("bookai_processes", "Processes of the studio heard of within a minute", _KIND)
EVENT_LOOP_LAG = one_gauge(
    "bookai_event_loop_lag_seconds", "How late this process's event loop was at its last beat"
)
READY = one_gauge("bookai_ready", "1 when this process was ready for work at its last look")
SPANS_LOST = one_counter("bookai_trace_spans_lost_total", "Spans that no collector took")
