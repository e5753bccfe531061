"""The database and the desk: enough for looking, deciding and queueing.

Nothing here imports agents, graphs or MCP, which take seconds: most commands need none of them.
"""

from studio.office.opening import (
    CATALOGUE,
    Office,
    c2pa_table,
    now,
    open_office,
    rules_by,
)

__all__ = ["CATALOGUE", "Office", "c2pa_table", "now", "open_office", "rules_by"]
