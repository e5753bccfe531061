"""Who is signed in: sessions of this process, and how often a caller may guess.

A session lives here and not in the cookie, so that signing out ends it everywhere. It keeps the
hash of the token it was opened with, never the token; every request looks that hash up again.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

LIFETIME = timedelta(hours=12)
MOST_SESSIONS = 1000

_SLOTS = 256
_TRIES = 20.0
_SECONDS_A_TRY = 6.0


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that showed a token; `form_token` is in each of its forms."""

    token_sha256: bytes
    form_token: str
    expires_at: datetime


class Sessions:
    """The open sessions, by the hash of what the cookie holds; the oldest makes room."""

    def __init__(self, now: Callable[[], datetime], most: int = MOST_SESSIONS) -> None:
        self._now = now
        self._most = most
        self._open: dict[bytes, Session] = {}

    def open(self, token_sha256: bytes, token_ends_at: datetime) -> tuple[str, Session]:
        """Open a session of at most 12 hours; return what the cookie holds, and the session."""
        now = self._now()
        self._open = {key: one for key, one in self._open.items() if one.expires_at > now}
        while len(self._open) >= self._most:
            del self._open[next(iter(self._open))]
        cookie = secrets.token_urlsafe(32)
        ends_at = min(now + LIFETIME, token_ends_at)
        session = Session(token_sha256, secrets.token_urlsafe(32), ends_at)
        self._open[_key(cookie)] = session
        return cookie, session

    def find(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie, or None: unknown, closed or over."""
        session = self._open.get(_key(cookie)) if cookie else None
        return session if session and session.expires_at > self._now() else None

    def close(self, cookie: str | None) -> None:
        """End a session; one that is not there is none to end."""
        if cookie:
            self._open.pop(_key(cookie), None)


class Attempts:
    """How often secrets may be guessed: 20 at once, then one in 6 seconds, for each caller.

    Callers share a fixed number of slots, so no flood of addresses makes it grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._salt = secrets.token_bytes(16)
        self._slots = [(0.0, 0.0)] * _SLOTS

    def take(self, caller: str) -> float:
        """Count a try and return 0, or return how many seconds to wait for the next."""
        slot, now = self._slot(caller), self._clock()
        used = self._used(slot, now)
        if used + 1 > _TRIES:
            return (used + 1 - _TRIES) * _SECONDS_A_TRY
        self._slots[slot] = (used + 1, now)
        return 0.0

    def give_back(self, caller: str) -> None:
        """Take back a try that turned out to be right: only wrong ones count."""
        slot, now = self._slot(caller), self._clock()
        self._slots[slot] = (max(0.0, self._used(slot, now) - 1), now)

    def _slot(self, caller: str) -> int:
        # Salted: nobody can choose an address that shares a slot with someone else's.
        digest = hashlib.blake2b(caller.encode(), key=self._salt, digest_size=2).digest()
        return int.from_bytes(digest) % _SLOTS

    def _used(self, slot: int, now: float) -> float:
        used, at = self._slots[slot]
        return max(0.0, used - (now - at) / _SECONDS_A_TRY)


def _key(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode(errors="replace")).digest()
