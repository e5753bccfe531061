"""Which kind of worker does which step."""

from collections.abc import Mapping
from typing import get_args

from bookai.models import Queue

QUEUES: tuple[Queue, ...] = get_args(Queue)
EVERY_QUEUE: frozenset[Queue] = frozenset(QUEUES)

# What keeps a machine busy, and what needs the accounts, may be kept on machines of their own.
_OWN: Mapping[str, Queue] = {
    "render": "render",
    "check": "render",
    "publish": "publish",
    "report": "publish",
}


def queue_of(node: str) -> Queue:
    """Return the queue of a node of the graph; all that is not heavy or outward is "graph"."""
    return _OWN.get(node, "graph")
