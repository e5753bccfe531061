"""What LangGraph keeps between steps: plain JSON, ids and counters only.

The job's record lives in `video_jobs`; a long text in the state would be written again at every
checkpoint (222 kB against 24 kB a run in our measurement).
"""

from typing import Literal, NotRequired, TypedDict


class State(TypedDict):
    """`edits` counts rewrites of this script, `skips` sources given up, `turn` the next way.

    `swaps` counts how often the film was made anew with another shot; runs of old lack it.
    """

    job_id: int
    edits: int
    skips: int
    turn: Literal["go_on", "rewrite", "next_source", "again"]
    swaps: NotRequired[int]


def first_state(job_id: int) -> State:
    """Return the state with which a run begins."""
    return State(job_id=job_id, edits=0, skips=0, turn="go_on")
