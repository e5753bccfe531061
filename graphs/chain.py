"""The chain of attempts at one step: how long each may take, and how it reads when all failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bookai.errors import BookAIError, ToolFailed, TryLater
from bookai.models import Capability, Fallback
from graphs.outcomes import one_line


@dataclass(frozen=True, slots=True)
class Limit:
    """Seconds for one attempt, and for the whole step with waiting and whoever stands in."""

    attempt_s: float
    step_s: float


def twice(attempt_s: float) -> Limit:
    """Return limits in which the first may hang and a second still has his full time."""
    return Limit(attempt_s, 2 * attempt_s)


LIMITS: Mapping[Capability, Limit] = {
    "scout": twice(180),
    "write": twice(420),
    "edit": twice(60),
    "match_offers": twice(60),
    "render": twice(900),
    "check": twice(240),
    "package": twice(60),
    "publish": twice(360),
    "report": twice(120),
}


@dataclass(frozen=True, slots=True)
class Failed:
    """One who was tried, and what became of it."""

    name: str
    error: BookAIError


def end_of(capability: Capability, failed: Sequence[Failed], why_over: str) -> BookAIError:
    """Return what a chain that failed ends with: in one line, who was tried and why each failed.

    It may be tried later when one of them said so. A chain of one ends with that one's own words
    and, when nobody was left, without ours.
    """
    last = failed[-1].error
    if len(failed) == 1 and not why_over:
        return last
    waits = [one.error.after_s for one in failed if isinstance(one.error, TryLater)]
    tried = "; ".join(f"{one.name}: {one_line(one.error)}" for one in failed)
    then = "the job waits and is tried again" if waits else "the job stops here"
    text = f"{capability} failed. Tried {tried}. {why_over or 'Nobody else can do it'}: {then}."
    if waits:
        return TryLater(text, after_s=min(waits))
    return ToolFailed(text) if isinstance(last, ToolFailed) else BookAIError(text)


def stood_in(capability: Capability, failed: Failed, name: str) -> Fallback:
    """Return the note that `name` does what another could not."""
    return Fallback(
        what=f"agent for {capability}", wanted=failed.name, used=name, why=one_line(failed.error)
    )
