"""Spans of time for people."""

from datetime import timedelta


def span(length: timedelta) -> str:
    """Write how long something took: "40 s", "16 min", "3 h 05 min", "2 d 4 h"."""
    seconds = round(length.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"
