"""What is read and watched over MCP."""

from bookai.metrics.instruments import counter, one_gauge
from bookai.metrics.labels import Label

# `studio` are all that stand at studio://: one name each would cost more than it tells.
_ROOM = Label("room", ("job", "script", "thumbnail", "video", "approval", "audit", "studio"))
_READ = Label("outcome", ("ok", "missing", "refused", "failed"))

RESOURCE_READS = counter("bookai_resource_reads_total", "Resources read over MCP", _ROOM, _READ)
STREAMS = one_gauge("bookai_watch_streams", "Streams on which somebody watches resources")
