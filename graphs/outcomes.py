"""What an attempt's end says about the agent, in the router's words."""

import asyncio
from collections.abc import Mapping
from typing import get_args

from bookai.db.pool import DATABASE_ERRORS
from bookai.db.runs.fence import Fenced
from bookai.errors import NotYet, OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.models import Capability, VideoJob
from bookai.router import Outcome

_OUTCOMES: frozenset[str] = frozenset(get_args(Outcome))

FILLED: Mapping[Capability, tuple[str, ...]] = {
    "scout": ("trend", "article"),
    "write": ("script",),
    "edit": ("review",),
    "match_offers": ("offer",),
    "render": ("voiceover", "render"),
    "check": ("check",),
    "package": ("post",),
    "publish": ("publication",),
    "report": ("report",),
}
"""The fields of a job that each step fills in."""


def outcome_of(error: BaseException) -> Outcome:
    """Return what an error says about the agent that raised it.

    An error that knows better says so in an attribute `outcome`: that of a model, or of a host.
    """
    told = getattr(error, "outcome", None)
    if told in _OUTCOMES:
        return told  # type: ignore[no-any-return]  # looked up in the type's own words
    match error:
        case Refused():
            return "refused"
        case Fenced() | asyncio.CancelledError():
            return "cancelled"
        case NotYet():
            return "client"  # nobody could have done it, before its time has come
        case TryLater():
            return "busy"
        case OperatorNeeded():
            return "client"  # nobody could have done it, before a person acts
        case TimeoutError() | OSError():
            return "client"  # somebody else's: the database's, for one
        case _ if isinstance(error, DATABASE_ERRORS):
            return "client"
    return "quality"


def check_answer(capability: Capability, before: VideoJob, after: object) -> VideoJob:
    """Return what an agent made of a job.

    Raises:
        ToolFailed: it is not that job with the step's fields filled in.
    """
    if not isinstance(after, VideoJob) or after.job_id != before.job_id:
        raise ToolFailed(f"what came back is not job {before.job_id}")
    missing = [name for name in FILLED[capability] if getattr(after, name) is None]
    if missing:
        raise ToolFailed(f"it came back without {' and '.join(missing)}")
    if _has_nul(after.model_dump()):
        raise ToolFailed("it came back with a NUL character in its text, which nothing can keep")
    return after


def _has_nul(value: object) -> bool:
    """Say whether any text within holds the one character that Postgres cannot keep."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_has_nul(one) for pair in value.items() for one in pair)
    return isinstance(value, list | tuple) and any(_has_nul(one) for one in value)


def one_line(error: BaseException, most: int = 300) -> str:
    """Return an error's text as one line of at most so many characters."""
    plain = "".join(c if c.isprintable() else " " for c in str(error))
    text = " ".join(plain.split()) or type(error).__name__
    return text if len(text) <= most else text[: most - 1] + "…"
