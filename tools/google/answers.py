"""What an answer of Google's APIs without success stands for."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bookai.errors import BookAIError, NotYet, OperatorNeeded, Refused, TryLater
from tools.net.api import Answer

# Quotas are counted by the day of California.
_DAY = ZoneInfo("America/Los_Angeles")
_SPENT = frozenset({"quotaExceeded", "dailyLimitExceeded", "uploadLimitExceeded"})
_FAST = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})


def problem(answer: Answer, now: datetime) -> BookAIError:
    """Return the error, with how long to wait or whom to ask."""
    reason, message = _told(answer)
    said = f"{answer.where} answered {answer.status} ({reason})"
    if reason in _SPENT:
        after_s = until_midnight(now)
        return NotYet(f"{said}: the day's quota is spent.", after_s=after_s)
    if answer.status == 429 or reason in _FAST:
        return NotYet(f"{said}.", after_s=answer.retry_after(60.0))
    if answer.status >= 500 or answer.status == 408:
        return TryLater(f"{said}.", after_s=answer.retry_after(60.0))
    if answer.status in (401, 403):
        return OperatorNeeded(
            f"{said}: {message}", mend="Look at the channel and at the token's rights."
        )
    return Refused(f"{said}: {message}")


def until_midnight(now: datetime) -> float:
    """Return the seconds until quotas are given anew, a minute more for good measure."""
    here = now.astimezone(_DAY)
    tomorrow = (here + timedelta(days=1)).date()
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=_DAY)
    return (midnight - now).total_seconds() + 60.0


def _told(answer: Answer) -> tuple[str, str]:
    error = (answer.json_or_nothing() or {}).get("error")
    if not isinstance(error, dict):
        return "no reason given", "no message"
    errors = error.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    reason = first.get("reason") if isinstance(first, dict) else None
    return _plain(reason or error.get("status")), _plain(error.get("message"))


def _plain(text: object) -> str:
    kept = "".join(char for char in str(text or "")[:200] if char.isprintable())
    return kept or "no reason given"
