"""What a server's status means for us, and how a URL is shown in a message."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from bookai.errors import Refused, TryLater

_GONE = frozenset({404, 410})
_LOCKED = frozenset({401, 402, 403, 407, 451})
_BUSY = frozenset({408, 425, 429, 503})
_SHOWN_CHARACTERS = 160


class NoPage(Refused):
    """The server says that there is no page at this address."""


def check_status(where: str, status: int, headers: Mapping[str, str]) -> None:
    """Return for a status that comes with a page.

    Raises:
        NoPage: there is no such page.
        Refused: it is not for the public, or no page came.
        TryLater: the server is busy or broken; honours Retry-After.
    """
    if 200 <= status < 300:
        return
    if status in _GONE:
        raise NoPage(f"there is no page at {where} (status {status}). Check the address.")
    if status in _LOCKED:
        raise Refused(
            f"{where} does not let the studio in (status {status}). "
            "Save the page as a file and give its path."
        )
    if status in _BUSY:
        after_s = retry_after(headers.get("retry-after", ""), 60.0)
        raise TryLater(
            f"{where} is busy (status {status}); asking again in {after_s:.0f} s.", after_s=after_s
        )
    if status >= 500:
        raise TryLater(f"{where} is broken (status {status}).", after_s=120)
    raise Refused(f"{where} answered with status {status} instead of a page.")


def shown(url: str | httpx.URL) -> str:
    """Return a URL for a message: one line, cut, without credentials and without its query.

    Queries hold access keys often enough, and a message ends up in logs and in the audit log.
    """
    try:
        parsed = httpx.URL(url.strip()) if isinstance(url, str) else url
    except httpx.InvalidURL:
        return repr(str(url)[:_SHOWN_CHARACTERS])
    if not parsed.host:
        return repr(str(url)[:_SHOWN_CHARACTERS])
    query = "?…" if parsed.query else ""
    text = f"{parsed.scheme}://{netloc(parsed.host, parsed.port)}{parsed.path}{query}"
    text = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def netloc(host: str, port: int | None) -> str:
    """Return `host:port`, an IPv6 address in brackets."""
    name = f"[{host}]" if ":" in host else host
    return f"{name}:{port}" if port else name


def retry_after(text: str, default_s: float) -> float:
    """Return the seconds that a Retry-After header asks for: 1 to a day, else `default_s`."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        wait_s = float(text)
    else:
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return default_s
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        wait_s = (at - datetime.now(UTC)).total_seconds()
    return min(max(wait_s, 1.0), 86_400.0)
