"""What LangGraph keeps between steps: plain JSON, ids and counters only.

The job's record lives in `video_jobs`; a long text in the state would be written again at every
checkpoint (222 kB against 24 kB a run in our measurement).
"""

from typing import Literal, TypedDict


class State(TypedDict):
    """`edits` counts rewrites of this script, `skips` sources given up, `turn` the next way."""

    job_id: int
    edits: int
    skips: int
    turn: Literal["go_on", "rewrite", "next_source"]


def first_state(job_id: int) -> State:
    """Return the state with which a run begins."""
    return State(job_id=job_id, edits=0, skips=0, turn="go_on")
